"""The second half of a verification: the run made again in a scratch folder, and compared artifact by artifact."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from iris_lab.errors import ArtifactError, InputError, StepError
from iris_lab.workflow.comparison.findings import DIFFERENT, Difference, Finding
from iris_lab.workflow.crate import Record, artifacts_of, read_crate
from iris_lab.workflow.integrity import CHANGED
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.steps import STEPS
from iris_lab.workflow.verdict import Verification
from iris_lab.workflow.warm import WarmParent, warm_kernels

if TYPE_CHECKING:
    from iris_lab.workflow.runs import Plan

DRAWING = {"matplotlib", "pillow", "platform", "seaborn"}  # what decides pixels
# What ends a step by this machine's fault, not by the run's.
OUTER_CAUSES = {"CellTimeoutError", "DeadKernelError", "ImportError", "MemoryError", "ModuleNotFoundError", "OSError"}


def compare_again(
    found: Verification,
    there: Collection[str],
    *,
    trust: bool,
    timeout: int | None,
    on_progress: Callable[[str, int, int], None],
) -> Verification:
    """Make a run again with its recorded parameters and data, and return what was found with the comparison.

    Parameters
    ----------
    found
        What the checks without an execution found.
    there
        The run's ordinary files.
    trust, timeout, on_progress
        As for `verification.verify`.
    """
    with warm_kernels() as (warm_parent, scratch):
        # Here, not above: the warm parent imports its half of the stack meanwhile.
        from iris_lab.workflow.runs import make_plan

        folder = scratch / "again" / "run"
        folder.mkdir(parents=True)
        try:
            plan = make_plan(_assignments(found, there), STEPS, scratch)
        except InputError as error:
            return replace(found, problem=str(error))
        found = replace(found, environment=_changed_data(found.record, plan) + found.environment)
        failure = _execute(plan, folder, warm_parent, timeout, on_progress)
        if failure and (failure.cell is None or failure.reason.partition(":")[0] in OUTER_CAUSES):
            return replace(found, problem=str(failure))
        if not failure:
            _take_over_claims(folder, found.record)
        artifacts = list(_compare(found, folder, there, trust=trust))
        return replace(found, artifacts=artifacts, problem=str(failure) if failure else "")


def _assignments(found: Verification, there: Collection[str]) -> list[str]:
    """Return the recorded parameters; data are a bundled name or the copy in the run, and nothing else is opened."""
    from iris_lab.data.datasets import BUNDLED

    values = dict(found.record.values)
    source = values.get("data", "iris")
    if source not in BUNDLED:
        if source != found.record.data.get("file") or source not in there:
            raise ArtifactError(f"the data of run {found.run.name!r}, {source!r}, are not among its files")
        values["data"] = str(found.run.absolute() / source)
    return [f"{name}={value}" for name, value in values.items()]


def _changed_data(record: Record, plan: "Plan") -> list[Finding]:
    if plan.dataset is None or plan.dataset.digest == record.data.get("sha256"):
        return []
    was, now = f"{record.data.get('sha256', 'nothing')[:12]}…", f"{plan.dataset.digest[:12]}…"
    return [Finding(f"data {plan.name}", CHANGED, Difference("SHA-256 of the content", was, now))]


def _execute(
    plan: "Plan",
    folder: Path,
    warm_parent: WarmParent | None,
    timeout: int | None,
    on_progress: Callable[[str, int, int], None],
) -> StepError | None:
    from iris_lab.workflow.runs import execute

    try:
        execute(plan, folder, warm_parent=warm_parent, timeout=timeout, on_progress=on_progress)
    except StepError as error:
        return error
    return None


def _take_over_claims(folder: Path, record: Record) -> None:
    """Write the new record with the old one's date and, for a table of one's own, where it came from.

    No execution can prove these two.
    """
    from iris_lab.workflow.crate_writer import write_crate

    made = read_crate(folder)
    claims = {"source": record.data["source"]} if "file" in record.data else {}
    write_crate(folder, replace(made, date=record.date, data={**made.data, **claims}))


def _compare(found: Verification, folder: Path, there: Collection[str], *, trust: bool) -> Iterator[Finding]:
    from iris_lab.workflow.comparison.artifacts import Runs, compare

    changed = {finding.name for finding in found.environment}
    rebuilt = bool(changed & (found.record.software.keys() | {"python"}))
    runs = Runs(found.run, folder, redrawn=bool(changed & DRAWING), rebuilt=rebuilt, trust=trust)
    made = artifacts_of(folder).keys() | ({CRATE_FILE} if (folder / CRATE_FILE).is_file() else set())
    for name in [*sorted(found.record.artifacts.keys() | made - {CRATE_FILE}), CRATE_FILE]:
        if name not in there:
            yield Finding(name, DIFFERENT, Difference("", "no file", "written"))
        elif name not in made:
            yield Finding(name, DIFFERENT, Difference("", "a file", "not written"))
        else:
            yield compare(name, runs)
