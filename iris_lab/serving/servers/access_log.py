"""The access log of a worker: a thread of its own writes queued lines in batches."""

import os
import threading
from collections import deque
from contextlib import suppress
from multiprocessing.util import Finalize

STDOUT = 1  # a file descriptor: sys.stdout is None if it was closed at the start
WRITE_SECONDS = 0.05  # between two batches
MAX_LINES = 200_000  # that are queued while the reader stalls; then the oldest are dropped
FLUSH_SECONDS = 2.0  # for the last lines, at the end of the process
ATOMIC_BYTES = 4096  # PIPE_BUF of Linux: a pipe does not mix a write of this size with those of other workers


class AccessLog:
    """Writes lines to the standard output.

    A reader that stalls delays no response. Also, a write releases the GIL, and a thread that answers requests would
    have to wait for it again: 21,700 to 31,100 one-row requests per second were measured when those threads wrote the
    lines, 30,300 to 31,300 with a separate thread.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self.add = self._lines.append
        self._ended = threading.Event()

    def start(self) -> None:
        """Write from now on until the end of this worker process."""
        # Created in the worker: since Python 3.13 a thread created before a fork cannot be started after it.
        thread = threading.Thread(target=self._run, name="access-log", daemon=True)
        thread.start()
        # Finalize, because processes of multiprocessing do not run atexit functions.
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
            with suppress(OSError):  # the reader of the log may have exited
                os.write(STDOUT, text)
