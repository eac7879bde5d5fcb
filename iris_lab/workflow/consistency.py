"""Checks of a record against itself and the run's files: they find in an instant what a re-run would find later."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from iris_lab.errors import IrisLabError
from iris_lab.place import INFO_FILE, PACKAGE
from iris_lab.workflow import provenance
from iris_lab.workflow.comparison.bytes import compare_bytes
from iris_lab.workflow.comparison.findings import ALTERED, CLAIMED, Difference, Finding
from iris_lab.workflow.comparison.texts import compare_trees
from iris_lab.workflow.crate import LARGEST_NOTEBOOK, LARGEST_RECORD, Record, digest_of
from iris_lab.workflow.layout import CRATE_FILE, PAGE_FILE
from iris_lab.workflow.notebooks import INJECTED, declarations
from iris_lab.workflow.steps import STEPS
from iris_lab.workflow.untrusted import read_bounded, strict_json

DATED = "iris_lab/__init__.py"  # has the date of the release
URL = re.compile(r"https?://[\x21-\x7e]+")
MALFORMED = (
    IrisLabError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    MemoryError,
    SyntaxError,
)


def claims(record: Record) -> list[Finding]:
    """Return what a record says but neither its files nor a re-run can prove."""
    found = []
    if record.sources.get(DATED) != digest_of(PACKAGE / "__init__.py"):
        found.append(Finding("date", CLAIMED, note=f"{record.date[:10]}, of a release with other code"))
    if "file" in record.data or record.private_table:
        found.append(
            Finding("origin", CLAIMED, note=f"{record.data['source']:.200}, as the author says; it was not fetched")
        )
    return found


def claimed_source(record: Record) -> str:
    """Return the recorded source of the user's table, if it is a URL or the name of the file; else empty."""
    source, copy = record.data.get("source", ""), record.private_table or record.data.get("file", "")
    return source if URL.fullmatch(source) or source == copy.rpartition("/")[2] else ""


def check_record(run: Path, record: Record) -> list[Finding]:
    """Return a finding where the record contradicts itself, its form, the run's notebooks or its model's description.

    Parameters
    ----------
    run
        A run whose files are those of the record.
    record
        Its record.
    """
    try:
        found = next(filter(None, _contradictions(run, record)), None)
    except MALFORMED as error:
        found = Difference("", "the record of a run", f"cannot be checked: {type(error).__name__}: {error}"[:160])
    return [Finding(CRATE_FILE, ALTERED, found)] if found else []


def _contradictions(run: Path, record: Record) -> Iterator[Difference | None]:
    yield compare_written(run, record)
    here = [step.name for step in STEPS]
    if here != list(record.parameters) and record.parameters.keys() <= set(here):
        yield Difference("steps", ", ".join(record.parameters), ", ".join(here))
    if record.sources.get(DATED) == digest_of(PACKAGE / "__init__.py") and record.date != provenance.release_date():
        yield Difference("date", record.date, f"{provenance.release_date()}, as the recorded release says")
    if ("file" in record.data or record.private_table) and not claimed_source(record):
        yield Difference("origin of the data", record.data["source"], "expected a URL, or the name of the file")
    written = {name for names in record.results.values() for name in names} | {PAGE_FILE, record.data.get("file")}
    if unwritten := sorted(record.artifacts.keys() - written):
        yield Difference("results of the steps", "an artifact that no step wrote", unwritten[0])
    for step, parameters in record.parameters.items():
        yield from (
            Difference(f"parameter {name} of {step}", repr(value), f"{record.values[name]!r} in another step")
            for name, value in parameters.items()
            if _typed(value) != _typed(record.values[name])
        )
        if f"{step}.ipynb" in record.artifacts:
            yield from _compare_with_notebook(run / f"{step}.ipynb", step, record)
    if INFO_FILE in record.artifacts:
        yield _compare_with_model(strict_json(read_bounded(run / INFO_FILE, LARGEST_NOTEBOOK)), record)


def compare_written(run: Path, record: Record) -> Difference | None:
    """Return the first place where a run's record is not, byte for byte, what our writer writes for `record`."""
    from iris_lab.workflow.crate_writer import crate_bytes

    was, now = read_bounded(run / CRATE_FILE, LARGEST_RECORD), crate_bytes(run, record)
    if was == now:
        return None
    old, new = ({**tree, "@graph": {e["@id"]: e for e in tree["@graph"]}} for tree in map(strict_json, (was, now)))
    return compare_trees(old, new) or compare_bytes(was, now)


def _compare_with_notebook(path: Path, step: str, record: Record) -> Iterator[Difference]:
    """Yield the differences of a record from an executed notebook: in its code, and in the values of its parameters."""
    text = read_bounded(path, LARGEST_NOTEBOOK).decode()
    cells = [cell for cell in strict_json(text)["cells"] if INJECTED not in _tags(cell)]
    ran, recorded = provenance.notebook_digest(cells), record.sources[f"{step}.ipynb"]
    if ran != recorded:
        yield Difference(f"code of {step}.ipynb", f"{recorded[:12]}…", f"{ran[:12]}… in the executed notebook")
    known = _assigned(step, text)
    for name, value in record.parameters[step].items():
        if _typed(known.get(name)) != _typed(value):
            yield Difference(f"parameter {name} of {step}", repr(value), f"{known.get(name)!r} in the notebook")


def _tags(cell: Mapping[str, Any]) -> Sequence[str]:
    tags: Sequence[str] = cell["metadata"].get("tags", ())
    return tags


def _assigned(step: str, text: str) -> dict[str, Any]:
    """Return the parameters of an executed notebook: injected values, else the defaults."""
    known = {each.name: each.default for each in declarations(step, text)}
    for cell in strict_json(text)["cells"]:
        for line in ast.parse("".join(cell["source"])).body if INJECTED in _tags(cell) else ():
            if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                known[line.targets[0].id] = ast.literal_eval(line.value)
    return known


def _typed(value: Any) -> tuple[bool, Any]:
    """Return a key for comparing values: 1 equals 1.0, but not true."""
    return isinstance(value, bool), value


def _compare_with_model(info: Mapping[str, Any], record: Record) -> Difference | None:
    data = {name: info["dataset"][name] for name in ("name", "sha256")}
    if "file" not in record.data and not record.private_table:
        data["source"] = info["dataset"]["source"]  # of the user's table, the record may name the URL
    versions = info["versions"]
    recorded = {name: record.software[name].rpartition(" ")[2] for name in versions}  # without "CPython"
    return compare_trees(
        {"data": {name: record.data.get(name) for name in data}, "versions": recorded},
        {"data": data, "versions": versions},
    )
