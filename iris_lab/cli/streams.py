"""Standard streams that may be closed, full or unread, without effect on what a command does."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

LAST_STREAM = 2  # the descriptors 0, 1 and 2


class PatientStream:
    """A stream that discards text from the first error on, and does not raise.

    Attributes
    ----------
    failure
        The first error; None if there was none.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, or discard it."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Flush what was written, or discard it."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    @property
    def is_closed_pipe(self) -> bool:
        """Whether it failed because its reader closed the pipe."""
        return self.failure is not None and self.failure.errno == errno.EPIPE

    def _give_up(self, error: OSError) -> None:
        self.failure = self.failure or error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())  # Python flushes the rest when it exits
        os.close(nowhere)


@contextmanager
def patient_streams() -> Iterator[None]:
    """Replace the standard streams by ones that don't raise, while a command runs."""
    _fill_closed_ones()
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (PatientStream(stream or _nowhere()) for stream in streams)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdout, sys.stderr = streams


def _fill_closed_ones() -> None:
    """Open closed standard descriptors on the null device; else a socket could get such a number, and our lines."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= LAST_STREAM:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")
