"""The second half of a verification: the run is re-run in a scratch folder and compared artifact by artifact."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

from iris_lab.data.given import BUNDLED, check_source
from iris_lab.data.sources import fetch
from iris_lab.errors import ArtifactError, InputError, StepError
from iris_lab.workflow.aside import table_aside
from iris_lab.workflow.comparison.artifacts import Runs, compare
from iris_lab.workflow.comparison.findings import DIFFERENT, Difference, Finding
from iris_lab.workflow.consistency import claimed_source
from iris_lab.workflow.crate import Record, artifacts_of
from iris_lab.workflow.expansion import check_expansion
from iris_lab.workflow.integrity import CHANGED
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.loading import Read, load_aside
from iris_lab.workflow.parameters import check_types
from iris_lab.workflow.plans import Plan, make_plan
from iris_lab.workflow.runs import execute
from iris_lab.workflow.steps import STEPS, Progress
from iris_lab.workflow.verdict import Verification
from iris_lab.workflow.warm import Kernels

DRAWING = {"matplotlib", "pillow", "platform", "seaborn"}  # decide pixels
# Decide the last digits of numbers.
COMPUTING = {"numpy", "openblas core", "pandas", "platform", "python", "scikit-learn", "scipy"}
# Errors that are the fault of this machine, not of the run.
OUTER_CAUSES = {"CellTimeoutError", "DeadKernelError", "ImportError", "MemoryError", "ModuleNotFoundError", "OSError"}


def compare_again(
    found: Verification,
    there: Collection[str],
    kernels: Kernels,
    *,
    trust: bool,
    timeout: int | None,
    repeat: int,
    on_progress: Progress,
    data: str = "",
) -> Verification:
    """Re-run a run with its recorded parameters and data, and return the verification with the comparison.

    Parameters
    ----------
    found
        The verification so far, without a re-run.
    there
        The run's ordinary files.
    kernels
        From `warm_kernels`.
    trust, timeout, repeat, on_progress, data
        As for `verification.verify`.
    """
    warm_parent, scratch = kernels
    try:
        plan = _plan(found, there, data, load_aside(warm_parent, scratch))
    except InputError as error:
        return replace(found, problem=str(error))
    found = replace(found, environment=_changed_data(found.record, plan) + found.environment, repeated=repeat)
    with table_aside(plan):
        folders = [scratch / f"re-run {number}" / "run" for number in range(repeat)]
        failure = None
        for folder in folders:
            folder.mkdir(parents=True)
            try:
                execute(
                    plan,
                    folder,
                    warm_parent=warm_parent,
                    timeout=timeout,
                    allow_unstable=True,
                    on_progress=on_progress,
                )
            except StepError as error:
                failure = failure or error
        if failure and (failure.cell is None or failure.reason.partition(":")[0] in OUTER_CAUSES):
            return replace(found, problem=str(failure))
        artifacts = list(compare_runs(found, folders[0], there, trust=trust))
        unstable = next(filter(None, (_unstable(found.record, folders[0], folder) for folder in folders[1:])), "")
        return replace(found, artifacts=artifacts, unstable=unstable, problem=str(failure) if failure else "")


def _unstable(record: Record, one: Path, other: Path) -> str:
    """Return the first place where two re-runs differ, in the order of the run; empty if none does."""
    names = [*(f"{step}.ipynb" for step in record.parameters), *sorted(record.artifacts)]
    for name in names:
        if (one / name).is_file() and (other / name).is_file():
            difference = compare(name, Runs(one, other)).difference
            if difference:
                return ", ".join(filter(None, (name.removesuffix(".ipynb"), difference.where)))
    return ""


def _plan(found: Verification, there: Collection[str], data: str, read: Read) -> Plan:
    """Plan the recorded steps with the recorded values; the data's origin and the date are copied from the record.

    The data are a bundled dataset, the copy in the run or, of a private run, what the caller names; no other file is
    opened.
    """
    here = {step.name: step for step in STEPS}
    if unknown := [name for name in found.record.parameters if name not in here]:
        raise ArtifactError(
            f"step {unknown[0]!r} of run {found.run.name!r} is no notebook here: expected {', '.join(here)}"
        )
    steps = [here[name] for name in found.record.parameters]
    values = check_types(found.record.values, steps)
    source, origin = values.get("data", "iris"), ""
    if source not in BUNDLED and found.record.private_table:
        check_source(data)
        values["data"], fetched = data, replace(fetch(data), place=found.record.private_table)
        return make_plan(
            values,
            steps,
            fetch=lambda _: fetched,
            read=read,
            origin=claimed_source(found.record),
            date=found.record.date,
        )
    if source not in BUNDLED:
        if not isinstance(source, str) or source != found.record.data.get("file") or source not in there:
            raise ArtifactError(f"the data of run {found.run.name!r}, {source!r}, are not among its files")
        check_expansion(found.run / source, found.record)
        values["data"] = str(found.run.absolute() / source)
        origin = found.record.data["source"]
    return make_plan(values, steps, read=read, origin=origin, date=found.record.date)


def _changed_data(record: Record, plan: Plan) -> list[Finding]:
    if plan.known is None or plan.known.digest == record.data.get("sha256"):
        return []
    was, now = f"{record.data.get('sha256', 'nothing')[:12]}…", f"{plan.known.digest[:12]}…"
    return [Finding(f"data {plan.name}", CHANGED, Difference("SHA-256 of the content", was, now))]


def compare_runs(found: Verification, folder: Path, there: Collection[str], *, trust: bool) -> Iterator[Finding]:
    """Compare each artifact with that of a re-run, and yield the findings.

    Parameters
    ----------
    found
        The verification so far, without a re-run.
    folder
        The re-run.
    there, trust
        As for `compare_again`.
    """
    changed = {finding.name for finding in found.environment}
    rebuilt = bool(changed & (found.record.software.keys() | {"python"}))
    redrawn, rounded = bool(changed & DRAWING), bool(changed & COMPUTING)
    runs = Runs(found.run, folder, redrawn=redrawn, rebuilt=rebuilt, rounded=rounded, trust=trust)
    made = artifacts_of(folder).keys() | ({CRATE_FILE} if (folder / CRATE_FILE).is_file() else set())
    for name in [*sorted(found.record.artifacts.keys() | made - {CRATE_FILE}), CRATE_FILE]:
        if name not in there:
            yield Finding(name, DIFFERENT, Difference("", "no file", "written"))
        elif name not in made:
            yield Finding(name, DIFFERENT, Difference("", "a file", "not written"))
        else:
            yield compare(name, runs)
