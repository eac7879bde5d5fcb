"""Standard streams that may be closed, full, or read by nobody: what a command does doesn't depend on who listens."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

LAST_STREAM = 2  # the descriptors 0, 1 and 2


class PatientStream:
    """A stream that goes on when nobody can take what is written.

    Attributes
    ----------
    failure
        Why the first thing could not be written; None while all could.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, if it can be."""
        try:
            return self._stream.write(text)
        except OSError as error:
            self._give_up(error)
            return len(text)

    def flush(self) -> None:
        """Flush, if it can be."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    @property
    def is_closed_pipe(self) -> bool:
        """Whether it failed because its reader has seen enough."""
        return self.failure is not None and self.failure.errno == errno.EPIPE

    def _give_up(self, error: OSError) -> None:
        self.failure = self.failure or error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())  # Python flushes what is left at its end
        os.close(nowhere)


@contextmanager
def patient_streams() -> Iterator[None]:
    """Let the standard streams be ones that don't fail, for as long as a command takes."""
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
    """Let those of the standard descriptors that are closed lead nowhere; else our lines could go into a socket."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= LAST_STREAM:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")
