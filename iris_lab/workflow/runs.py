"""A run: the steps executed into one directory, and the record of it."""

import functools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from papermill import execute_notebook
from papermill.exceptions import PapermillExecutionError

from iris_lab.artifacts import METRICS_FILE, read_metrics
from iris_lab.data import parsed
from iris_lab.errors import StepError
from iris_lab.place import DATA_FOLDER
from iris_lab.workflow import crate, provenance
from iris_lab.workflow.aside import table_aside
from iris_lab.workflow.crate_writer import write_crate
from iris_lab.workflow.done import Done
from iris_lab.workflow.integrity import remove_empty_folders
from iris_lab.workflow.leftovers import check_left
from iris_lab.workflow.normalization import volatile_outputs
from iris_lab.workflow.plans import Plan
from iris_lab.workflow.report_page import write_page
from iris_lab.workflow.scratch import scratch_folder
from iris_lab.workflow.steps import Progress, Step
from iris_lab.workflow.warm import WarmParent

NAMED = 20  # unstable outputs of a step that the record names
LONGEST = 1000  # characters of an error in the line that names the cell; the notebook has all


def execute(
    plan: Plan,
    folder: Path,
    *,
    warm_parent: WarmParent | None = None,
    timeout: int | None = None,
    allow_unstable: bool = False,
    done: Mapping[str, Done] | None = None,
    on_progress: Progress = lambda step, done, total: None,
) -> dict[str, float]:
    """Execute a plan's steps into an empty folder, write the page and the record, and return the seconds of each step.

    Parameters
    ----------
    plan, folder
        What to execute, and where.
    warm_parent
        What to fork kernels from; None for one of the kernel's own.
    timeout
        Seconds that one cell may take; None for no limit.
    allow_unstable
        Record outputs that would differ in another run, instead of failing.
    done
        Steps, by name, that were executed before on the same inputs: what they wrote is taken.
    on_progress
        Called after every cell.

    Raises
    ------
    StepError
        A step failed, an output would differ in another run, or the artifacts could not be written.
    """
    with _what_kernels_read(plan) as environment:
        options = {"warm_parent": warm_parent, "execution_timeout": timeout, "environment": environment}
        return _execute_steps(plan, folder, options, done or {}, allow_unstable=allow_unstable, on_progress=on_progress)


@contextmanager
def _what_kernels_read(plan: Plan) -> Iterator[Mapping[str, str]]:
    """Keep a large table, parsed, and that of a private run in scratch folders; yield the variables that say so."""
    with scratch_folder() as scratch, table_aside(plan):
        if plan.dataset:
            parsed.store(plan.dataset, scratch)
        yield {parsed.VARIABLE: str(scratch)}


def _execute_steps(
    plan: Plan,
    folder: Path,
    options: Mapping[str, Any],
    done: Mapping[str, Done],
    *,
    allow_unstable: bool,
    on_progress: Progress,
) -> dict[str, float]:
    results, seconds, unstable = {}, {}, {}
    step = plan.steps[0]
    try:
        known = _prepare(plan, folder)
        for step in plan.steps:
            started = time.perf_counter()
            if step.name in done:
                done[step.name].put(folder)
                unstable[step.name] = done[step.name].unstable
            else:
                progress = functools.partial(on_progress, step.name)
                given = {**options, "on_progress": progress}
                unstable[step.name] = _perform(plan, step, folder, given, allow_unstable=allow_unstable)
            seconds[step.name] = round(time.perf_counter() - started, 3)
            found = crate.artifacts_of(folder)
            results[step.name] = [name for name, digest in found.items() if known.get(name) != digest]
            known = found
        remove_empty_folders(folder)
        _write_page(plan, folder)
        write_crate(folder, _record(plan, folder, results, unstable))
    except OSError as error:
        raise _cannot_write(step, error) from error
    return seconds


