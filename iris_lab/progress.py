"""Progress of a run: a bar on a terminal, and a line for each step that is done."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


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
        self._bar, self._started = bar, time.monotonic()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Show that a step starts, when no cell is done, or that a cell is done."""
        if self._bar is not None:
            if self._bar.desc != f"{step}: ":
                self._bar.reset(total)
                self._bar.set_description(step)
            self._bar.update(done - self._bar.n)
        if done == 0:
            self._started = time.monotonic()
        if done == total:
            tqdm.write(f"{step}: {total} cells, {time.monotonic() - self._started:.1f} s", file=sys.stderr)
            sys.stderr.flush()
