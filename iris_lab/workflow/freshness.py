"""Which steps of a run have to be executed again, and why: nothing is done twice, and nothing old is called new.

Everything is compared by digest. This module imports little, because most often nothing has changed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from iris_lab.data.sources import fetch, name_of
from iris_lab.errors import ArtifactError
from iris_lab.place import DATA_FOLDER
from iris_lab.workflow import provenance
from iris_lab.workflow.crate import Record, digest_of, read_crate
from iris_lab.workflow.dependence import EVERY, affected
from iris_lab.workflow.integrity import check_files, files_of
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.notebooks import read_notebook
from iris_lab.workflow.parameters import Parameter, Value, declared, defaults
from iris_lab.workflow.steps import Step

PAGE = "page and record"
URL = "://"


@dataclass(frozen=True)
class Freshness:
    """What has changed since a run was made.

    Attributes
    ----------
    reasons
        Why each step has to be executed; steps that need not be are left out.
    rewritten
        Why page and record have to be written again, even where no step is executed.
    record
        SHA-256 of the run's record.
    """

    reasons: Mapping[str, Sequence[str]]
    rewritten: Sequence[str] = ()
    record: str = ""

    @property
    def is_up_to_date(self) -> bool:
        """Whether nothing has changed."""
        return not self.reasons and not self.rewritten

    def explained(self, steps: Sequence[Step]) -> list[str]:
        """Return a line for each step, and for page and record."""
        lines = [f"{step.name}: {'; '.join(self.reasons.get(step.name, ['unchanged']))}" for step in steps]
        return [*lines, *([f"{PAGE}: {'; '.join(self.rewritten)}"] if self.rewritten else [])]


def name_of_run(values: Mapping[str, Value], parameters: Mapping[str, Parameter]) -> str:
    """Return the name that a run of these values will have; empty where only its data can tell."""
    data = str(values.get("data", parameters["data"].default if "data" in parameters else ""))
    return "" if URL in data else name_of(data)


def examine(place: Path, values: Mapping[str, Value], steps: Sequence[Step]) -> Freshness | None:
    """Compare a run with what would be executed now.

    Parameters
    ----------
    place
        The run's folder.
    values
        Parameters that are not the defaults.
    steps
        The steps.

    Returns
    -------
    Freshness or None
        None where there is no such run, or nothing of it could be taken: other parameters, or a damaged record.
    """
    if not (place / CRATE_FILE).is_file():
        return None
    try:
        record = read_crate(place)
        damaged = check_files(place, record, files_of(place))
    except (ArtifactError, OSError):
        return None
    parameters = declared(steps)
    whole = defaults(parameters) | dict(values)
    if not _same_values(record, whole) or list(record.parameters) != [step.name for step in steps]:
        return None
    changes: dict[str, list[str]] = {}
    if not _same_table(record, str(whole.get("data", ""))):
        for step in steps if "data" in parameters else ():
            if step.name in parameters["data"].steps:
                changes.setdefault(step.name, []).append("the table has changed")
    rewritten = [] if record.date == provenance.release_date() else [f"it is of the release of {record.date[:10]}"]
    for finding in damaged:
        _blame(finding.name, f"{finding.name} is {finding.verdict}", record, changes, rewritten)
    _compare_code(record, steps, changes, rewritten)
    return Freshness(_with_dependents(changes, steps), rewritten, digest_of(place / CRATE_FILE))


def _same_values(record: Record, whole: Mapping[str, Value]) -> bool:
    there = dict(record.values)
    data = str(whole.get("data", ""))
    copy = f"{DATA_FOLDER}/{Path(data.partition('?')[0]).name}"
    if there.get("data") == copy == record.data.get("file"):
        there["data"] = data
    same_types = all(type(there.get(name)) is type(value) for name, value in whole.items())
    return there == dict(whole) and same_types


def _same_table(record: Record, data: str) -> bool:
    copy = record.data.get("file", "")
    if not copy:
        return not record.private_table  # a bundled dataset is part of scikit-learn, whose version is compared
    if URL in data:
        content = fetch(data).content
    else:
        try:
            content = Path(data).read_bytes()
        except OSError:
            return False
    return hashlib.sha256(content).hexdigest() == record.artifacts.get(copy)


def _blame(name: str, why: str, record: Record, changes: dict[str, list[str]], rewritten: list[str]) -> None:
    """Add the reason to the steps that wrote a file; else it is the page's."""
    writers = [step for step, results in record.results.items() if name in results]
    for step in writers:
        changes.setdefault(step, []).append(why)
    if not writers:
        rewritten.append(why)


def _compare_code(record: Record, steps: Sequence[Step], changes: dict[str, list[str]], rewritten: list[str]) -> None:
    software = provenance.software()
    everywhere = [
        f"{name} was {record.software.get(name, 'not there')}, is {software.get(name, 'not there')}"
        for name in sorted(record.software.keys() | software.keys())
        if record.software.get(name) != software.get(name)
    ]
    texts = {step.name: read_notebook(step.notebook) for step in steps}
    sources = provenance.sources(texts)
    changed = [n for n in sorted(record.sources.keys() | sources.keys()) if record.sources.get(n) != sources.get(n)]
    for name in changed:
        why = f"{name} has changed"
        found = affected(name, texts)
        everywhere += [why] * (EVERY in found)
        rewritten += [why] * (not found)
        for affected_step in found - {EVERY}:
            changes.setdefault(affected_step, []).append(why)
    for step in steps if everywhere else ():
        changes.setdefault(step.name, []).extend(everywhere)


def _with_dependents(changes: Mapping[str, list[str]], steps: Sequence[Step]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in steps:
        needed = [f"{name} is executed" for name in step.needs if name in found]
        if reasons := list(dict.fromkeys([*changes.get(step.name, []), *needed])):
            found[step.name] = reasons
    return found