def execute_step(
    plan: Plan,
    step: Step,
    folder: Path,
    *,
    warm_parent: WarmParent | None = None,
    timeout: int | None = None,
    allow_unstable: bool = False,
) -> Done:
    """Execute a step that needs no other into an empty folder, and return what it wrote, for `execute`.

    Parameters
    ----------
    plan
        Of any run whose values of the step's own parameters are those wanted.
    step
        One of its steps.
    folder, warm_parent, timeout, allow_unstable
        As for `execute`.

    Raises
    ------
    StepError
        The step failed, an output would differ in another run, or it could not be written.
    """
    try:
        known = _prepare(plan, folder)
        with _what_kernels_read(plan) as environment:
            options = {
                "warm_parent": warm_parent,
                "execution_timeout": timeout,
                "environment": environment,
                "on_progress": lambda done, total: None,
            }
            unstable = _perform(plan, step, folder, options, allow_unstable=allow_unstable)
        found = crate.artifacts_of(folder)
        return Done.taken(folder, [name for name, digest in found.items() if known.get(name) != digest], unstable)
    except OSError as error:
        raise _cannot_write(step, error) from error


def _cannot_write(step: Step, error: OSError) -> StepError:
    return StepError(step.name, None, f"cannot write the run: {error.strerror or error}")


def _prepare(plan: Plan, folder: Path) -> dict[str, str]:
    """Write the table and the images, and return the digest of the table: images count as results of the first step."""
    if plan.table and not plan.is_private:
        (folder / DATA_FOLDER).mkdir()
        (folder / DATA_FOLDER / plan.table.file_name).write_bytes(plan.table.content)
    known = crate.artifacts_of(folder)
    for name, image in plan.images.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(image)
    return known


def _perform(
    plan: Plan, step: Step, folder: Path, options: Mapping[str, Any], *, allow_unstable: bool
) -> Sequence[str]:
    """Execute a step, check what it left, and return its outputs that would differ in another run."""
    found = _execute_step(plan, step, folder, options)
    if found and not allow_unstable:
        raise _will_not_verify(step, *found[0])
    check_left(step.name, folder)
    return [f"cell {cell}: {what}" for cell, what, _ in found[:NAMED]]


def _write_page(plan: Plan, folder: Path) -> None:
    pages = [folder / step.notebook.name for step in plan.steps]
    try:
        write_page(folder, pages, plan.facts, read_metrics(folder))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = f"its outputs or {METRICS_FILE} cannot be shown on the page: {type(error).__name__}: {error}"
        raise StepError(plan.steps[-1].name, None, " ".join(reason.split())[:LONGEST]) from error


def _will_not_verify(step: Step, cell: int, what: str, shown: str) -> StepError:
    return StepError(
        step.name,
        cell,
        f"{what}: {shown}: expected the same outputs in every run; change what it prints, or publish it with "
        "--allow-unstable",
    )


def _execute_step(plan: Plan, step: Step, folder: Path, options: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    """Execute a notebook, and return what of its outputs would differ in another run: cell, what, and what it shows."""
    parameters = plan.injected(step)
    notebook = nbformat.reads(plan.texts[step.name], as_version=4)
    notebook.metadata.setdefault("kernelspec", {"name": "python3", "display_name": "Python 3", "language": "python"})
    notebook.metadata.kernelspec.setdefault("language", "python")
    options = {**options, "step": step.name}
    options["on_progress"](0, len(notebook.cells) + bool(parameters))  # the step starts
    try:
        done = execute_notebook(
            notebook,
            str(folder / step.notebook.name),
            parameters,
            engine_name="iris-lab",
            cwd=str(folder),
            progress_bar=False,
            **options,
        )
    except PapermillExecutionError as error:
        # papermill counts from 0, and counts the cell that it injects after the parameters cell
        number = error.cell_index + 1 - (1 if parameters and error.cell_index > 0 else 0)
        reason = " ".join(str(error.evalue).split())
        raise StepError(step.name, number, f"{error.ename}: {reason}"[:LONGEST]) from error
    return list(volatile_outputs(done))


def _record(
    plan: Plan, folder: Path, results: Mapping[str, Sequence[str]], unstable: Mapping[str, Sequence[str]]
) -> crate.Record:
    return crate.Record(
        parameters={
            step.name: {name: plan.recorded(name) for name in plan.values if step.name in plan.parameters[name].steps}
            for step in plan.steps
        },
        results=results,
        artifacts=crate.artifacts_of(folder),
        data=plan.data,
        software=provenance.software(),
        sources=provenance.sources(plan.texts),
        date=plan.date,
        inputs={
            step.name: [name for need in step.needs for name in results[need] if _readable(name)] for step in plan.steps
        },
        unstable=unstable,
    )


def _readable(artifact: str) -> bool:
    """Say whether a later step may read an artifact: figures and notebooks are for people."""
    return not artifact.endswith((".png", ".svg", ".ipynb"))
