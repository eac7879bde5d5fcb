"""The runs of a sweep that are missing: checked all before the first starts, executed, and noted one by one."""

import functools
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from importlib import import_module

from filelock import FileLock, Timeout

from iris_lab.by_step import read_metrics
from iris_lab.data import parsed
from iris_lab.data.sources import fetch
from iris_lab.errors import InputError, IrisLabError
from iris_lab.garbage import uncollected
from iris_lab.workflow.crate import read_crate
from iris_lab.workflow.loading import reading
from iris_lab.workflow.output_directory import OutputDirectory
from iris_lab.workflow.plans import Plan, make_plan, vary
from iris_lab.workflow.scratch import scratch_folder
from iris_lab.workflow.sweeps.execution import STEPS, executed
from iris_lab.workflow.sweeps.identity import Identity, differences
from iris_lab.workflow.sweeps.jobs import Job, Listener, finished, is_shown, outcomes_of, shown_for
from iris_lab.workflow.sweeps.journal import HIDDEN, Entry, Journal, is_intact, journalled
from iris_lab.workflow.sweeps.outcomes import Outcome
from iris_lab.workflow.sweeps.pages import write_pages
from iris_lab.workflow.sweeps.pools import Pool
from iris_lab.workflow.sweeps.tables import digest_of_table
from iris_lab.workflow.sweeps.tasks import Result


def complete(job: Job, identity: Identity, pool: Pool, listener: Listener) -> list[Outcome]:
    """Execute the runs of a sweep that are missing, and write its tables and its page.

    Parameters
    ----------
    job
        The sweep.
    identity
        What its runs have in common.
    pool
        Who executes them.
    listener
        Is told how it goes.

    Raises
    ------
    InputError
        A combination cannot be run, and none was started; or the runs there are of another lock, table or code.
    IrisLabError
        Another sweep is writing there, or the workers were lost again and again.
    """
    plans = plans_of(job)
    OutputDirectory(job.folder / "run").check()
    with _locked(job):
        journal, errors = Journal(job.folder), dict[str, str]()
        done = _take_up(job, journal, plans, identity, listener)
        listener.started(len(done), len(job.runs))
        missing = {run: plan for run, plan in plans.items() if run not in done}
        threading.Thread(target=_import_what_draws, daemon=True).start()  # a core is idle now, and later none is
        with _handed_over(missing, pool) as handed, closing(executed(job, pool, handed, identity, listener)) as results:
            for executed_run in results:
                result = _checked(job, executed_run, identity)
                if result.error:
                    errors[result.run] = result.error
                else:
                    done[result.run] = _note(job, journal, result.run, plans[result.run], result.metrics)
                listener.ran(Outcome(result.run, job.runs[result.run], result.metrics, result.error))
                if result.error and job.fail_fast:
                    break
        outcomes = outcomes_of(job, done, errors)
        if missing or not is_shown(job, journal):
            write_pages(job.folder, outcomes)
            journal.show(shown_for(job, errors))
    return outcomes


def _import_what_draws() -> None:
    with suppress(Exception), uncollected():
        import_module("iris_lab.figures.paired_figures")


def plans_of(job: Job) -> dict[str, Plan]:
    """Return the plan of each run; a table is fetched once, and plans with the same data share it.

    Raises
    ------
    InputError
        The first combination that cannot be run.
    """
    remembered = functools.cache(fetch)
    bases: dict[tuple[object, ...], Plan] = {}
    plans = {}
    for run, values in job.runs.items():
        key = tuple(reading(values).values())
        if key in bases:
            plans[run] = vary(bases[key], values)
        else:
            plans[run] = bases[key] = make_plan(values, job.steps, fetch=remembered)
    return plans


@contextmanager
def _handed_over(plans: Mapping[str, Plan], pool: Pool) -> Iterator[Mapping[str, Plan]]:
    """Yield the plans as the workers need them: if they share our files, large tables are parsed in one of those."""
    if not pool.shares_files:
        yield plans
        return
    with scratch_folder() as scratch:
        for plan in {id(plan.dataset): plan for plan in plans.values()}.values():
            if plan.dataset:
                parsed.store(plan.dataset, scratch)
        yield {run: replace(plan, dataset=None, parsed=scratch) for run, plan in plans.items()}


@contextmanager
def _locked(job: Job) -> Iterator[None]:
    """Lock a sweep's folder for this process."""
    lock = FileLock(job.folder / HIDDEN / "lock")
    try:
        (job.folder / HIDDEN).mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        raise IrisLabError(
            f"another sweep is writing {job.folder.name!r}: wait for it, or name another place"
        ) from None
    except OSError as error:
        raise InputError(f"cannot write in {job.folder}: {error.strerror}; name another place") from error
    try:
        yield
    finally:
        lock.release()


def _take_up(
    job: Job, journal: Journal, plans: Mapping[str, Plan], identity: Identity, listener: Listener
) -> dict[str, Entry]:
    """Return the runs that are done, those included that a killed sweep did not note, and begin a sweep that is new."""
    done = {} if job.restart else finished(job, journal, identity)
    there = [run for run in job.runs if run not in done and (job.folder / run).exists() and not job.restart]
    intact = [run for run in there if is_intact(job.folder / run, plans[run], identity)]
    others = [run for run in there if run not in intact]
    if job.restart or journal.identity is None:
        if others:
            raise InputError(
                f"{job.folder.name!r} holds {others[0]!r}, which is no run of this lock, table and code: name another "
                "folder with --output, or run all of it again with --restart"
            )
        shutil.rmtree(job.folder / HIDDEN / STEPS, ignore_errors=True)
        journal.begin(identity)
    for run in others:
        listener.noted(f"{run}: not as it was recorded; it is run again")
    return done | {run: _note(job, journal, run, plans[run], read_metrics(job.folder / run)) for run in intact}


def _checked(job: Job, result: Result, identity: Identity) -> Result:
    """Return a result, as an error if the run is of other code, which changed meanwhile or came with a new worker."""
    if result.error:
        return result
    other = differences(journalled(read_crate(job.folder / result.run)), identity, platform=False)
    return replace(result, error=f"made with other inputs ({'; '.join(other)})") if other else result


def _note(job: Job, journal: Journal, run: str, plan: Plan, metrics: Mapping[str, float]) -> Entry:
    table = digest_of_table(plan.table.content) if plan.table else ""
    return journal.add(run, job.runs[run], table, metrics)
