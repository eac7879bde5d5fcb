"""What a feature is: its name, kind and unit, and which values it takes.

A dataset holds nothing but float64. The schema says what the numbers stand for: a category is the place of its level
among the levels, a date is in days since 1970-01-01, and NaN is a missing value.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, count
from typing import Literal

import numpy as np
from numpy.typing import NDArray

LARGEST = 1e30  # in size: larger than any measurement, and no model's arithmetic overflows
Kind = Literal["number", "category", "boolean", "date"]
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
NUMBER_CHARACTERS = frozenset("0123456789+-.eE")
BOOLEANS = {"true": 1.0, "false": 0.0}
DATE = re.compile(r"\d{4}([-/])\d\d\1\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
UNKNOWN_LEVEL = -1.0  # a level that is not among a feature's levels
MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "?", "-"})  # in any case
MOSTLY = 0.9  # share of a column's values from which on the others are mistakes


def is_number(text: str) -> bool:
    """Say whether a text is a number: decimal digits, a point, an exponent; no other spelling."""
    return NUMBER.fullmatch(text) is not None


def finite_number(largest: float = LARGEST) -> str:
    """Return in words what a number of an input has to be."""
    return f"a finite number, at most {largest:g} in size"


@dataclass(frozen=True)
class Feature:
    """One column that a model learns from.

    Attributes
    ----------
    name
        As in the table's header.
    kind
        ``"number"``, ``"boolean"`` (written true and false), ``"category"`` or ``"date"`` (ISO 8601).
    levels
        The values of a category, in order.
    missing
        Whether values may be missing.
    """

    name: str
    kind: Kind = "number"
    levels: tuple[str, ...] = ()
    missing: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it can be learned from as it is: a number or a boolean, without gaps."""
        return self.kind in ("number", "boolean") and not self.missing

    @property
    def unit(self) -> str:
        """Unit in the name, ``"cm"`` of ``"sepal length (cm)"``, or an empty string."""
        found = re.search(r"[(\[]([^()\[\]]+)[)\]]\s*$", self.name)
        return found[1] if found else ""

    @property
    def expected(self) -> str:
        """What a value has to be, in words."""
        words = {"boolean": "true or false", "category": "a text", "date": "a date such as 2024-01-31"}
        return words.get(self.kind, finite_number()) + (", or empty" if self.missing else "")

    def parse(self, texts: Sequence[str], decimal: str = ".") -> NDArray[np.float64]:
        """Return the values that texts spell, NaN where one spells none.

        Parameters
        ----------
        texts
            Without white space around them; an empty one is a missing value.
        decimal
            The decimal separator, ``"."`` or ``","``.
        """
        if self.kind == "number":
            return parse_numbers(texts, decimal)
        if self.kind == "boolean":
            return np.array([BOOLEANS.get(text.lower(), np.nan) for text in texts])
        if self.kind == "date":
            known = {text: _days(text) for text in set(texts)}
            return np.array([known[text] for text in texts])
        codes = {level: float(code) for code, level in enumerate(self.levels)} | {"": np.nan}
        return np.array([codes.get(text, UNKNOWN_LEVEL) for text in texts])

    def spell(self, values: Iterable[float]) -> list[str]:
        """Return the texts that `parse` would read as these values; empty for a missing one."""
        spelled = {"number": repr, "boolean": _boolean, "date": _iso, "category": self._level}[self.kind]
        return ["" if math.isnan(value) else spelled(value) for value in map(float, values)]

    def as_json(self, values: Iterable[float]) -> list[float | bool | str | None]:
        """Return the values as a client would send them: numbers, true and false, texts, and None for a missing one."""
        if self.kind == "number":
            return [None if math.isnan(value) else value for value in map(float, values)]
        spelled = self.spell(values)
        if self.kind == "boolean":
            return [{"true": True, "false": False}.get(text) for text in spelled]
        return [text or None for text in spelled]

    def _level(self, code: float) -> str:
        return self.levels[int(code)] if code >= 0 else "(unknown)"

    def without_words(self, texts: list[str], words: frozenset[str]) -> list[str]:
        """Return texts with those empty that stand for a missing value, where the feature can have gaps."""
        if self.missing or self.kind == "category":
            return ["" if text.casefold() in words else text for text in texts]
        return texts

    def wrong(self, values: NDArray[np.float64], texts: Sequence[str]) -> NDArray[np.intp]:
        """Return the places of the values that cannot be used: unreadable, too large, or missing where none may be."""
        wrong = ~(np.abs(values) <= LARGEST)
        if self.missing:
            wrong &= np.array([text != "" for text in texts], bool)
        return np.flatnonzero(wrong)


