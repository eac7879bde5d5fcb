"""A run: the steps executed into one directory, and the record of it."""

import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from iris_lab.by_step import BY_STEP, METRICS_FILE, read_metrics
from iris_lab.errors import StepError
from iris_lab.workflow import crate, provenance
from iris_lab.workflow.branches import Kernels, branches_of, in_turn, side_by_side
from iris_lab.workflow.crate_writer import write_crate
from iris_lab.workflow.done import Done, written_later
from iris_lab.workflow.integrity import remove_empty_folders
from iris_lab.workflow.leftovers import check_left
from iris_lab.workflow.performing import LONGEST, Performed, Performer, cannot_write, prepare, taken, what_kernels_read
from iris_lab.workflow.plans import Plan
from iris_lab.workflow.report_page import prepare_section, write_page
from iris_lab.workflow.scratch import scratch_folder
from iris_lab.workflow.steps import Progress, Step
from iris_lab.workflow.warm import WarmParent


def execute(
    plan: Plan,
    folder: Path,
    *,
    warm_parent: WarmParent | None = None,
    timeout: int | None = None,
    allow_unstable: bool = False,
    done: Mapping[str, Done] | None = None,
    on_progress: Progress = lambda step, done, total: None,
) -> dict[str, Performed]:
    """Execute a plan's steps into an empty folder, write the page and the record, and return what each step did.

    Steps that need none of each other are executed side by side.

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
        Called after every cell, by one thread at a time.

    Raises
    ------
    StepError
        A step failed, an output would differ in another run, or the artifacts could not be written.
    """
    with what_kernels_read(plan) as environment:
        progress = in_turn(on_progress)
        try:
            with ThreadPoolExecutor(1, "page") as pages:  # its sections are made while later steps run
                performer = Performer(
                    plan,
                    warm_parent,
                    timeout,
                    allow_unstable,
                    progress,
                    environment,
                    Kernels(),
                    lambda notebook: pages.submit(prepare_section, notebook),
                )
                performed = _execute_steps(performer, folder, done or {})
            remove_empty_folders(folder)
            _write_page(plan, folder)
            write_crate(folder, _record(plan, folder, performed))
        except OSError as error:
            raise cannot_write(plan.steps[-1], error) from error
    return {step.name: performed[step.name] for step in plan.steps}


def _execute_steps(performer: Performer, folder: Path, done: Mapping[str, Done]) -> dict[str, Performed]:
    """Execute the steps that are not done: the last branch in the folder itself, the others in scratch folders."""
    plan = performer.plan
    branches = branches_of([step for step in plan.steps if step.name not in done])
    performed: dict[str, Performed] = {}
    known = prepare(plan, folder, first=plan.steps[0] in (branches[-1] if branches else ()))
    for name, before in done.items():
        before.put(folder)
        added = {name: json.loads(content) for name, content in before.files.items() if name in BY_STEP}
        performed[name] = Performed(sorted(before.files), before.unstable, 0.0, added)
    known |= crate.artifacts_of(folder) if done else {}
    if len(branches) <= 1:
        return performed | performer.perform([step for branch in branches for step in branch], folder, known=known)
    with scratch_folder() as scratch:

        def perform(branch: Sequence[Step]) -> None:
            if branch is branches[-1]:
                performed.update(performer.perform(branch, folder, known=known))
            else:
                _perform_aside(performer, branch, scratch / branch[0].name, folder, performed)

        side_by_side(branches, perform, performer.kernels)
        for branch in branches[:-1]:
            for step in branch:
                _put(plan, step, taken(performed[step.name], scratch / branch[0].name), folder, performed)
    check_left(plan.steps[-1].name, folder)
    return performed


def _perform_aside(
    performer: Performer, branch: Sequence[Step], place: Path, folder: Path, performed: dict[str, Performed]
) -> None:
    """Execute a branch in a folder of its own; of a step that fails, the notebook is put beside the others."""
    place.mkdir()
    known = prepare(performer.plan, place, first=performer.plan.steps[0] in branch)
    try:
        performed.update(performer.perform(branch, place, known=known))
    except StepError as error:
        with suppress(OSError):
            shutil.copyfile(place / f"{error.step}.ipynb", folder / f"{error.step}.ipynb")
        raise


def _put(plan: Plan, step: Step, done: Done, folder: Path, performed: Mapping[str, Performed]) -> None:
    """Write what a step wrote aside into the run's folder, but for what a later step wrote there, too."""
    results = {other.name: performed[other.name].results for other in plan.steps}
    try:
        done.put(folder, keep=written_later(step.name, results))
    except ValueError as error:
        raise StepError(step.name, None, f"what it wrote cannot be put beside what others wrote: {error}") from error


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
    with what_kernels_read(plan) as environment:
        performer = Performer(plan, warm_parent, timeout, allow_unstable, _silent, environment, Kernels())
        try:
            known = prepare(plan, folder, first=step == plan.steps[0])
            return taken(performer.perform([step], folder, known=known)[step.name], folder)
        except OSError as error:
            raise cannot_write(step, error) from error


def _silent(step: str, done: int, total: int) -> None:
    pass


def _write_page(plan: Plan, folder: Path) -> None:
    pages = [folder / step.notebook.name for step in plan.steps]
    try:
        write_page(folder, pages, plan.facts, read_metrics(folder))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = f"its outputs or {METRICS_FILE} cannot be shown on the page: {type(error).__name__}: {error}"
        raise StepError(plan.steps[-1].name, None, " ".join(reason.split())[:LONGEST]) from error


def _record(plan: Plan, folder: Path, performed: Mapping[str, Performed]) -> crate.Record:
    return crate.Record(
        parameters={
            step.name: {name: plan.recorded(name) for name in plan.values if step.name in plan.parameters[name].steps}
            for step in plan.steps
        },
        results={step.name: performed[step.name].results for step in plan.steps},
        artifacts=crate.artifacts_of(folder),
        data=plan.data,
        software=provenance.software(),
        sources=provenance.sources(plan.texts),
        date=plan.date,
        inputs={
            step.name: [name for need in step.needs for name in performed[need].results if _readable(name)]
            for step in plan.steps
        },
        unstable={step.name: performed[step.name].unstable for step in plan.steps},
    )


def _readable(artifact: str) -> bool:
    """Say whether a later step may read an artifact: figures and notebooks are for people."""
    return not artifact.endswith((".png", ".svg", ".ipynb"))
