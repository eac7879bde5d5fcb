"""The errors of iris_lab and the checks that many modules share.

The command line turns each error into one line and its exit code.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral, Real

MAX_COMPARED_CHARACTERS = 100  # of a name that is compared with others: the time grows with the square of the length


class IrisLabError(Exception):
    """The base of all errors of iris_lab; the message is one line."""

    exit_code = 1

    def _render_traceback_(self) -> list[str]:
        # IPython calls this; a reader of the notebook needs the line, not our frames.
        return [f"{type(self).__name__}: {self}"]


class InputError(IrisLabError):
    """Invalid input: the message says what was given, what was expected and what to do."""

    exit_code = 2


class UnknownNameError(InputError):
    """An unknown name.

    Parameters
    ----------
    kind
        The kind of thing named, such as ``"model"``.
    name
        The unknown name.
    known
        The accepted names.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        near = nearest(name, self.known)
        hint = f"expected one of {', '.join(self.known)}" if near is None else f"did you mean {near}?"
        super().__init__(f"unknown {kind} {name!r}: {hint}")


class ArtifactError(InputError):
    """A file of a run is missing, or is not what its record says."""


class RecordError(ArtifactError):
    """A run's record was altered so that it is none: the run is different, whatever its files are."""

    exit_code = 1


class StepError(IrisLabError):
    """A step failed: which cell of which notebook, and why.

    Parameters
    ----------
    step
        The notebook's name.
    cell
        The number of the cell, counted from 1 over all cells, or None if no cell had started.
    reason
        Why, in one line.
    """

    def __init__(self, step: str, cell: int | None, reason: str) -> None:
        self.step, self.cell, self.reason = step, cell, reason
        place = step if cell is None else f"{step}, cell {cell}"
        super().__init__(f"{place}: {reason}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that `name` looks like a misspelling of, or None.

    Names longer than `MAX_COMPARED_CHARACTERS` are not compared.
    """
    short = [other for other in known if len(other) <= MAX_COMPARED_CHARACTERS]
    near = get_close_matches(name, short, n=1) if len(name) <= MAX_COMPARED_CHARACTERS else []
    return near[0] if near else None


def check_range(name: str, value: int, low: int, high: int) -> int:
    """Return an option's value.

    Raises
    ------
    InputError
        It is no whole number, or not within `low` to `high`.
    """
    check_type(name, value, int)
    if not low <= value <= high:
        raise InputError(f"{name}={value}: expected {low} to {high}")
    return value


def check_type(name: str, value: object, kind: type) -> None:
    """Refuse the value of a parameter that is of another type, as papermill's ``-p seed None`` gives it.

    Raises
    ------
    InputError
        It names the parameter.
    """
    expected = {int: (Integral, "a whole number"), float: (Real, "a number"), str: (str, "text")}
    accepted, words = expected[kind]
    if isinstance(value, bool) or not isinstance(value, accepted):
        raise InputError(f"{name}={value!r}: expected {words}")


def check_port(port: int) -> int:
    """Return a port to listen on; 0 stands for any that is free.

    Raises
    ------
    InputError
        It is not within 0 to 65535.
    """
    return check_range("port", port, 0, 65535)
