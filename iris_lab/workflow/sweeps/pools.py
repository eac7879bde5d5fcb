"""Who executes the runs of a sweep: processes of this machine (loky), or the workers of a Dask cluster."""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from iris_lab.workflow.done import Done
from iris_lab.workflow.output_directory import OutputDirectory
from iris_lab.workflow.sweeps import calls
from iris_lab.workflow.sweeps.cluster import Cluster, connected
from iris_lab.workflow.sweeps.identity import Identity
from iris_lab.workflow.sweeps.journal import HIDDEN
from iris_lab.workflow.sweeps.tasks import Result, Task
from iris_lab.workflow.sweeps.watch import end_with


class LostWorkerError(Exception):
    """A worker was killed, and the runs that were in work with it."""


class Pool(Protocol):
    """Executes tasks; results are in the order in which they end.

    Attributes
    ----------
    shares_files
        Whether its workers can read the files of this machine.
    """

    shares_files: bool

    def first(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Done | str]]:
        """Execute the first step of each task."""
        ...

    def runs(self, tasks: Sequence[tuple[Task, Path | None]]) -> Iterator[Result]:
        """Execute runs, each with the folder of its first step if that was executed before, and publish them."""
        ...


class Local:
    """Processes of this machine: one for each run at a time, because papermill is not thread-safe.

    Parameters
    ----------
    folder
        Of the sweep.
    jobs
        Runs at a time.
    """

    shares_files = True

    def __init__(self, folder: Path, jobs: int) -> None:
        self._folder, self._jobs = folder, jobs
        self._starting = threading.Thread(target=self._start, name="workers", daemon=True)

    def start(self) -> None:
        """Start the workers, which import for seconds, and do not wait for them."""
        self._starting.start()

    def _start(self) -> None:
        with suppress(Exception):  # whatever it is happens again to those who wait for a result
            list(self._parallel()(delayed(calls.warm_up)() for _ in range(self._jobs)))

    def first(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Done | str]]:
        """Execute the first step of each task."""
        for number, done in self._executed(delayed(_first)(*each) for each in enumerate(tasks)):
            yield tasks[number], done

    def runs(self, tasks: Sequence[tuple[Task, Path | None]]) -> Iterator[Result]:
        """Execute the runs; each worker puts its run in place itself, so that none is lost on the way."""
        helpers = self._folder / HIDDEN
        places = {task.run: OutputDirectory(self._folder / task.run, helpers) for task, _ in tasks}
        yield from self._executed(delayed(calls.run_here)(task, places[task.run], first) for task, first in tasks)

    def _parallel(self) -> Parallel:
        with parallel_config(backend="loky", initializer=end_with, initargs=(os.getpid(),)):
            return Parallel(n_jobs=self._jobs, batch_size=1, return_as="generator_unordered")

    def _executed(self, wanted: Any) -> Iterator[Any]:
        if self._starting.ident:
            self._starting.join()
        try:
            with closing(self._parallel()(wanted)) as results:
                yield from results
        except TerminatedWorkerError as error:
            raise LostWorkerError("as the system ends one for want of memory") from error


def _first(number: int, task: Task) -> tuple[int, Done | str]:
    return number, calls.run_first(task)


@contextmanager
def pool_of(folder: Path, identity: Identity, *, runs: int, jobs: int, scheduler: str) -> Iterator[Pool]:
    """Yield who executes the runs of a sweep: the cluster of a scheduler, if one is named.

    Parameters
    ----------
    folder, identity
        Of the sweep.
    runs
        How many are missing.
    jobs
        Runs at a time on this machine; negative for one per core.
    scheduler
        Address of a Dask scheduler, or empty.

    Raises
    ------
    InputError
        The scheduler or its workers cannot be used.
    """
    if not scheduler:
        local = Local(folder, max(1, min(runs, jobs if jobs > 0 else cpu_count())))
        if runs:
            local.start()
        yield local
        return
    with connected(scheduler, identity) as client:
        yield Cluster(folder, client)
