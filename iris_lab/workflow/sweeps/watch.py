"""Ends a worker with its sweep, however that ended; a module of its own, so that a worker watches before it imports."""

import functools
import os
import threading
import time

WATCH_SECONDS = 0.2  # between two looks at whether the sweep is still there


@functools.cache
def end_with(sweep: int) -> None:
    """End this process as soon as the sweep, its parent process, has ended.

    Parameters
    ----------
    sweep
        The process of the sweep; nothing is done if that is this one.
    """

    def watch() -> None:
        while os.getppid() == sweep:
            time.sleep(WATCH_SECONDS)
        os._exit(1)  # the warm parent sees that its input ends, and ends the kernels

    if os.getpid() != sweep:
        threading.Thread(target=watch, daemon=True).start()