def _boolean(value: float) -> str:
    return "true" if value else "false"


def _days(text: str) -> float:
    if not DATE.fullmatch(text):
        return np.nan
    try:
        moment = datetime.fromisoformat(text.replace("/", "-"))
    except ValueError:  # such as the 30th of February
        return np.nan
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - EPOCH) / DAY


def _iso(days: float) -> str:
    try:
        moment = EPOCH + timedelta(days=math.floor(days), microseconds=round(days % 1 * 86_400e6))
    except OverflowError:
        return repr(days)
    text = moment.replace(tzinfo=None).isoformat()
    return text.removesuffix("T00:00:00")


def parse_numbers(texts: Sequence[str], decimal: str = ".") -> NDArray[np.float64]:
    """Return the numbers that texts spell, NaN where one spells none."""
    if decimal == ",":
        texts = ["?" if "." in text else text.replace(",", ".") for text in texts]
    if NUMBER_CHARACTERS.issuperset("".join(texts)):  # so float() takes no underscore, no "nan", no foreign digit
        try:
            return np.array(list(map(float, texts)), np.float64)
        except ValueError:
            pass
    return np.array([float(text) if is_number(text) else np.nan for text in texts], np.float64)


def kind_of(words: Sequence[str], counts: NDArray[np.int64], decimal: str = ".") -> Kind:
    """Return the kind of a column's values, as written and without the missing ones.

    True and false make a boolean; numbers a number, ISO dates a date, also where one in ten is mistaken; anything else
    is a category.

    Parameters
    ----------
    words, counts
        The distinct values, and how often each occurs.
    decimal
        The decimal separator.
    """
    if words and {text.lower() for text in words} <= BOOLEANS.keys():
        return "boolean"
    kinds: list[Kind] = ["number", "date"]
    for kind in kinds:
        wrong = np.isnan(Feature("", kind).parse(words, decimal))
        if counts[wrong].sum() <= (1 - MOSTLY) * counts.sum():
            return kind
    return "category"


def in_order(levels: Iterable[str]) -> list[str]:
    """Return texts in order: numbers by value, if all are numbers."""
    names = sorted(levels)
    if np.isnan(parse_numbers(names)).any():
        return names
    return sorted(names, key=lambda name: (float(name), name))


def special(features: Iterable[Feature]) -> Mapping[str, Feature]:
    """Return the features that are not numbers without gaps, by name."""
    return {feature.name: feature for feature in features if feature != Feature(feature.name)}


def missing_words(given: str = "") -> frozenset[str]:
    """Return the words that stand for a missing value, in lower case: the usual ones, and those given, with commas."""
    return MISSING_WORDS | {word.strip().casefold() for word in given.split(",")}


def are_whole(numbers: NDArray[np.float64]) -> bool:
    """Say whether all are whole numbers; NaN is not."""
    return bool(np.all(numbers == np.round(numbers)))


def takes_decimal_commas(columns: Sequence[Sequence[str]]) -> bool:
    """Say whether a column of a table holds numbers only if its commas are decimal commas."""

    def all_numbers(texts: Sequence[str], decimal: str) -> bool:
        return bool(texts) and not np.isnan(parse_numbers(texts, decimal)).any()

    return any(
        any("," in text for text in texts) and all_numbers(texts, ",") and not all_numbers(texts, ".")
        for texts in columns
    )


def free_name(wanted: str, taken: Sequence[str]) -> str:
    """Return a name that no column has: `wanted`, or `wanted` with a number behind it."""
    candidates = chain([wanted], (f"{wanted} {number}" for number in count(2)))
    return next(name for name in candidates if name not in taken)
