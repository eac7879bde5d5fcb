"""Progress of a run: a bar on a terminal, a line a step elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def shown_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function to call with the step, its cells done and its cells in all."""
    if sys.stderr.isatty():
        with tqdm(unit="cell", leave=False, dynamic_ncols=True) as bar:
            yield lambda step, done, total: _move(bar, step, done, total)
    else:
        started = time.monotonic()
        yield lambda step, done, total: _line(started, step, done, total)


def _move(bar: "tqdm[None]", step: str, done: int, total: int) -> None:
    if bar.desc != f"{step}: ":
        bar.reset(total)
        bar.set_description(step)
    bar.update(done - bar.n)


def _line(started: float, step: str, done: int, total: int) -> None:
    if done == total:
        print(f"{step}: {total} cells, {time.monotonic() - started:.1f} s", file=sys.stderr, flush=True)  # noqa: T201
