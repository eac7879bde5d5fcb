"""The slow path of decoding: parses a body strictly and describes all of its problems."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from iris_lab.errors import nearest
from iris_lab.serving.http.problems import MAX_PROBLEMS, HTTPProblem, Problem, quoted
from iris_lab.serving.predictions.contract import BODY, SAMPLE, Member

INT64_DIGITS = 20  # of a 64-bit integer, with its sign
MAX_COMPARED_NAMES = 100  # unknown names that are compared with a missing one


@dataclass(frozen=True)
class NotFinite:
    """A JSON number without a finite value: NaN, Infinity, or beyond the range of a double."""

    text: str


class _Repeating(dict[str, Any]):
    """A JSON object with repeated keys, which it lists."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = [name for name, times in Counter(name for name, _ in pairs).items() if times > 1]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # A body can hold 5 million objects; a _Repeating takes 500 bytes, so it is used only where needed.
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeating(pairs)


def repeated(document: dict[str, Any]) -> Sequence[str]:
    """Return the repeated keys of an object parsed by `parse`."""
    return document.repeated if isinstance(document, _Repeating) else ()


def parse(body: bytes, *, member: str = "data", exact: bool = False) -> Any:
    """Parse a body as strict JSON; `repeated` returns the repeated keys of its objects.

    Parameters
    ----------
    body
        As received.
    member
        A member that the document must have, for messages.
    exact
        Whether to parse integers of up to 64 bits as int rather than float.

    Raises
    ------
    HTTPProblem
        It is not UTF-8, not JSON, or nested too deeply.
    """
    if not body.strip():
        raise HTTPProblem(400, "not-json", f"the body is empty, expected a JSON object with the member {member}")
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_number,
            parse_int=_integer if exact else _number,
            parse_constant=NotFinite,
        )
    except UnicodeDecodeError as error:
        detail = f"the body is not valid UTF-8: byte 0x{body[error.start]:02x} at position {error.start}"
        raise HTTPProblem(400, "not-utf-8", detail) from error
    except json.JSONDecodeError as error:
        detail = f"the body is not JSON: {error.msg}, at line {error.lineno}, column {error.colno}"
        raise HTTPProblem(400, "not-json", detail) from error
    except RecursionError as error:
        detail = f"the body is nested too deeply, expected {member} to be a list of objects"
        raise HTTPProblem(400, "not-json", detail) from error


def _number(text: str) -> float | NotFinite:
    value = float(text)
    return value if math.isfinite(value) else NotFinite(text)


def _integer(text: str) -> int | float | NotFinite:
    return int(text) if len(text) <= INT64_DIGITS else _number(text)


def refuse_any(problems: Iterable[Problem]) -> None:
    """Raise an `HTTPProblem` that names the problems, up to `MAX_PROBLEMS`, if there are any.

    Raises
    ------
    HTTPProblem
        422.
    """
    found = list(islice(problems, MAX_PROBLEMS + 1))
    if found:
        detail = found[0].detail
        if len(found) > 1:
            detail += f"; and {'at least ' if len(found) > MAX_PROBLEMS else ''}{len(found) - 1} more"
        raise HTTPProblem(422, "invalid-data", detail, found[:MAX_PROBLEMS])


def examine(body: bytes, features: Sequence[Member]) -> tuple[list[list[Any]], bool]:
    """Return the rows of a request, in the order of `features`, and whether probabilities are requested.

    Parameters
    ----------
    body
        As received.
    features
        The members of a sample.

    Raises
    ------
    HTTPProblem
        The body is invalid.
    """
    document = parse(body)
    refuse_any(_problems(document, features))
    rows = [[row[member.name] for member in features] for row in document["data"]]
    return rows, document.get("probabilities", False)


def _problems(document: Any, features: Sequence[Member]) -> Iterator[Problem]:
    if not isinstance(document, dict):
        yield mismatch("the body", document, 'an object such as {"data": [{…}]}')
        return
    yield from _problems_of_object(document, BODY)
    data = document.get("data")
    names = dict.fromkeys(member.name for member in features)
    for row, sample in enumerate(data if isinstance(data, list) else ()):
        where = f"data[{row}]"
        if not SAMPLE.accepts(sample):
            yield mismatch(where, sample, SAMPLE.expected, row=row)
            continue
        yield from _problems_of_object(sample, features, row)
        for name in sample:
            if name not in names:
                detail = f"{where}: unknown feature {quoted(name)}: {suggestion(name, list(names))}"
                yield Problem(detail, row, shown(name))


def _problems_of_object(given: dict[str, Any], members: Sequence[Member], row: int | None = None) -> Iterator[Problem]:
    """Yield the problems of the body, or of the sample in a row."""
    where = "" if row is None else f"data[{row}]: "
    yield from repeated_members(given, where, row)
    for member in members:
        name, expected = member.name, member.kind.expected
        feature = None if row is None else name
        if name in given:
            if not member.kind.accepts(given[name]):
                yield mismatch(f"{where}{quoted(name)}", given[name], expected, row=row, feature=feature)
        elif member.required:
            known = {other.name for other in members}
            unknown = (other for other in given if other not in known)
            detail = f"{where}{quoted(name)} is missing{misspelling(name, unknown)}, expected {expected}"
            yield Problem(detail, row, feature, expected=expected)


def repeated_members(document: dict[str, Any], where: str = "", row: int | None = None) -> Iterator[Problem]:
    """Yield a problem for each repeated key of an object parsed by `parse`."""
    for name in repeated(document):
        feature = None if row is None else shown(name)
        yield Problem(f"{where}{quoted(name)} is given more than once, expected once", row, feature)


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return which name was probably meant by an unknown one, or the known names."""
    near = nearest(name, known)
    return f"expected one of {', '.join(map(quoted, known[:10]))}" if near is None else f"did you mean {quoted(near)}?"


def mismatch(where: str, given: Any, expected: str, *, row: int | None = None, feature: str | None = None) -> Problem:
    """Return the problem of a value that is not as expected."""
    received = describe(given)
    return Problem(f"{where} is {received}, expected {expected}", row, feature, received, expected)


def misspelling(name: str, unknown: Iterable[str]) -> str:
    """Return a hint at an unknown name that looks like a misspelling of a missing one, or an empty string."""
    near = nearest(name, islice(unknown, MAX_COMPARED_NAMES))
    return "" if near is None else f" ({quoted(near)} looks like a misspelling of it)"


def shown(name: str) -> str:
    """Return a client's text like `quoted`, without the quotes."""
    return quoted(name)[1:-1]


def describe(value: Any) -> str:
    """Return a short description of a JSON value: ``'the text "5.1"'``, ``"a list of 3"``."""
    if isinstance(value, NotFinite):
        return shown(value.text)
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, dict):
        return f"an object with {len(value)} members"
    return json.dumps(value).removesuffix(".0")  # integers were parsed as floats
