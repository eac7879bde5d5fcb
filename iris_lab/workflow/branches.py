"""Steps side by side: those that need none of each other form branches, and each branch has a thread.

Each branch but the last works in a folder of its own, so that it is known which step wrote what.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any

from jupyter_core.utils import ensure_event_loop

from iris_lab.workflow.steps import Progress, Step

Perform = Callable[[Sequence[Step]], None]


def branches_of(steps: Sequence[Step]) -> list[list[Step]]:
    """Return the steps in groups that need none of each other, each in order; the longest is the last.

    Examples
    --------
    >>> from iris_lab.workflow.steps import STEPS
    >>> [[step.name for step in branch] for branch in branches_of(STEPS)]
    [['01_eda'], ['02_train', '03_evaluate']]
    """
    found: list[list[Step]] = []
    for step in steps:
        needed = [branch for branch in found if any(other.name in step.needs for other in branch)]
        joined = sorted((other for branch in needed for other in branch), key=list(steps).index)
        found = [*(branch for branch in found if branch not in needed), [*joined, step]]
    return sorted(found, key=len)


class Kernels:
    """The kernels of the steps that run now, so that all can be ended at once."""

    def __init__(self) -> None:
        self._managers: list[Any] = []
        self._lock = threading.Lock()
        self.ended = False

    def add(self, manager: Any) -> None:
        """Take note of a kernel that was started; once all were to end, it ends, too."""
        with self._lock:
            self._managers.append(manager)
            if self.ended:
                _kill(manager)

    def end(self) -> None:
        """Kill the kernels, and those that will be added."""
        with self._lock:
            self.ended = True
            for manager in self._managers:
                _kill(manager)


def _kill(manager: Any) -> None:
    process = getattr(getattr(manager, "provisioner", None), "process", None)
    with suppress(OSError):
        if process:
            process.send_signal(signal.SIGKILL)


def side_by_side(branches: Sequence[Sequence[Step]], perform: Perform, kernels: Kernels) -> None:
    """Perform branches at the same time; where one fails or the run is interrupted, the kernels of the others end.

    Raises
    ------
    Exception
        Of the branches that failed by themselves, what the first one raised.
    """
    with ThreadPoolExecutor(len(branches), "branch") as pool:
        futures = [pool.submit(_in_own_loop, perform, branch) for branch in branches]
        try:
            ended = wait(futures, return_when=FIRST_EXCEPTION).done
            for future in futures:
                if future in ended:
                    future.result()
        except BaseException:
            kernels.end()
            raise


def _in_own_loop(perform: Perform, branch: Sequence[Step]) -> None:
    """Perform a branch; the event loop that nbclient opens for a thread is closed at its end."""
    loop = ensure_event_loop()
    try:
        perform(branch)
    finally:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()


def in_turn(progress: Progress) -> Progress:
    """Return a progress function that threads call one at a time."""
    lock = threading.Lock()

    def shown(step: str, done: int, total: int) -> None:
        with lock:
            progress(step, done, total)

    return shown
