"""What a comparison reads of a run: its parameters, the digests of data and split, its numbers; a few milliseconds."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from iris_lab.by_step import METRICS_FILE
from iris_lab.errors import ArtifactError, InputError, UnknownNameError
from iris_lab.place import SPLIT_FILE
from iris_lab.weighted_scores import SCORES
from iris_lab.workflow.crate import LARGEST_RECORD
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.untrusted import read_bounded, strict_json

if TYPE_CHECKING:
    from iris_lab.workflow.parameters import Value

SEED = "seed"  # the parameter that draws the split: runs that differ in it alone are repetitions
SIZES = ("train.train_samples", "train.test_samples")
NUMBER = re.compile("([0-9]+)")  # so that seed=2 is before seed=10
CROSS_VALIDATION = "train.accuracy_mean"


@dataclass(frozen=True)
class ComparedRun:
    """A run, as far as a comparison needs it.

    Attributes
    ----------
    path
        Its folder.
    values
        Its parameters.
    data, data_sha256
        Name and digest of its dataset.
    split_sha256
        Digest of the file that says which samples were held out.
    metrics
        Its numbers, with the step's name in front.
    """

    path: Path
    values: "Mapping[str, Value]"
    data: str
    data_sha256: str
    split_sha256: str
    metrics: Mapping[str, float]

    @property
    def seed(self) -> "Value":
        """Its seed; empty if it has none."""
        return self.values.get(SEED, "")

    @property
    def test_set(self) -> tuple[str, str]:
        """What runs with the same test set have in common."""
        return self.data_sha256, self.split_sha256

    @property
    def configuration(self) -> "tuple[tuple[str, Value | str], ...]":
        """What runs have in common that differ in their seed at most."""
        values = sorted((name, value) for name, value in self.values.items() if name != SEED)
        return (("", self.data_sha256), *values)

    @property
    def scores(self) -> list[str]:
        """Names of the scores that it has, each with an interval."""
        ends = ("", "_low", "_high")
        return [name for name in SCORES if all(f"evaluate.{name}{end}" in self.metrics for end in ends)]

    @property
    def test_per_train(self) -> float:
        """Samples in the test set divided by samples in the training set."""
        train, test = (self.metrics[name] for name in SIZES)
        return test / train


def find_runs(places: Sequence[Path]) -> list[Path]:
    """Return the runs in some places: each is a run, or a folder of runs, such as that of a sweep.

    Raises
    ------
    InputError
        A place is neither, or a run is named twice.
    """
    found: dict[Path, Path] = {}
    for place in places:
        if not place.is_dir():
            what = "is a file" if place.exists() else "does not exist"
            raise ArtifactError(f"run {str(place)!r} {what}: give folders of runs, such as reports/iris")
        inside = [path.parent for path in place.glob(f"[!.]*/{CRATE_FILE}")]  # a run that is being written has a dot
        inside.sort(key=lambda run: [int(part) if part.isdecimal() else part for part in NUMBER.split(run.name)])
        runs = [place] if (place / CRATE_FILE).is_file() else inside
        if not runs:
            raise ArtifactError(f"no run in {str(place)!r}: expected {CRATE_FILE} in it, or folders that have one")
        for run in runs:
            if run.resolve() in found:
                raise InputError(f"run {str(run)!r} is given twice: name each run once")
            found[run.resolve()] = run
    return list(found.values())


def read_run(path: Path, score: str) -> ComparedRun:
    """Read what a comparison by a score needs of a run.

    Raises
    ------
    ArtifactError
        The record or ``metrics.json`` is damaged, or the run has no trained and evaluated model.
    UnknownNameError
        The run has no such score.
    """
    try:
        graph = {e["@id"]: e for e in orjson.loads(read_bounded(path / CRATE_FILE, LARGEST_RECORD))["@graph"]}
        values = {e["name"]: e["value"] for e in graph.values() if e["@type"] == "PropertyValue"}
        files = {e["name"]: e["sha256"] for e in graph.values() if e["@type"] == "File" and "sha256" in e}
        data, digest = (str(graph["#data"][key]) for key in ("name", "sha256")) if "#data" in graph else ("", "")
        if not all(isinstance(name, str) and isinstance(value, str | int | float) for name, value in values.items()):
            raise ValueError("a parameter is neither a number nor a text")
    except OSError as error:
        raise ArtifactError(f"cannot read {CRATE_FILE} of run {str(path)!r}: {error.strerror}") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ArtifactError(f"run {str(path)!r} is damaged: {CRATE_FILE} is no record of a run ({reason})") from error
    for name in (METRICS_FILE, SPLIT_FILE):
        if name not in files:
            raise ArtifactError(f"run {str(path)!r} has no {name}, so no model to compare: give runs of 02 and 03")
    metrics = _metrics(path, files[METRICS_FILE])
    run = ComparedRun(path, values, data, digest, str(files[SPLIT_FILE]), metrics)
    _check_score(run, score)
    return run


def _metrics(path: Path, recorded: str) -> Mapping[str, float]:
    try:
        content = read_bounded(path / METRICS_FILE, LARGEST_RECORD)
        if hashlib.sha256(content).hexdigest() != recorded:
            raise ValueError("not the file that the record names by its SHA-256")
        metrics: dict[str, Any] = strict_json(content)
        return {str(name): float(value) for name, value in metrics.items()}
    except OSError as error:
        raise ArtifactError(f"run {str(path)!r} is damaged: {METRICS_FILE}: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ArtifactError(f"run {str(path)!r} is damaged: {METRICS_FILE}: {reason}; verify it") from error


def _check_score(run: ComparedRun, score: str) -> None:
    if not run.scores or not all(run.metrics.get(name, 0) > 0 for name in SIZES):
        raise ArtifactError(
            f"run {str(run.path)!r} has no evaluated model in {METRICS_FILE}: give runs of all three steps"
        )
    if score not in run.scores:
        raise UnknownNameError("score", score, run.scores)
