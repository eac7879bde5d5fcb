"""A sweep: one run for each combination of values, in parallel on this machine's cores."""

import functools
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
from joblib import Parallel, delayed

from iris_lab.artifacts import read_metrics
from iris_lab.data.sources import fetch
from iris_lab.errors import InputError, IrisLabError
from iris_lab.place import reports
from iris_lab.workflow.output_directory import OutputDirectory
from iris_lab.workflow.parameters import Value, declared, parse
from iris_lab.workflow.plans import Plan, make_plan
from iris_lab.workflow.report import Job, report

TABLE_FILE = "sweep.csv"


@dataclass(frozen=True)
class Outcome:
    """One run of a sweep.

    Attributes
    ----------
    values
        The parameters that were given.
    run
        Name of its folder in the sweep.
    metrics
        Its numbers; empty if it failed.
    error
        Why it failed, in one line; empty if it did not.
    """

    values: Mapping[str, Value]
    run: str
    metrics: dict[str, float] = field(default_factory=dict)
    error: str = ""

    @property
    def row(self) -> dict[str, object]:
        """The run as a row of the table."""
        return {**self.values, **self.metrics, "run": self.run, "error": self.error}


def combinations(assignments: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the parameters of each run: every combination of the values that commas separate."""
    choices = []
    for assignment in assignments:
        name, _, values = assignment.partition("=")
        choices.append([f"{name}={value}" for value in values.split(",")])
    return list(itertools.product(*choices))


def sweep(
    assignments: Sequence[str],
    job: Job,
    *,
    jobs: int = -1,
    timeout: int | None = None,
    on_run: Callable[[Outcome], None] = lambda outcome: None,
) -> Path:
    """Run every combination into a folder of its own, and write the table of their numbers.

    Parameters
    ----------
    assignments
        Each is ``NAME=VALUE,…``, with the values separated by commas.
    job
        What the runs have in common, as for `report`.
    jobs
        Runs at a time; -1 for one per core.
    timeout
        Seconds that one cell may take; None for no limit.
    on_run
        Called after each run, in the order in which they end.

    Returns
    -------
    pathlib.Path
        The table.

    Raises
    ------
    InputError
        A combination cannot be run; none was started.
    IrisLabError
        Some runs failed; the others are published, and the table names the failed ones.
    """
    folder = job.output or reports() / "sweep"
    wanted = combinations(assignments)
    runs = {combination: re.sub(r"[^\w.=-]+", "-", "_".join(combination)) for combination in wanted}
    if len(set(runs.values())) < len(wanted):
        raise InputError("two combinations are the same: give each value once")
    plans = _plan(runs, folder, job)
    tasks = (
        delayed(_run)(replace(job, values=values, output=folder / name), plan, timeout)
        for name, (values, plan) in plans.items()
    )
    outcomes = {}
    # One process per run: papermill and the kernel's sockets need one of their own.
    for outcome in Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered")(tasks):
        on_run(outcome)
        outcomes[outcome.run] = outcome
    rows = [outcomes[name].row for name in plans]
    pd.DataFrame(rows).to_csv(folder / TABLE_FILE, index=False, lineterminator="\n")
    if failed := [outcome.run for outcome in outcomes.values() if outcome.error]:
        raise IrisLabError(f"{len(failed)} of {len(runs)} runs failed ({', '.join(sorted(failed))}): see {TABLE_FILE}")
    return folder / TABLE_FILE


def _plan(runs: Mapping[tuple[str, ...], str], folder: Path, job: Job) -> dict[str, tuple[dict[str, Value], Plan]]:
    """Return the values and the plan of each run, by its folder's name; a table is fetched once for all of them."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"output {folder.name!r} is a file: expected a folder, or a name that is free")
    parameters, remembered, plans = declared(job.steps), functools.cache(fetch), {}
    for combination, name in runs.items():
        values = parse(combination, parameters)
        plans[name] = values, make_plan(values, job.steps, fetch=remembered)
        OutputDirectory(folder / name).check()
    folder.mkdir(parents=True, exist_ok=True)
    return plans


def _run(job: Job, plan: Plan, timeout: int | None) -> Outcome:
    """Run one combination, in a process of its own; an error is a result too."""
    run = Path(str(job.output))
    try:
        report(job, plan=plan, timeout=timeout)
    except IrisLabError as error:
        return Outcome(job.values, run.name, error=str(error))
    return Outcome(job.values, run.name, metrics=read_metrics(run))
