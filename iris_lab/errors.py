"""The errors of iris_lab. The command line turns each into one line and its exit code."""

from collections.abc import Iterable
from difflib import get_close_matches


class IrisLabError(Exception):
    """Anything iris_lab refuses or cannot finish; its message is one clear line."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        # IPython asks an exception for its own rendering; a reader of the notebook needs the line, not our frames.
        return [f"{type(self).__name__}: {self}"]


class InputError(IrisLabError):
    """What was given cannot be used: the message names it, what was expected and what to do."""

    exit_code = 2


class UnknownNameError(InputError):
    """A name that nothing declares.

    Parameters
    ----------
    kind
        What was named, such as ``"model"``.
    name
        What was given.
    known
        The names that would have been accepted.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        nearest = get_close_matches(name, self.known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"expected one of {', '.join(self.known)}"
        super().__init__(f"unknown {kind} {name!r}: {hint}")


class ArtifactError(InputError):
    """A file of a run is missing, or is not what its record says."""


class StepError(IrisLabError):
    """A step failed: which cell of which notebook, and why.

    Parameters
    ----------
    step
        The notebook's name.
    cell
        The number of the cell, counted from 1 over all cells, or None when no cell had started.
    reason
        Why, in one line.
    """

    def __init__(self, step: str, cell: int | None, reason: str) -> None:
        self.step, self.cell, self.reason = step, cell, reason
        place = step if cell is None else f"{step}, cell {cell}"
        super().__init__(f"{place}: {reason}")
