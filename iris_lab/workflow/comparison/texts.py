"""Comparison of texts, tables and JSON: exact but for numbers, which may differ by rounding."""

import csv
import io
import math
import re
from itertools import zip_longest
from typing import Any

from iris_lab.workflow.comparison.findings import Difference, excerpts

RELATIVE = 1e-9
ABSOLUTE = 1e-12  # what is zero on one machine is 1e-17 on another
# Possessive: a file of a million digits, made to keep us busy, takes one pass too.
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d++\.?+\d*+|\.\d++)(?:[eE][-+]?\d++)?+(?!\w)")
NOTHING = "(nothing)"


def close(was: float, now: float) -> bool:
    """Say whether two numbers are the same but for rounding."""
    return was == now or math.isclose(was, now, rel_tol=RELATIVE, abs_tol=ABSOLUTE) or (was != was and now != now)


def texts_close(was: str, now: str) -> bool:
    """Say whether two texts are the same but for rounding of the numbers in them."""
    if was == now:
        return True
    numbers = zip_longest(NUMBER.findall(was), NUMBER.findall(now), fillvalue="nan")
    return NUMBER.split(was) == NUMBER.split(now) and all(close(float(a), float(b)) for a, b in numbers)


def compare_texts(was: str, now: str) -> Difference | None:
    """Return the first line that differs."""
    for number, (a, b) in enumerate(zip_longest(was.split("\n"), now.split("\n")), 1):
        if a is None or b is None or not texts_close(a, b):
            return Difference(f"line {number}", *excerpts(NOTHING if a is None else a, NOTHING if b is None else b))
    return None


def compare_trees(was: Any, now: Any) -> Difference | None:
    """Return the first place where two decoded JSON values differ."""
    if isinstance(was, dict) and isinstance(now, dict):
        keys = list(was) + [key for key in now if key not in was]
        return _first((f".{key}", was.get(key, NOTHING), now.get(key, NOTHING)) for key in keys)
    if isinstance(was, list) and isinstance(now, list):
        return _first((f"[{i}]", a, b) for i, (a, b) in enumerate(zip_longest(was, now, fillvalue=NOTHING)))
    numbers = _is_number(was) and _is_number(now)
    same = close(was, now) if numbers else type(was) is type(now) and was == now
    return None if same else Difference("", *excerpts(_shown(was), _shown(now)))


def _first(pairs: Any) -> Difference | None:
    for key, a, b in pairs:
        if found := compare_trees(a, b):
            return Difference(f"{key}{found.where}", found.was, found.now)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return value if value == NOTHING else repr(value)


def compare_tables(was: str, now: str, delimiter: str) -> Difference | None:
    """Return the first cell of two tables of text that differs."""
    tables = [list(csv.reader(io.StringIO(text), delimiter=delimiter)) for text in (was, now)]
    names = tables[1][0] if tables[1] else []
    for row, (old, new) in enumerate(zip_longest(*tables)):
        if old is None or new is None:
            return Difference(
                f"row {row}", *excerpts(*(NOTHING if r is None else delimiter.join(r) for r in (old, new)))
            )
        for column, (a, b) in enumerate(zip_longest(old, new, fillvalue=NOTHING)):
            if not texts_close(a, b):
                name = names[column] if column < len(names) else str(column + 1)
                return Difference(f"row {row}, column {name!r}" if row else "the header", *excerpts(a, b))
    return None
