"""A sweep: a whole run for each combination of values, executed once, and resumed where it was interrupted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from iris_lab.errors import InputError
from iris_lab.garbage import uncollected
from iris_lab.place import reports
from iris_lab.workflow.parameters import Value, check, declared
from iris_lab.workflow.steps import STEPS, Step
from iris_lab.workflow.sweeps.choices import Choices, combinations, given_choices, run_name, safe_name
from iris_lab.workflow.sweeps.identity import identity_of
from iris_lab.workflow.sweeps.jobs import Job, Listener, finished, is_shown, outcomes_of
from iris_lab.workflow.sweeps.journal import Journal
from iris_lab.workflow.sweeps.outcomes import Outcome

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Calling:
    """A listener that passes on runs alone."""

    on_run: Callable[[Outcome], None]

    def started(self, done: int, total: int) -> None:
        """Pass on nothing."""

    def noted(self, text: str) -> None:
        """Pass on nothing."""

    def ran(self, outcome: Outcome) -> None:
        """Pass on a run."""
        self.on_run(outcome)


def sweep(
    parameters: Mapping[str, object],
    *,
    output: Path | None = None,
    steps: Sequence[Step] = STEPS,
    jobs: int = -1,
    scheduler: str = "",
    timeout: int | None = None,
    fail_fast: bool = False,
    restart: bool = False,
    many: bool = False,
    on_run: Callable[[Outcome], None] = lambda outcome: None,
) -> "pd.DataFrame":
    """Run every combination of values into a folder of its own, and return the table of their numbers.

    What was done before is not done again: the same call, after whatever interrupted it, runs only what is missing.

    Parameters
    ----------
    parameters
        For each parameter a value, or an iterable of values: ``{"model": ["svm", "forest"], "seed": range(20)}``.
    output
        Folder of the sweep; None for one in ``reports/sweeps``, named after the data and the parameters.
    steps
        The notebooks.
    jobs
        Runs at a time on this machine; negative for one per core.
    scheduler
        Address of a Dask scheduler, whose workers execute the runs.
    timeout
        Seconds that one cell may take; None for no limit.
    fail_fast
        Stop at the first run that fails.
    restart
        Run all combinations again.
    many
        Allow more than 1,000 runs.
    on_run
        Called after each run, in the order in which they end.

    Returns
    -------
    pandas.DataFrame
        A row for each run: the parameters that differ, its numbers (exact), ``run`` (its folder), and ``error``,
        which is empty unless it failed.

    Raises
    ------
    InputError
        A combination cannot be run, and none was started; or the runs in the folder are of another lock, table or code.
    """
    from iris_lab.workflow.sweeps.pages import frame_of

    choices = given_choices(parameters, declared(steps), many=many)
    job = Job(
        runs_of(choices),
        output or default_folder(choices),
        steps,
        jobs=jobs,
        scheduler=scheduler,
        timeout=timeout,
        fail_fast=fail_fast,
        restart=restart,
    )
    return frame_of(run_sweep(job, Calling(on_run)))


def runs_of(choices: Choices) -> dict[str, dict[str, Value]]:
    """Return the parameters of every combination, by the name of its run's folder.

    Raises
    ------
    InputError
        A value that no data allow.
    """
    for name, values in choices.items():
        for value in values:
            check({name: value})
    return {run_name(values): values for values in combinations(choices)}


def default_folder(choices: Choices, default_data: str = "iris") -> Path:
    """Return the folder of a sweep that has no other name: that of its data and its parameters, whatever their values.

    So the same command with a value more goes on in the same folder.
    """
    data = choices.get("data", [default_data])
    name = Path(str(data[0]).partition("?")[0]).name.split(".")[0] if len(data) == 1 else "data"
    return reports() / "sweeps" / safe_name("_".join([name, *(each for each in choices if each != "data")]))


def run_sweep(job: Job, listener: Listener) -> list[Outcome]:
    """Execute the runs of a sweep that are missing, write its tables and its page, and return all runs in their order.

    Raises
    ------
    InputError
        As `sweep`.
    IrisLabError
        Another sweep is writing there, or the workers were lost again and again.
    """
    if job.folder.exists() and not job.folder.is_dir():
        raise InputError(f"output {job.folder.name!r} is a file: expected a folder, or a name that is free")
    identity, journal = identity_of(job.steps), Journal(job.folder)
    done = {} if job.restart else finished(job, journal, identity)
    if len(done) < len(job.runs) or not is_shown(job, journal):
        from iris_lab.workflow.sweeps.pools import pool_of

        missing = len(job.runs) - len(done)
        with pool_of(job.folder, identity, runs=missing, jobs=job.jobs, scheduler=job.scheduler) as pool:
            with uncollected():
                from iris_lab.workflow.sweeps.running import complete  # here: it imports for seconds

            return complete(job, identity, pool, listener)
    listener.started(len(done), len(job.runs))
    return outcomes_of(job, done, {})
