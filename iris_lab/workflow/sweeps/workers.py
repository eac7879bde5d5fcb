"""What a worker of a sweep does: it executes runs one by one, with kernels from one warm parent that it keeps."""

import atexit
import functools
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from iris_lab.by_step import read_metrics
from iris_lab.errors import IrisLabError
from iris_lab.workflow.done import Done
from iris_lab.workflow.output_directory import OutputDirectory
from iris_lab.workflow.runs import execute, execute_step
from iris_lab.workflow.scratch import scratch_folder
from iris_lab.workflow.sweeps.tasks import PATIENCE, Result, Task
from iris_lab.workflow.warm import Kernels, warm_kernels

IDLE_SECONDS = 60  # after which the warm parent is ended: a Dask worker or a notebook can live on for days


class _Keeper:
    """Keeps a warm parent from run to run, and lends it to one at a time: papermill is not thread-safe."""

    def __init__(self) -> None:
        self._lock, self._stack = threading.Lock(), ExitStack()
        self._kernels: Kernels | None = None
        self._timer = threading.Timer(0, self.release)

    @contextmanager
    def kernels(self) -> Iterator[Kernels]:
        with self._lock:
            self._timer.cancel()
            if self._kernels and self._kernels[0] and not self._kernels[0].is_alive:
                self._close()
            if self._kernels is None:
                self._kernels = self._stack.enter_context(warm_kernels())
            try:
                yield self._kernels
            finally:
                self._timer = threading.Timer(IDLE_SECONDS, self.release)
                self._timer.daemon = True
                self._timer.start()

    def release(self) -> None:
        with self._lock:
            self._timer.cancel()
            self._close()

    def _close(self) -> None:
        self._kernels = None
        self._stack.close()


_keeper = _Keeper()
release = _keeper.release
atexit.register(release)


def warm_up() -> None:
    """Make this worker ready, while another one executes the steps that runs share."""
    with _keeper.kernels():
        pass


def run_first(task: Task) -> Done | str:
    """Execute the first step of a run, and return what it wrote, or why it failed."""
    with scratch_folder() as scratch:
        folder = scratch / "run"
        folder.mkdir()
        plan = task.own_plan
        try:
            with _keeper.kernels() as (warm_parent, _):
                return execute_step(plan, plan.steps[0], folder, warm_parent=warm_parent, timeout=task.timeout)
        except IrisLabError as error:
            return str(error)


def run_here(task: Task, place: OutputDirectory, first: Path | None) -> Result:
    """Execute a run beside its place and, if it did not fail, put it there.

    Parameters
    ----------
    task
        The run.
    place
        Where it belongs.
    first
        Folder of its first step, if that was executed before.
    """
    try:
        with place.reserved(patience=PATIENCE) as folder:
            result = _execute(task, folder, _stored(first) if first else None)
            if result.error:
                place.keep_failed()
            else:
                place.publish()
        return result
    except IrisLabError as error:
        return Result(task.run, error=str(error))


def run_away(task: Task, first: Done | None) -> Result:
    """Execute a run on a machine that does not share a file system with the sweep, and return it with its files."""
    with scratch_folder() as scratch:
        folder = scratch / "run"
        folder.mkdir()
        result = _execute(task, folder, first)
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        return replace(result, files={path.relative_to(folder).as_posix(): path.read_bytes() for path in files})


@functools.lru_cache(maxsize=2)
def _stored(folder: Path) -> Done | None:
    return Done.stored(folder)


def _execute(task: Task, folder: Path, first: Done | None) -> Result:
    plan = task.own_plan
    done = {plan.steps[0].name: first} if first else {}
    try:
        with _keeper.kernels() as (warm_parent, _):
            execute(plan, folder, warm_parent=warm_parent, timeout=task.timeout, done=done)
        return Result(task.run, read_metrics(folder))
    except IrisLabError as error:
        return Result(task.run, error=str(error))
