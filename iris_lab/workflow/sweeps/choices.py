"""The values of a sweep: what ``-p NAME=…`` says, and every combination of them."""

import hashlib
import itertools
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from iris_lab.errors import InputError, UnknownNameError
from iris_lab.workflow.parameters import RUN_DIR, Parameter, Value

MANY, MOST = 1000, 100_000  # runs that have to be confirmed, and that no sweep may have
RANGE = re.compile(r"\s*([+-]?\d{1,18})\.\.([+-]?\d{1,18})\s*")
LONGEST_NAME = 120  # characters of a run's folder, of which some file systems allow 143
UNSAFE = re.compile(r"[^\w.=+-]+")
Choices = dict[str, list[Value]]
Values = dict[str, Value]


def parse_choices(assignments: Iterable[str], parameters: Mapping[str, Parameter], *, many: bool = False) -> Choices:
    """Return the values of each parameter that the assignments of a command line give.

    ``seed=0..19`` is a range of whole numbers, both ends included; ``model=svm,forest`` is a list. A value that has a
    comma is given as JSON, ``drop=["a,b", "c"]``, or by naming the parameter again: then each is a value of its own.

    Parameters
    ----------
    assignments
        As on the command line.
    parameters
        What the steps declare.
    many
        Allow more than `MANY` combinations.

    Raises
    ------
    InputError
        The first assignment that cannot be used, or too many combinations.
    """
    texts: dict[str, list[str]] = defaultdict(list)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise InputError(f"parameter {assignment!r}: expected NAME=VALUES, such as seed=0..9 or model=svm,forest")
        texts[_known(name, parameters)].append(text)
    parts = {name: _parts(parameters[name], given) for name, given in texts.items()}
    _check_count([sum(len(part) for part in each) for each in parts.values()], many)
    return {name: _distinct(name, [value for part in each for value in part]) for name, each in parts.items()}


def given_choices(given: Mapping[str, object], parameters: Mapping[str, Parameter], *, many: bool = False) -> Choices:
    """Return the values of each parameter that a caller gives from Python: one value, or an iterable of values.

    Raises
    ------
    InputError
        As `parse_choices`.
    """
    choices: Choices = {}
    for name, values in given.items():
        parameter = parameters[_known(name, parameters)]
        several = values if isinstance(values, Iterable) and not isinstance(values, str) else [values]
        found = [_accept(parameter, value) for value in several]
        if not found:
            raise InputError(f"parameter {name!r} has no value: expected one or more")
        choices[name] = _distinct(name, found)
    _check_count([len(values) for values in choices.values()], many)
    return choices


def combinations(choices: Choices) -> list[Values]:
    """Return every combination of the values; the last parameter varies fastest."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def run_name(values: Mapping[str, Value]) -> str:
    """Return the name of a run's folder."""
    return safe_name("_".join(f"{name}={value}" for name, value in values.items()) or "defaults")


def safe_name(whole: str) -> str:
    """Return a text as the name of a folder: as it is if it can be one, else shortened and with its digest."""
    safe = UNSAFE.sub("-", whole)
    if safe == whole and len(whole) <= LONGEST_NAME:
        return whole
    return f"{safe[:LONGEST_NAME]}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"


def differing(combined: Sequence[Mapping[str, Value]]) -> list[str]:
    """Return the names of the parameters that have more than one value, in their order."""
    return [name for name in (combined[0] if combined else ()) if len({values[name] for values in combined}) > 1]


def _known(name: str, parameters: Mapping[str, Parameter]) -> str:
    if name == RUN_DIR:
        raise InputError(f"parameter {name!r} is set by the run: name the sweep's place with --output")
    if name not in parameters:
        raise UnknownNameError("parameter", name, parameters.keys() - {RUN_DIR})
    return name


def _parts(parameter: Parameter, texts: Sequence[str]) -> list[Sequence[Value]]:
    """Return the values as ranges and lists, so that a huge range is counted before it is made."""
    found: list[Sequence[Value]] = []
    for text in texts:
        if text.lstrip().startswith("["):
            found.append([_accept(parameter, value) for value in _json_list(parameter.name, text)])
            continue
        for item in [text] if len(texts) > 1 else text.split(","):
            ends = RANGE.fullmatch(item) if parameter.type is int else None
            found.append(_range(parameter.name, *map(int, ends.groups())) if ends else [parameter.parse(item)])
    return found


def _range(name: str, first: int, last: int) -> range:
    if last < first:
        raise InputError(f"parameter {name}={first}..{last} is an empty range: expected FIRST..LAST, such as 0..9")
    return range(first, last + 1)


def _json_list(name: str, text: str) -> list[object]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"parameter {name}={text!r:.60}: expected a JSON list after the [ ({error})") from error
    if not isinstance(values, list) or not values:
        raise InputError(f"parameter {name}={text!r:.60} has no value: expected a JSON list of one or more")
    return values


def _accept(parameter: Parameter, value: object) -> Value:
    if hasattr(value, "item"):
        value = value.item()  # NumPy's numbers are Python's then
    return parameter.accept(value)  # type: ignore[arg-type]  # it refuses what is no value


def _distinct(name: str, values: list[Value]) -> list[Value]:
    seen: set[Value] = set()
    for value in values:
        if value in seen:
            raise InputError(f"two combinations are equal: {name}={value!s:.60} is given twice; give each value once")
        seen.add(value)
    return values


def _check_count(counts: Iterable[int], many: bool) -> None:
    if (count := math.prod(counts)) > MOST:
        raise InputError(f"{count} runs: expected at most {MOST}; give fewer values")
    if count > MANY and not many:
        raise InputError(f"{count} runs: more than {MANY} have to be confirmed; add --yes, or give fewer values")
