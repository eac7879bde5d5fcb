"""The cause of a difference between a run and its re-run, and the first cell that shows it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from iris_lab.place import LOCK
from iris_lab.workflow.comparison.findings import DIFFERENT, EQUIVALENT, PARAMETERS_PLACE, SOURCE_PLACE, Finding
from iris_lab.workflow.crate import PLATFORM_FACTS, Record

DATA, PARAMETER, NOTEBOOK, CODE = "data", "parameter", "notebook", "package code"
SOFTWARE, CPU, FILES, UNRECORDED = "software version", "CPU", "files of the run", "none of these"
NAMED = 3  # changes that a cause names


@dataclass(frozen=True)
class Cause:
    """What explains a difference.

    Attributes
    ----------
    kind
        ``data``, ``parameter``, ``notebook``, ``package code``, ``software version``, ``CPU``, ``files of the run``
        (changed after the run), or ``none of these``.
    names
        What changed.
    cell
        The first cell that differs, such as ``02_train, cell 7, output 1``; empty if none does.
    """

    kind: str
    names: Sequence[str] = ()
    cell: str = ""

    def __str__(self) -> str:
        more = f" and {len(self.names) - NAMED} more" if len(self.names) > NAMED else ""
        named = f" ({', '.join(self.names[:NAMED])}{more})" if self.names else ""
        return f"{self.kind}{named}" + (f"; first in {self.cell}" if self.cell else "")


def cause_of(
    record: Record, integrity: Sequence[Finding], environment: Sequence[Finding], artifacts: Sequence[Finding]
) -> Cause | None:
    """Return the cause of a difference, or None if there is no difference.

    Of several changes, the first in this order is the cause: data, parameters, notebook, CPU, packages, our own code.

    Parameters
    ----------
    record
        The run's record.
    integrity, environment, artifacts
        What a verification found.
    """
    found = [finding for finding in artifacts if finding.verdict in (DIFFERENT, EQUIVALENT)]
    if not found and not integrity:
        return None
    cell = first_cell(record, artifacts)
    changed: dict[str, list[str]] = {kind: [] for kind in (DATA, PARAMETER, NOTEBOOK, CPU, SOFTWARE, CODE)}
    for finding in environment:
        changed[_kind(finding.name, record)].append(finding.name)
    changed[DATA] += [f.name for f in integrity if f.name == record.data.get("file")]
    places = [f.difference.where for f in integrity if f.difference]
    changed[PARAMETER] += [where for where in places if where.startswith("parameter ")]
    for kind in changed:
        shown = {PARAMETER: PARAMETERS_PLACE, NOTEBOOK: SOURCE_PLACE}.get(kind)
        if changed[kind] or (shown and cell.endswith(f", {shown}")):
            return Cause(kind, changed[kind], cell)
    if integrity:
        return Cause(FILES, [f.name for f in integrity], cell)
    return Cause(UNRECORDED, (), cell)


def first_cell(record: Record, artifacts: Sequence[Finding]) -> str:
    """Return the first cell that differs, in the order of the run; empty if none does."""
    differences = {finding.name: finding.difference for finding in artifacts}
    for step in record.parameters:
        if difference := differences.get(f"{step}.ipynb"):
            return f"{step}, {difference.where}"
    return ""


def _kind(name: str, record: Record) -> str:
    if name.startswith("data "):
        return DATA
    if name in PLATFORM_FACTS:
        return CPU
    if name.endswith(".ipynb") or name == "notebooks":
        return NOTEBOOK
    if re.match(r"iris_lab/|iris-lab$", name):
        return CODE
    return SOFTWARE if name in record.software or name == LOCK.name else CODE
