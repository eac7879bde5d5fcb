"""Comparison of the artifacts of two runs, each by its kind."""

import csv
import filecmp
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from iris_lab.place import INFO_FILE, MODEL_FILE, SPLIT_FILE
from iris_lab.workflow.comparison.bytes import compare_bytes
from iris_lab.workflow.comparison.drawings import compare_drawings
from iris_lab.workflow.comparison.findings import DIFFERENT, EQUIVALENT, IDENTICAL, Difference, Finding
from iris_lab.workflow.comparison.models import compare_models
from iris_lab.workflow.comparison.notebooks import compare_notebooks
from iris_lab.workflow.comparison.pictures import LEVELS, Drawings, compare_markup, compare_pictures, unpacked
from iris_lab.workflow.comparison.records import compare_records
from iris_lab.workflow.comparison.texts import compare_forms, compare_tables, compare_texts, compare_trees
from iris_lab.workflow.crate import digest_of, read_crate
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.untrusted import read_bounded, strict_json

DELIMITERS = {".csv": ",", ".tsv": "\t"}
# What reading a file of unknown origin can raise.
UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    SyntaxError,
    csv.Error,
)
LARGER, ROOM = 4, 2**20  # a recorded file is read if it has at most LARGER times the bytes of ours, and ROOM more
NUMBERS, PICTURES = "numbers agree within 1e-9", "the same texts, only letters and lines moved"
NOTES = {
    CRATE_FILE: "the same but for digests, versions and code",
    INFO_FILE: "the same but for versions and the digest of the model, which is itself compared",
    MODEL_FILE: "same predictions, probabilities within 1e-9",
}


@dataclass(frozen=True)
class Runs:
    """A recorded run and its re-run, and the changes of the environment that may explain a difference between them.

    Attributes
    ----------
    was, now
        Their folders.
    redrawn
        The drawing libraries differ, so letters may differ, and lines may have moved.
    rebuilt
        Any version differs, so the versions in an artifact may differ.
    rounded
        A computing library or the processor differs, so numbers may differ by rounding.
    trust
        Load the recorded model if its bytes differ.
    """

    was: Path
    now: Path
    redrawn: bool = False
    rebuilt: bool = False
    rounded: bool = False
    trust: bool = False

    def pictures(self, was: bytes, now: bytes) -> Difference | None:
        """Compare two PNG files."""
        drawings = self._drawings.get(now) if self.redrawn else None
        levels = LEVELS if self.rounded else 0
        return compare_pictures(was, now, redrawn=self.redrawn, drawings=drawings, levels=levels)

    def images(self, was: str, now: str) -> Difference | None:
        """Compare two PNG files in an SVG."""
        old, new = (unpacked("".join(text.partition(",")[2].split())) for text in (was, now))
        return compare_pictures(old, new, redrawn=self.redrawn, levels=LEVELS, resized=True)

    def drawings(self, was: str, now: str) -> Difference | None:
        """Compare two SVG files."""
        return compare_drawings(was, now, self.images, redrawn=self.redrawn)

    @cached_property
    def _drawings(self) -> Mapping[bytes, Drawings]:
        """Two SVGs by the PNG of each re-run figure: the recorded one, or ours if it is different, and ours."""
        found = {}
        for path in self.now.rglob("*.png"):
            if (svg := path.with_suffix(".svg")).is_file():
                now = svg.read_text(encoding="utf-8")
                found[path.read_bytes()] = (self._recorded(svg.relative_to(self.now), now), now)
        return found

    def _recorded(self, name: Path, now: str) -> str:
        try:
            was = read_bounded(self.was / name, _limit(self.now / name)).decode()
            return now if self.drawings(was, now) else was
        except UNREADABLE:
            return now


def compare(name: str, runs: Runs) -> Finding:
    """Compare an artifact that both runs have as an ordinary file.

    In an unchanged environment, other bytes are different. In a changed one, they are equivalent if the change explains
    them.
    """
    was, now = runs.was / name, runs.now / name
    try:
        if filecmp.cmp(was, now, shallow=False):
            return Finding(name, IDENTICAL)
        old, new = read_bounded(was, _limit(now)), now.read_bytes()
        found = _compare(name, old, new, runs)
        if found is None and not _explained(name, runs):
            found = compare_bytes(old, new)
    except UNREADABLE as error:
        reason = str(error) if type(error) is ValueError else f"{type(error).__name__}: {error}"
        found = Difference("", f"cannot be read ({reason})"[:160], "as re-run")
    if found:
        return Finding(name, DIFFERENT, replace(found, where=found.where.lstrip(".")))
    return Finding(name, EQUIVALENT, note=_note(name, runs))


def _limit(now: Path) -> int:
    return LARGER * now.stat().st_size + ROOM


def _explained(name: str, runs: Runs) -> bool:
    """Return whether the change of the environment can explain a difference of this artifact."""
    if name == CRATE_FILE:
        return True  # `compare_records` allows for the change
    if name in (INFO_FILE, MODEL_FILE):
        return runs.rebuilt
    if name == SPLIT_FILE:
        return False  # its numbers were read, not computed
    drawn = Path(name).suffix in (".png", ".svg", ".ipynb", ".html")
    return runs.rounded or (runs.redrawn and drawn)


def _note(name: str, runs: Runs) -> str:
    if name in NOTES:
        return NOTES[name]
    drawn = Path(name).suffix in (".png", ".svg", ".ipynb", ".html")
    kinds = [PICTURES] * (runs.redrawn and drawn) + [NUMBERS] * (runs.rounded and Path(name).suffix != ".png")
    return ", ".join(kinds) or f"pixels within {LEVELS} of 255 levels"


def _compare(name: str, old: bytes, new: bytes, runs: Runs) -> Difference | None:
    suffix = Path(name).suffix
    if name == CRATE_FILE:
        return compare_records(runs.was, runs.now)
    if name == MODEL_FILE:
        return compare_models(runs.was, runs.now, trust=runs.trust) if runs.rebuilt else compare_bytes(old, new)
    if suffix == ".png":
        return runs.pictures(old, new)
    try:
        was, now = old.decode(), new.decode()
    except UnicodeDecodeError:
        return compare_bytes(old, new)
    if suffix == ".svg":
        return runs.drawings(was, now) if runs.redrawn or runs.rounded else compare_texts(was, now)
    if suffix == ".ipynb":
        return compare_notebooks(was, now, runs.pictures, rounded=runs.rounded) or compare_forms(was, now)
    if suffix == ".html":
        return compare_markup(was, now, runs.pictures, rounded=runs.rounded)
    if suffix in DELIMITERS:
        return compare_tables(was, now, DELIMITERS[suffix], rounded=runs.rounded and name != SPLIT_FILE)
    if suffix == ".json":
        expected = _model_facts(strict_json(now), runs) if name == INFO_FILE else strict_json(now)
        return compare_trees(strict_json(was), expected, rounded=runs.rounded) or compare_forms(was, now)
    return compare_texts(was, now, rounded=runs.rounded)


def _model_facts(info: Any, runs: Runs) -> Any:
    """Return the ``model.json`` that the recorded versions would have written, for the recorded model file."""
    if not runs.rebuilt:
        return info
    recorded = read_crate(runs.was).software
    versions = {name: recorded[name].rpartition(" ")[2] for name in info["versions"]}
    return {**info, "versions": versions, "sha256": digest_of(runs.was / MODEL_FILE)}
