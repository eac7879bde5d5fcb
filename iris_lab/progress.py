"""Progress of a run: a bar on a terminal, and a line for each step that is done."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from tqdm import tqdm


class Ran(Protocol):
    """A run of a sweep: its name, and why it failed or an empty text."""

    @property
    def run(self) -> str: ...  # noqa: D102 (see the class)

    @property
    def error(self) -> str: ...  # noqa: D102 (see the class)


@contextmanager
def shown_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function to call with a step, the number of its cells that are done, and of all its cells."""
    if sys.stderr.isatty():
        with tqdm(unit="cell", leave=False, dynamic_ncols=True) as bar:
            yield Shown(bar)
    else:
        yield Shown()


class Shown:
    """Shows the cells done on a bar, if there is one, and the seconds of each step when it is done."""

    def __init__(self, bar: "tqdm[None] | None" = None) -> None:
        self._bar = bar
        self._started: dict[str, float] = {}
        self._cells: dict[str, tuple[int, int]] = {}  # of each step, done and in all

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show that a step starts, when no cell is done, or that a cell is done."""
        self._cells[step] = done, total
        started = self._started.setdefault(step, time.monotonic())
        if self._bar is not None:
            running = [name for name, (cells, most) in self._cells.items() if cells < most]
            self._bar.total = sum(most for _, most in self._cells.values())
            self._bar.set_description(", ".join(running), refresh=False)
            self._bar.update(sum(cells for cells, _ in self._cells.values()) - self._bar.n)
        if done == total:
            tqdm.write(f"{step}: {total} cells, {time.monotonic() - started:.1f} s", file=sys.stderr)
            sys.stderr.flush()


class ShownRuns:
    """Shows the runs of a sweep that are done, and the time left: on a bar, or in a line for each run.

    Parameters
    ----------
    on_run
        Called after each run, with what is done in words.
    """

    def __init__(self, on_run: Callable[[str], None]) -> None:
        self._on_run = on_run
        self._bar: tqdm[None] | None = None
        self._before = self._done = self._total = 0
        self._started = time.monotonic()

    def started(self, done: int, total: int) -> None:
        """Show how many runs were done before."""
        self._before, self._done, self._total, self._started = done, done, total, time.monotonic()
        if done:
            self.noted(f"{done} of {total} runs were done before")
        if sys.stderr.isatty() and done < total:
            self._bar = tqdm(unit="run", total=total, initial=done, leave=False, dynamic_ncols=True)

    def noted(self, text: str) -> None:
        """Show a line."""
        tqdm.write(text, file=sys.stderr)
        sys.stderr.flush()

    def ran(self, outcome: Ran) -> None:
        """Show that a run was done; one that failed has a line of its own on a terminal, too."""
        self._done += 1
        # First, so that a signal right after the line finds it noted.
        self._on_run(f"{self._done} of {self._total} runs were done; the same command goes on from there")
        left = (time.monotonic() - self._started) / (self._done - self._before) * (self._total - self._done)
        if self._bar is None:
            ending = f"{self._done} of {self._total}, {tqdm.format_interval(left)} left"
            self.noted(f"{outcome.run}: {outcome.error or 'done'} ({ending})")
        else:
            self._bar.update()
            if outcome.error:
                self.noted(f"{outcome.run}: {outcome.error}")

    def close(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.close()
