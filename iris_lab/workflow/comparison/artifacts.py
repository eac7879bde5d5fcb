"""Comparison of the artifacts of two runs, each by its kind."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from iris_lab.modeling import INFO_FILE, MODEL_FILE
from iris_lab.workflow.comparison.findings import DIFFERENT, EQUIVALENT, IDENTICAL, Difference, Finding
from iris_lab.workflow.comparison.models import compare_models
from iris_lab.workflow.comparison.notebooks import compare_notebooks
from iris_lab.workflow.comparison.pictures import compare_drawings, compare_markup, compare_pictures
from iris_lab.workflow.comparison.texts import compare_tables, compare_texts, compare_trees
from iris_lab.workflow.crate import PLATFORM_FACTS, digest_of
from iris_lab.workflow.layout import CRATE_FILE

DELIMITERS = {".csv": ",", ".tsv": "\t"}
# What a file can raise that somebody made to look like an artifact.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
ROUNDING = "numbers agree within 1e-9"
NOTES = {
    CRATE_FILE: "other digests, versions or code, each compared for itself",
    INFO_FILE: "but for versions and the digest of the model, which is compared for itself",
    ".joblib": "same predictions, probabilities within 1e-9",
    ".png": "the same pixels",
}
NOTES_REDRAWN = {
    ".html": f"{ROUNDING}, only text moved in figures",
    ".ipynb": f"{ROUNDING}, only text moved in figures",
    ".png": "only text moved",
    ".svg": "the same parts and texts",
}


@dataclass(frozen=True)
class Runs:
    """A recorded run and its re-run.

    Attributes
    ----------
    was, now
        Their folders.
    redrawn
        The drawing libraries differ: pixels of text may have moved.
    rebuilt
        Any version differs: those that an artifact names may too.
    trust
        Load the recorded model where its bytes differ.
    """

    was: Path
    now: Path
    redrawn: bool = False
    rebuilt: bool = False
    trust: bool = False

    def pictures(self, was: bytes, now: bytes) -> Difference | None:
        """Compare two PNG files."""
        return compare_pictures(was, now, redrawn=self.redrawn)


def compare(name: str, runs: Runs) -> Finding:
    """Compare an artifact that is there, as an ordinary file, in both runs."""
    try:
        old, new = (runs.was / name).read_bytes(), (runs.now / name).read_bytes()
        if old == new:
            return Finding(name, IDENTICAL)
        found = _compare(name, old, new, runs)
    except UNREADABLE as error:
        found = Difference("", f"cannot be read ({type(error).__name__}: {error})"[:160], "as made again")
    if found:
        return Finding(name, DIFFERENT, replace(found, where=found.where.lstrip(".")))
    notes = NOTES | (NOTES_REDRAWN if runs.redrawn else {})
    return Finding(name, EQUIVALENT, note=notes.get(name, notes.get(Path(name).suffix, ROUNDING)))


def _compare(name: str, old: bytes, new: bytes, runs: Runs) -> Difference | None:
    suffix = Path(name).suffix
    if name == MODEL_FILE:
        return compare_models(runs.was, runs.now, trust=runs.trust)
    if suffix == ".png":
        return runs.pictures(old, new)
    try:
        was, now = old.decode(), new.decode()
    except UnicodeDecodeError:
        return _compare_bytes(old, new)
    if suffix == ".svg":
        return compare_drawings(was, now, redrawn=runs.redrawn)
    if suffix == ".ipynb":
        return compare_notebooks(was, now, runs.pictures)
    if suffix == ".html":
        return compare_markup(was, now, runs.pictures)
    if suffix in DELIMITERS:
        return compare_tables(was, now, DELIMITERS[suffix])
    if suffix == ".json":
        explained: Callable[[Any, Runs], Any] = {INFO_FILE: _model_facts, CRATE_FILE: _crate_facts}.get(name, _all)
        return compare_trees(explained(json.loads(was), runs), explained(json.loads(now), runs))
    return compare_texts(was, now)


def _compare_bytes(old: bytes, new: bytes) -> Difference:
    place = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    was, now = (data[place : place + 8].hex(" ") or "the end" for data in (old, new))
    return Difference(f"byte {place}", was, now)


def _all(document: Any, _runs: Runs) -> Any:
    return document


def _model_facts(info: Any, runs: Runs) -> Any:
    """Return what ``model.json`` says beside the versions, where they differ, and a digest that is right."""
    known = {digest_of(run / MODEL_FILE) for run in (runs.was, runs.now) if (run / MODEL_FILE).is_file()}
    explained = {"versions"} if runs.rebuilt else set()
    explained |= {"sha256"} if info["sha256"] in known else set()
    return {key: value for key, value in info.items() if key not in explained}


def _crate_facts(document: Any, _runs: Runs) -> Any:
    """Return what the record says beside digests of artifacts, code and versions, which are compared for themselves."""
    explained: Mapping[str, set[str]] = {
        "File": {"sha256", "contentSize"},
        "SoftwareSourceCode": {"sha256", "version"},
        "SoftwareApplication": {"softwareVersion", "softwareRequirements", "hasPart", *PLATFORM_FACTS.values()},
    }
    entities = {
        entity["@id"]: {key: value for key, value in entity.items() if key not in explained.get(entity["@type"], set())}
        for entity in document["@graph"]
        if entity["@id"] == "#iris-lab" or not _is_environment(entity)
    }
    return {**document, "@graph": entities}


def _is_environment(entity: Mapping[str, Any]) -> bool:
    """Say whether an entity is a package, a module or the lock; a notebook is what an action executed."""
    if entity["@type"] == "SoftwareSourceCode":
        return not str(entity["name"]).endswith(".ipynb")
    return bool(entity["@type"] == "SoftwareApplication")
