"""How a signal ends a command: in order, and with a last line that is true."""

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
    """Ends a command in order, and knows which signal ended it.

    Attributes
    ----------
    number
        The signal; 0 if there was none.
    so_far
        What is done and stays, if the command is stopped now.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget an earlier signal."""
        self.number = 0
        self.so_far = ""
        self._done = ""
        self._first = 0.0

    @property
    def line(self) -> str:
        """The last line of a stopped command, which says what it changed."""
        return f"iris-lab: stopped; {self._done or self.so_far or 'nothing was changed'}"

    @property
    def exit_code(self) -> int:
        """The code that a shell reports for a program ended by the signal."""
        return 128 + self.number

    def stop(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal: interrupt the command or, once a run is being published, let it finish.

        A second signal soon after the first is ignored, so that it does not interrupt the cleanup. A later one is
        handled, because a callback of an event loop may have swallowed the first interrupt.
        """
        in_cleanup = self.number and time.monotonic() - self._first < CLEANUP_SECONDS
        self.number = self.number or number
        if not self._done and not in_cleanup:
            self._first = time.monotonic()
            raise KeyboardInterrupt

    def leave(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal when there is nothing to clean up: exit at once."""
        if not self.number:  # else the handler of an earlier signal is writing the line
            self.number = number
            with suppress(OSError):
                os.write(STDERR, f"{self.line}\n".encode())
        os._exit(self.exit_code)

    def publish(self, replaces: bool) -> None:
        """Note that a run is being published: from now on a signal does not interrupt the command."""
        self._done = "the report was replaced" if replaces else "the report was written"

    def note(self, so_far: str) -> None:
        """Note what is done and stays; interrupt if a callback swallowed the first interrupt."""
        self.so_far = so_far
        if self.number:
            raise KeyboardInterrupt

    def checked(self, progress: "Progress") -> "Progress":
        """Return `progress`, made to raise `KeyboardInterrupt` if an event loop's callback swallowed the first one."""

        def checked_progress(step: str, done: int, total: int) -> None:
            if self.number:
                raise KeyboardInterrupt
            progress(step, done, total)

        return checked_progress
