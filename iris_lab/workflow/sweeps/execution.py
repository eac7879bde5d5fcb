"""The missing runs of a sweep, executed: first the steps that runs share, then the runs, again after a lost worker."""

from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path

from iris_lab.by_step import read_metrics
from iris_lab.errors import IrisLabError
from iris_lab.workflow.done import Done
from iris_lab.workflow.plans import Plan
from iris_lab.workflow.sweeps.identity import Identity, digest_of_values
from iris_lab.workflow.sweeps.jobs import Job, Listener
from iris_lab.workflow.sweeps.journal import HIDDEN, is_intact
from iris_lab.workflow.sweeps.pools import LostWorkerError, Pool
from iris_lab.workflow.sweeps.tasks import Result, Task

STEPS = "steps"  # folder of the steps that runs share
LOSSES = 3  # of workers, one after another without a run between them, that end a sweep


def executed(
    job: Job, pool: Pool, plans: Mapping[str, Plan], identity: Identity, listener: Listener
) -> Generator[Result]:
    """Execute runs and yield each when it is in its place, or has failed.

    Parameters
    ----------
    job, identity, listener
        As for `running.complete`.
    pool
        Who executes them.
    plans
        Their plans, by folder.

    Raises
    ------
    IrisLabError
        The workers were lost again and again.
    """
    missing, losses = dict(plans), 0
    while missing:
        try:
            for result in _attempt(job, pool, missing):
                losses = 0
                del missing[result.run]
                yield result
        except LostWorkerError as error:
            losses += 1
            for run in [run for run, plan in missing.items() if is_intact(job.folder / run, plan, identity)]:
                losses = 0  # it was put in its place, but the worker that said so was lost
                del missing[run]
                yield Result(run, read_metrics(job.folder / run))
            if losses == LOSSES:
                raise IrisLabError(
                    f"workers were lost {LOSSES} times without a run between ({error}): is there enough memory? "
                    "What is done stays; the same command goes on"
                ) from error
            listener.noted(f"a worker was lost ({error}); {len(missing)} runs go on with others")


def _attempt(job: Job, pool: Pool, missing: Mapping[str, Plan]) -> Iterator[Result]:
    """Execute the shared first steps that are missing, then the runs."""
    bases: dict[int, Plan] = {}
    tasks = {
        run: Task(run, bases.setdefault(id(plan.known), plan), plan.values, job.timeout)
        for run, plan in missing.items()
    }
    places = {run: job.folder / HIDDEN / STEPS / _key(plan) for run, plan in missing.items()}
    shared = {place for place, count in Counter(places.values()).items() if count > 1 or place.is_dir()}
    new = {place for place in shared if Done.stored(place) is None}
    wanted = {place: tasks[run] for run, place in places.items() if place in new}
    failed: dict[Path, str] = {}
    for task, done in pool.first(list(wanted.values())) if wanted else ():
        if isinstance(done, Done):
            done.store(places[task.run])
        else:
            failed[places[task.run]] = done
    for run, place in places.items():
        if place in failed:
            yield Result(run, error=failed[place])
    firsts = {run: place if place in shared else None for run, place in places.items() if place not in failed}
    yield from pool.runs([(tasks[run], first) for run, first in firsts.items()])


def _key(plan: Plan) -> str:
    """Return what the first step of a run depends on, as a name; code and lock are the same in all of the sweep."""
    first = plan.steps[0].name
    values = {name: plan.recorded(name) for name in plan.values if first in plan.parameters[name].steps}
    return digest_of_values(values, plan.data)
