"""The report: a run is executed and published, or the previous one stays as it was."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from iris_lab.errors import ArtifactError, InputError, StepError
from iris_lab.place import reports
from iris_lab.workflow.crate import read_crate
from iris_lab.workflow.freshness import Freshness
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.loading import load_aside
from iris_lab.workflow.output_directory import OutputDirectory
from iris_lab.workflow.parameters import Value
from iris_lab.workflow.plans import Plan, make_plan
from iris_lab.workflow.runs import execute
from iris_lab.workflow.steps import STEPS, Progress, Step
from iris_lab.workflow.taking import steps_to_take, write_timings
from iris_lab.workflow.warm import Kernels, warm_kernels


@dataclass(frozen=True)
class Job:
    """What to run, and where to write it.

    Attributes
    ----------
    values
        Parameters that are not the defaults.
    output
        The run directory; None for ``reports/NAME``, named after the data.
    force
        Replace a run that has other parameters.
    steps
        The notebooks.
    allow_unstable
        Publish outputs that would differ in another run; the record names them.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    output: Path | None = None
    force: bool = False
    steps: Sequence[Step] = STEPS
    allow_unstable: bool = False


def report(
    job: Job,
    *,
    plan: Plan | None = None,
    fresh: Freshness | None = None,
    kernels: Kernels | None = None,
    timeout: int | None = None,
    on_progress: Progress = lambda step, done, total: None,
    on_notice: Callable[[str], None] = lambda notice: None,
    on_publish: Callable[[bool], None] = lambda replaces: None,
) -> Path:
    """Execute the steps into a run directory, and return it.

    Parameters
    ----------
    job
        What to run, and where to write it.
    plan
        The job's plan, if the caller has made it.
    fresh
        What has changed since the run that is there was made; None to execute all steps.
    kernels
        From `warm_kernels`, if the caller has started them.
    timeout
        Seconds that one cell may take; None for no limit.
    on_progress
        Called after every cell.
    on_notice
        Called with what a user should know before the run starts.
    on_publish
        Called just before the run is published, with whether it replaces another one.

    Raises
    ------
    InputError
        An input cannot be used; nothing was written.
    StepError
        A step failed; what it wrote is kept beside the run directory, which stays as it was.
    """
    with nullcontext(kernels) if kernels else warm_kernels() as (warm_parent, scratch):
        plan = plan or make_plan(job.values, job.steps, read=load_aside(warm_parent, scratch))
        place = OutputDirectory(job.output or reports() / plan.name)
        place.check()
        if not job.force:
            _refuse_another(place, plan)
        if plan.cost:
            on_notice(plan.cost)
        with place.reserved() as folder:
            try:
                done = steps_to_take(place.final, place.timings, fresh, plan) if fresh else {}
                performed = execute(
                    plan,
                    folder,
                    warm_parent=warm_parent,
                    timeout=timeout,
                    allow_unstable=job.allow_unstable,
                    done=done,
                    on_progress=on_progress,
                )
            except StepError as error:
                kept = place.keep_failed()
                left = f"kept in {kept.name}/{error.step}.ipynb" if kept else "nothing of it is left"
                raise StepError(error.step, error.cell, f"{error.reason} ({left})") from error
            on_publish(place.final.exists())
            place.publish()
            write_timings(place.timings, place.final, performed)
    return place.final


def _refuse_another(place: OutputDirectory, plan: Plan) -> None:
    if not (place.final / CRATE_FILE).is_file():
        return
    try:
        there = read_crate(place.final).values
    except ArtifactError:
        return  # a damaged record protects nothing
    here = {name: plan.recorded(name) for name in plan.values}
    if others := [name for name in sorted(here) if there.get(name) != here[name]]:
        differences = ", ".join(f"{name}={there.get(name)!r} there, {here[name]!r} here" for name in others)
        raise InputError(
            f"{place.final.name!r} holds a run with other parameters ({differences}): "
            "name another place with --output, or replace it with --force"
        )
