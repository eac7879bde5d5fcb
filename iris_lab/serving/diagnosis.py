"""The careful way through a request body: everything that is wrong with it, in words."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any

from iris_lab.serving.problems import MAX_PROBLEMS, Problem, Refusal, quoted

MAX_COMPARED = 100  # characters of a name that is compared with the known ones: the comparison is quadratic


class _Unusable(str):
    """The text of a number that is none: NaN, Infinity, or beyond the range of a double."""


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys came more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated = [] if len(self) == len(pairs) else _repeated(name for name, _ in pairs)


def _repeated(names: Iterator[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def parse(body: bytes) -> Any:
    """Parse a body as JSON, strictly.

    Raises
    ------
    Refusal
        It is not UTF-8, not JSON, or nested too deeply.
    """
    if not body.strip():
        raise Refusal(400, "not-json", "the body is empty, expected a JSON object with the member data")
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_Object,
            parse_float=_number,
            parse_int=_number,
            parse_constant=_Unusable,
        )
    except UnicodeDecodeError as error:
        detail = f"the body is not valid UTF-8: byte 0x{body[error.start]:02x} at position {error.start}"
        raise Refusal(400, "not-utf-8", detail) from error
    except json.JSONDecodeError as error:
        detail = f"the body is not JSON: {error.msg}, at line {error.lineno}, column {error.colno}"
        raise Refusal(400, "not-json", detail) from error
    except RecursionError as error:
        detail = "the body is nested too deeply, expected data to be a list of objects"
        raise Refusal(400, "not-json", detail) from error


def _number(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else _Unusable(text)


def examine(body: bytes, names: Sequence[str], largest: float) -> tuple[list[list[float]], bool]:
    """Return the rows of a request, values in the order of `names`, and whether probabilities are asked for.

    Parameters
    ----------
    body
        As it came.
    names
        The features.
    largest
        A number may be so large, with either sign.

    Raises
    ------
    Refusal
        Something is wrong with it.
    """
    document = parse(body)
    problems = list(islice(_find(document, names, largest), MAX_PROBLEMS + 1))
    if problems:
        more = len(problems) > MAX_PROBLEMS
        detail = problems[0].detail
        if len(problems) > 1:
            detail += f"; and {'at least ' if more else ''}{len(problems) - 1} more"
        raise Refusal(422, "invalid-data", detail, problems[:MAX_PROBLEMS])
    return [[row[name] for name in names] for row in document["data"]], document.get("probabilities", False)


def _find(document: Any, names: Sequence[str], largest: float) -> Iterator[Problem]:
    if not isinstance(document, dict):
        yield _mismatch("the body", document, 'an object such as {"data": [{…}]}')
        return
    for name in document.repeated:  # type: ignore[attr-defined]  # every object that `parse` makes is an _Object
        yield Problem(f"member {quoted(name)} came more than once, expected once", given=quoted(name))
    flag = document.get("probabilities", False)
    if not isinstance(flag, bool):
        yield _mismatch("probabilities", flag, "true or false")
    if "data" not in document:
        yield Problem(f"no member data{_nearest('data', document)}", expected="data, a list of samples")
    elif not isinstance(document["data"], list):
        yield _mismatch("data", document["data"], "a list of samples, one object each")
    elif not document["data"]:
        yield Problem("data is empty, expected at least one sample", given="[]", expected="at least one sample")
    else:
        for row, sample in enumerate(document["data"]):
            yield from _find_in_sample(row, sample, names, largest)


def _find_in_sample(row: int, sample: Any, names: Sequence[str], largest: float) -> Iterator[Problem]:
    where = f"data[{row}]"
    if not isinstance(sample, dict):
        yield _mismatch(where, sample, "an object with a number for each feature", row=row)
        return
    for name in sample.repeated:  # type: ignore[attr-defined]  # as above
        yield Problem(f"{where}: {quoted(name)} came more than once, expected once", row, _shown(name))
    unknown = [name for name in sample if name not in names]
    for name in names:
        if name not in sample:
            detail = f"{where}: feature {quoted(name)} is missing{_nearest(name, unknown)}"
            yield Problem(detail, row, name, expected="a finite number")
        elif not isinstance(sample[name], float) or abs(sample[name]) > largest:
            expected = f"a finite number, at most {largest:g} in size"
            yield _mismatch(f"{where}: {quoted(name)}", sample[name], expected, row=row, feature=name)
    for name in unknown:
        near = get_close_matches(name, names, n=1) if len(name) <= MAX_COMPARED else []
        hint = f"did you mean {quoted(near[0])}?" if near else f"expected {', '.join(map(quoted, names[:10]))}"
        yield Problem(f"{where}: unknown feature {quoted(name)}: {hint}", row, _shown(name))


def _mismatch(where: str, given: Any, expected: str, *, row: int | None = None, feature: str | None = None) -> Problem:
    shown = describe(given)
    return Problem(f"{where} is {shown}, expected {expected}", row, feature, shown, expected)


def _nearest(name: str, given: Sequence[str] | dict[str, Any]) -> str:
    short = (other for other in given if len(other) <= MAX_COMPARED)
    near = get_close_matches(name, islice(short, 100), n=1)
    return f"; {quoted(near[0])} came, did you mean it?" if near else ""


def _shown(name: str) -> str:
    return quoted(name)[1:-1]


def describe(value: Any) -> str:
    """Return what a JSON value is, shortened: ``'the text "5.1"'``, ``"a list of 3"``."""
    if isinstance(value, _Unusable):
        return _shown(value)
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {len(value)} members"
    return json.dumps(value)
