"""What a sweep runs, and which of its runs are done, without importing what a run needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from iris_lab.errors import InputError
from iris_lab.workflow.parameters import Value
from iris_lab.workflow.steps import STEPS, Step
from iris_lab.workflow.sweeps.identity import Identity, differences, digest_of_values
from iris_lab.workflow.sweeps.journal import Entry, Journal, stamp
from iris_lab.workflow.sweeps.outcomes import FILES, Outcome
from iris_lab.workflow.sweeps.tables import tables_of


@dataclass(frozen=True)
class Job:
    """What a sweep runs, where, and by whom.

    Attributes
    ----------
    runs
        The parameters of each run, by the name of its folder.
    folder
        The sweep.
    steps
        The notebooks.
    jobs
        Runs at a time on this machine; negative for one per core.
    scheduler
        Address of a Dask scheduler, whose workers execute the runs; empty for this machine.
    timeout
        Seconds that one cell may take; None for no limit.
    fail_fast
        Stop at the first run that fails.
    restart
        Run all combinations again, even those that are done.
    """

    runs: Mapping[str, Mapping[str, Value]]
    folder: Path
    steps: Sequence[Step] = STEPS
    jobs: int = -1
    scheduler: str = ""
    timeout: int | None = None
    fail_fast: bool = False
    restart: bool = False


class Listener(Protocol):
    """Is told how a sweep goes."""

    def started(self, done: int, total: int) -> None:
        """Note that `done` of `total` runs were done before."""
        ...

    def noted(self, text: str) -> None:
        """Note something in words."""
        ...

    def ran(self, outcome: Outcome) -> None:
        """Note that a run was done, or failed."""
        ...


def finished(job: Job, journal: Journal, identity: Identity) -> dict[str, Entry]:
    """Return the runs that are done, by folder, without importing what a run needs.

    Raises
    ------
    InputError
        The runs there are of another lock, table or code.
    """
    if journal.identity is None:
        return {}
    if other := differences(journal.identity, identity):
        raise _refusal(job, "; ".join(other))
    entries = {run: journal.entries[run] for run in job.runs if run in journal.entries}
    entries = {run: entry for run, entry in entries.items() if dict(entry.values) == dict(job.runs[run])}
    tables = tables_of([str(entry.values["data"]) for entry in entries.values() if entry.table])
    for entry in entries.values():
        if entry.table and tables[str(entry.values["data"])] != entry.table:
            raise _refusal(job, f"another content of {entry.values['data']}")
    return {run: entry for run, entry in entries.items() if journal.is_done(entry)}


def _refusal(job: Job, why: str) -> InputError:
    return InputError(
        f"sweep {job.folder.name!r} was begun with other inputs ({why}): go on with those, name another folder with "
        "--output, or run all of it again with --restart"
    )


def outcomes_of(job: Job, done: Mapping[str, Entry], errors: Mapping[str, str]) -> list[Outcome]:
    """Return the runs in the order of their combinations, without those that were not reached."""
    return [
        Outcome(run, values, dict(done[run].metrics) if run in done else {}, errors.get(run, ""))
        for run, values in job.runs.items()
        if run in done or run in errors
    ]


def shown_for(job: Job, errors: Mapping[str, str]) -> dict[str, object]:
    """Return what the tables and the page are written for, and their sizes and times."""
    files = {name: stamp((job.folder / name).stat()) for name in FILES}
    return {"runs": digest_of_values(list(job.runs), dict(errors)), "files": files}


def is_shown(job: Job, journal: Journal) -> bool:
    """Return whether the tables and the page of these runs, all done, are as they were written."""
    try:
        return bool(journal.shown == shown_for(job, {}))
    except OSError:
        return False
