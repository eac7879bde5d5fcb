"""Who executes the runs of a sweep: processes of this machine (loky), or the workers of a Dask cluster."""

import functools
import os
import pickle
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from joblib import Parallel, cpu_count, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from iris_lab.errors import InputError, IrisLabError
from iris_lab.workflow.done import Done
from iris_lab.workflow.output_directory import OutputDirectory
from iris_lab.workflow.sweeps import workers
from iris_lab.workflow.sweeps.cluster import connected, release
from iris_lab.workflow.sweeps.identity import Identity
from iris_lab.workflow.sweeps.journal import HIDDEN
from iris_lab.workflow.sweeps.watch import end_with
from iris_lab.workflow.sweeps.workers import Result, Task


class LostWorkerError(Exception):
    """A worker was killed, and the runs that were in work with it."""


class Pool(Protocol):
    """Executes tasks; results are in the order in which they end."""

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
        Runs at a time; negative for one per core.
    """

    def __init__(self, folder: Path, jobs: int) -> None:
        self._folder, self._jobs = folder, jobs

    def first(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Done | str]]:
        """Execute the first step of each task; meanwhile the other workers get ready."""
        idle = max(0, self._workers - len(tasks))
        calls = [delayed(_first)(number, task) for number, task in enumerate(tasks)]
        if self._workers > 1:
            calls += [delayed(_first)(-1, None) for _ in range(idle)]
        for number, done in self._executed(calls):
            if number >= 0:
                yield tasks[number], done

    def runs(self, tasks: Sequence[tuple[Task, Path | None]]) -> Iterator[Result]:
        """Execute the runs; each worker puts its run in place itself, so that none is lost on the way."""
        helpers = self._folder / HIDDEN
        places = {task.run: OutputDirectory(self._folder / task.run, helpers) for task, _ in tasks}
        calls = (delayed(workers.run_here)(task, places[task.run], first) for task, first in tasks)
        yield from self._executed(calls)

    @property
    def _workers(self) -> int:
        return self._jobs if self._jobs > 0 else int(cpu_count())

    def _executed(self, calls: Any) -> Iterator[Any]:
        watched = parallel_config(backend="loky", initializer=end_with, initargs=(os.getpid(),))
        try:
            with watched:
                parallel = Parallel(n_jobs=self._workers, batch_size=1, return_as="generator_unordered")
            with closing(parallel(calls)) as results:
                yield from results
        except TerminatedWorkerError as error:
            raise LostWorkerError("as the system ends one for want of memory") from error


def _first(number: int, task: Task | None) -> tuple[int, Done | str]:
    if task is None:
        workers.warm_up()
        return number, ""
    return number, workers.run_first(task)


class Cluster:
    """Workers of a Dask cluster, which get plans and give back bytes.

    Parameters
    ----------
    folder
        Of the sweep.
    client
        From `cluster.connected`.
    """

    def __init__(self, folder: Path, client: Any) -> None:
        self._folder, self._client = folder, client

    def first(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Done | str]]:
        """Execute the first step of each task."""
        calls = [delayed(_first_away)(number, pickle.dumps(task)) for number, task in enumerate(tasks)]
        for number, done in self._executed(calls):
            yield tasks[number], done

    def runs(self, tasks: Sequence[tuple[Task, Path | None]]) -> Iterator[Result]:
        """Execute the runs, and put each in its place as soon as its bytes are here."""
        stored = functools.lru_cache(maxsize=2)(Done.stored)
        packed = (pickle.dumps((task, stored(first) if first else None)) for task, first in tasks)
        calls = (delayed(workers.run_away)(each) for each in packed)
        for result in self._executed(calls):
            yield self._publish(result)

    def _executed(self, calls: Any) -> Iterator[Any]:
        with parallel_config(backend="dask", client=self._client):
            parallel = Parallel(n_jobs=-1, batch_size=1, return_as="generator_unordered")
            with closing(parallel(calls)) as results:
                yield from results

    def _publish(self, result: Result) -> Result:
        """Write a run's files and put it in place, unless it failed."""
        place = OutputDirectory(self._folder / result.run, self._folder / HIDDEN)
        try:
            with place.reserved(patience=workers.PATIENCE) as folder:
                for name, content in (result.files or {}).items():
                    _write(folder, name, content)
                if result.error:
                    place.keep_failed()
                    return Result(result.run, error=result.error)
                place.publish()
        except (IrisLabError, OSError) as error:
            return Result(result.run, error=str(error))
        return Result(result.run, result.metrics)


def _first_away(number: int, packed: bytes) -> tuple[int, Done | str]:
    return number, workers.run_first_away(packed)


def _write(folder: Path, name: str, content: bytes) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"a worker sent a file {name!r:.60}: expected a path inside the run")
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)


@contextmanager
def pool_of(folder: Path, identity: Identity, *, jobs: int, scheduler: str) -> Iterator[Pool]:
    """Yield who executes the runs of a sweep: the cluster of a scheduler, if one is named.

    Raises
    ------
    InputError
        The scheduler or its workers cannot be used.
    """
    if not scheduler:
        yield Local(folder, jobs)
        return
    with connected(scheduler, identity) as client:
        try:
            yield Cluster(folder, client)
        finally:
            release(client)
