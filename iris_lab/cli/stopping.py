"""What a signal does to a command, and what is said of it."""

import os
import time
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iris_lab.workflow.steps import Progress

CLEANUP_SECONDS = 5
STDERR = 2  # its descriptor; Python has none if it was closed at the start


class Stopping:
    """Ends a command in order, and remembers by which signal.

    Attributes
    ----------
    number
        The signal; 0 where there was none.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was."""
        self.number = 0
        self._done = ""
        self._first = 0.0

    @property
    def line(self) -> str:
        """What is true after the end."""
        return f"iris-lab: stopped; {self._done or 'nothing was changed'}"

    @property
    def exit_code(self) -> int:
        """What a shell reports of a program that this signal ended."""
        return 128 + self.number

    def stop(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal: the same orderly end as Ctrl-C's, or, once a run is published, an end after the cleanup.

        A second one soon after the first is not heard, so that it does not cut the cleanup short; a later one is, for
        an event loop's callback can have swallowed the first.
        """
        again = self.number and time.monotonic() - self._first < CLEANUP_SECONDS
        self.number = self.number or number
        if not self._done and not again:
            self._first = time.monotonic()
            raise KeyboardInterrupt

    def leave(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal where nothing needs an orderly end: leave at once."""
        if not self.number:  # by an earlier signal, whose line is being written
            self.number = number
            with suppress(OSError):
                os.write(STDERR, f"{self.line}\n".encode())
        os._exit(self.exit_code)

    def publish(self, replaces: bool) -> None:
        """Take note that a run is being put in its place: from now on a signal waits for the end."""
        self._done = "the report was replaced" if replaces else "the report was written"

    def checked(self, progress: "Progress") -> "Progress":
        """Return `progress`, stopped after the cell where an event loop's callback has swallowed the interrupt."""

        def told(step: str, done: int, total: int) -> None:
            if self.number:
                raise KeyboardInterrupt
            progress(step, done, total)

        return told
