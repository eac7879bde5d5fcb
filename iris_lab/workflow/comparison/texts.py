"""Comparison of texts, tables and JSON: exact, except for the last digits of numbers if a change explains them."""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any

from iris_lab.workflow.comparison.findings import Difference, excerpts

RELATIVE = 1e-9
NOISE = 1e-14  # relative to the largest number of a column: what is zero on one machine is 1e-17 on another
# In a text, a number counts as computed only if it is written with all digits of a double: not 1.5, a date, or a class
# called 10000000001. The quantifiers are possessive, so that even a million digits are matched in one pass.
NUMBER = re.compile(r"(?<![\w.+-])[-+]?\d++\.\d++(?:e[-+]\d++)?+(?![\w.])")
FULL, LONGEST = 15, 26  # significant digits, characters
NOTHING, REFORMATTED = "(nothing)", ("another format", "the format of our writer")
Strings = Callable[[str, str, str], Difference | None]  # compares two strings of JSON, given their key
FORMS: Iterable[dict[str, Any]] = [
    {"indent": indent, "ensure_ascii": escaped} for indent in (1, 2, 4, None) for escaped in (False, True)
]


def close(was: float, now: float, scale: float = 0.0) -> bool:
    """Return whether two numbers differ only by rounding, in a column whose largest number is `scale`."""
    return was == now or math.isclose(was, now, rel_tol=RELATIVE, abs_tol=NOISE * scale)


def texts_close(was: str, now: str, *, rounded: bool = False) -> bool:
    """Return whether two texts are equal; if `rounded`, the last digits of computed numbers may differ."""
    if was == now or not rounded:
        return was == now
    numbers = list(zip_longest(NUMBER.findall(was), NUMBER.findall(now), fillvalue=""))
    return NUMBER.split(was) == NUMBER.split(now) and all(a == b or _computed(a, b) for a, b in numbers)


def _computed(was: str, now: str) -> bool:
    digits = max(len(re.sub(r"e.*|\D", "", text).lstrip("0")) for text in (was, now))
    return digits >= FULL and max(len(was), len(now)) <= LONGEST and close(float(was), float(now))


def compare_texts(was: str, now: str, *, rounded: bool = False) -> Difference | None:
    """Return the first line that differs."""
    for number, (a, b) in enumerate(zip_longest(was.split("\n"), now.split("\n")), 1):
        if a is None or b is None or not texts_close(a, b, rounded=rounded):
            return Difference(f"line {number}", *excerpts(NOTHING if a is None else a, NOTHING if b is None else b))
    return None


def compare_strings(_key: str, was: str, now: str) -> Difference | None:
    """Return the difference of two strings of JSON."""
    return None if was == now else Difference("", *excerpts(_shown(was), _shown(now)))


def compare_trees(
    was: Any, now: Any, *, rounded: bool = False, strings: Strings = compare_strings, key: str = "", scale: float = 0.0
) -> Difference | None:
    """Return the first place where two decoded JSON values differ.

    Parameters
    ----------
    was, now
        The values.
    rounded
        Floats may differ by rounding.
    strings
        How to compare two strings.
    key
        The key of the values.
    scale
        The largest number of the list that they are in.
    """
    options: dict[str, Any] = {"rounded": rounded, "strings": strings}
    if isinstance(was, dict) and isinstance(now, dict):
        keys = list(was) + [name for name in now if name not in was]
        pairs = ((f".{k}", compare_trees(was.get(k, NOTHING), now.get(k, NOTHING), key=k, **options)) for k in keys)
        order = Difference("", *excerpts(" ".join(was), " ".join(now))) if list(was) != list(now) else None
        return _first(pairs) or order
    if isinstance(was, list) and isinstance(now, list):
        largest = max((abs(x) for x in now if type(x) is float), default=0.0)
        items = enumerate(zip_longest(was, now, fillvalue=NOTHING))
        return _first((f"[{i}]", compare_trees(a, b, key=key, scale=largest, **options)) for i, (a, b) in items)
    if type(was) is str and type(now) is str:
        return strings(key, was, now)
    numbers = rounded and type(was) is float and type(now) is float
    same = close(was, now, scale) if numbers else type(was) is type(now) and was == now
    return None if same else Difference("", *excerpts(_shown(was), _shown(now)))


def _first(pairs: Iterable[tuple[str, Difference | None]]) -> Difference | None:
    for key, found in pairs:
        if found:
            return Difference(f"{key}{found.where}", found.was, found.now, found.pictures)
    return None


def _shown(value: Any) -> str:
    return value if value == NOTHING else repr(value)


def compare_forms(was: str, now: str) -> Difference | None:
    """Return a difference if a JSON text is not formatted like ours: with other white space, digits or escapes.

    Parameters
    ----------
    was, now
        Texts of documents that are equal, except for what is tolerated.
    """
    for form in FORMS:
        end = "\n" if now.endswith("\n") else ""
        if json.dumps(json.loads(now), **form) + end == now:
            return None if json.dumps(json.loads(was), **form) + end == was else Difference("", *REFORMATTED)
    return Difference("", "other bytes", "JSON in an unknown format")


def compare_tables(was: str, now: str, delimiter: str, *, rounded: bool = False) -> Difference | None:
    """Return the first cell of two tables of text that differs."""
    tables = [list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)) for text in (was, now)]
    names = tables[1][0] if tables[1] else []
    scales = [_scale([row[column] for row in tables[1][1:] if column < len(row)]) for column in range(len(names))]
    for row, (old, new) in enumerate(zip_longest(*tables)):
        if old is None or new is None:
            lines = (NOTHING if r is None else delimiter.join(r) for r in (old, new))
            return Difference(f"row {row}", *excerpts(*lines))
        for column, (a, b) in enumerate(zip_longest(old, new, fillvalue=NOTHING)):
            scale = scales[column] if rounded and row and column < len(scales) else None
            if a != b and not (scale is not None and _cells_close(a, b, scale)):
                name = names[column] if column < len(names) else str(column + 1)
                return Difference(f"row {row}, column {name!r}" if row else "the header", *excerpts(a, b))
    if rounded and was != now and (_written(tables[0], delimiter), _written(tables[1], delimiter)) != (was, now):
        return Difference("", *REFORMATTED)
    return None


def _scale(cells: list[str]) -> float | None:
    """Return the largest number of a column of computed numbers, which have a decimal point; None for other columns."""
    try:
        numbers = [float(cell) for cell in cells if cell]
    except ValueError:
        return None
    pointed = all(re.search(r"[.e]", cell) for cell in cells if cell)
    return max(map(abs, numbers)) if numbers and pointed and all(map(math.isfinite, numbers)) else None


def _cells_close(was: str, now: str, scale: float) -> bool:
    try:
        return repr(float(was)) == was and max(map(len, (was, now))) >= FULL and close(float(was), float(now), scale)
    except ValueError:
        return False


def _written(table: list[list[str]], delimiter: str) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(table)
    return file.getvalue()
