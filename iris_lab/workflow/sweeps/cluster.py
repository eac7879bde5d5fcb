"""A Dask cluster that exists: whether it answers, and whether its workers would make the runs that are made here."""

import functools
import itertools
import logging
import pickle
import queue
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from iris_lab.errors import InputError, IrisLabError
from iris_lab.workflow import provenance
from iris_lab.workflow.done import Done
from iris_lab.workflow.output_directory import OutputDirectory
from iris_lab.workflow.sweeps import calls
from iris_lab.workflow.sweeps.identity import Identity, differences
from iris_lab.workflow.sweeps.journal import HIDDEN
from iris_lab.workflow.sweeps.tasks import PATIENCE, Result, Task

ANSWER_SECONDS = 10
WORKER_SECONDS = 60  # in which a busy one imports the package
LOST_SECONDS = 60  # without a worker, after which a sweep ends
GONE = "the scheduler or all its workers are gone: what is done stays, the same command goes on from there"


def about_worker() -> Identity:
    """Return what the runs of this worker would record, without the notebooks: those are sent to it."""
    return {"software": provenance.software(), "sources": provenance.sources({})}


@contextmanager
def connected(address: str, identity: Identity) -> Iterator[Any]:
    """Yield a client of a scheduler whose workers all have this version of iris_lab, of the lock and of Python.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://10.0.0.1:8786``.
    identity
        What the runs of a worker here would record.

    Raises
    ------
    InputError
        dask or distributed is not installed, the scheduler does not answer or has no workers, or a worker has other
        versions or code.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError("a scheduler needs Dask: pip install 'iris-lab[dask]'") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it would tell of connections that were refused
    warnings.filterwarnings("ignore", "Mismatched versions found")  # our own line names the worker, and what to do
    try:
        client = _within(ANSWER_SECONDS, lambda: Client(address, timeout=ANSWER_SECONDS, set_as_default=False))
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise InputError(
            f"scheduler {address!r} does not answer within {ANSWER_SECONDS} s "
            f"({type(error).__name__}): expected the address of a Dask scheduler, such as tcp://127.0.0.1:8786"
        ) from error
    try:
        _check_workers(client, address, identity)
        yield client
    finally:
        with suppress(Exception):  # workers and scheduler may be gone
            client.run(calls.release, on_error="ignore", wait=False)
        with suppress(Exception):
            client.close(timeout=2)


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """Return what a call returns, or raise `TimeoutError`: Dask waits forever for a port that accepts and is silent."""
    ended: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def put() -> None:
        try:
            ended.put((call(), None))
        except BaseException as error:
            ended.put((None, error))

    threading.Thread(target=put, daemon=True).start()
    try:
        result, error = ended.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error:
        raise error
    return result


def _check_workers(client: Any, address: str, identity: Identity) -> None:
    with suppress(TimeoutError):
        client.wait_for_workers(1, timeout=ANSWER_SECONDS)
    if not client.scheduler_info()["workers"]:
        raise InputError(f"scheduler {address!r} has no workers: start some with `dask worker {address}`")
    here = {**identity, "sources": {n: d for n, d in identity["sources"].items() if not n.endswith(".ipynb")}}
    try:
        answers = _within(WORKER_SECONDS, lambda: client.run(about_worker, on_error="return"))
    except TimeoutError as error:
        raise InputError(
            f"the workers of {address!r} do not answer within {WORKER_SECONDS} s: start them again"
        ) from error
    for worker, found in sorted(answers.items()):
        if isinstance(found, BaseException):
            raise InputError(
                f"worker {worker} has no iris_lab, or another version ({type(found).__name__}: {found}): "
                "install the wheel of this one there"
            )
        if other := differences(found, here, platform=False):
            raise InputError(f"worker {worker} is not as this machine: {'; '.join(other)}; install the same there")


class Cluster:
    """Workers of a Dask cluster, which get plans and give back bytes.

    The futures are Dask's own. Under joblib's Dask backend a sweep would wait forever for a run whose workers were lost
    again and again, and what it scatters is lost with the worker that holds it.

    Parameters
    ----------
    folder
        Of the sweep.
    client
        From `connected`.
    """

    shares_files = False

    def __init__(self, folder: Path, client: Any) -> None:
        self._folder, self._client = folder, client

    def first(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Done | str]]:
        """Execute the first step of each task."""
        yield from self._executed(calls.run_first_away, ((task, pickle.dumps(task)) for task in tasks))

    def runs(self, tasks: Sequence[tuple[Task, Path | None]]) -> Iterator[Result]:
        """Execute the runs, and put each in its place as soon as its bytes are here."""
        stored = functools.lru_cache(maxsize=2)(Done.stored)
        packed = ((task, pickle.dumps((task, stored(first) if first else None))) for task, first in tasks)
        for task, found in self._executed(calls.run_away, packed):
            yield Result(task.run, error=found) if isinstance(found, str) else self._publish(found)

    def _executed(self, function: Callable[[bytes], Any], packed: Iterator[tuple[Task, bytes]]) -> Iterator[Any]:
        """Yield each task with what the function returned of it, or with why there is nothing, in one line."""
        running: dict[Any, Task] = {}
        seen = time.monotonic()
        while True:
            threads = sum(self._client.nthreads().values()) if self._client.status == "running" else 0
            if threads:
                seen = time.monotonic()
            elif time.monotonic() - seen > LOST_SECONDS:
                raise IrisLabError(GONE)
            for task, content in itertools.islice(packed, max(0, 2 * threads - len(running))):
                running[self._client.submit(function, content, pure=False)] = task
            if not running and threads:
                return
            for future in self._ended(running):
                task = running.pop(future)
                if future.status not in {"finished", "error"}:  # cancelled, because the scheduler is gone
                    raise IrisLabError(GONE)
                yield task, future.result() if future.status == "finished" else _reason(future.exception())

    def _ended(self, running: Mapping[Any, Task]) -> list[Any]:
        """Return the futures that have ended, after a second at most."""
        until = time.monotonic() + 1
        while not (ended := [future for future in running if future.done()]) and time.monotonic() < until:
            time.sleep(0.02)
        return ended

    def _publish(self, result: Result) -> Result:
        """Write a run's files and put it in place, unless it failed."""
        place = OutputDirectory(self._folder / result.run, self._folder / HIDDEN)
        try:
            with place.reserved(patience=PATIENCE) as folder:
                for name, content in (result.files or {}).items():
                    _write(folder, name, content)
                if result.error:
                    place.keep_failed()
                else:
                    place.publish()
        except (IrisLabError, OSError) as error:
            return Result(result.run, error=str(error))
        return Result(result.run, result.metrics, result.error)


def _reason(error: BaseException) -> str:
    """Return why a run came back as an error of Dask's."""
    if type(error).__name__ == "KilledWorker":
        return "the workers that executed it were lost, one after another: was there enough memory?"
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"


def _write(folder: Path, name: str, content: bytes) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise InputError(f"a worker sent a file {name!r:.60}: expected a path inside the run")
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_bytes(content)
