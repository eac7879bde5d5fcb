"""What a feature is: its name, kind and unit, and which values it takes."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Literal

import numpy as np
from numpy.typing import NDArray

LARGEST = 1e30  # in size: larger than any measurement, and no model's arithmetic overflows
Kind = Literal["number", "boolean"]
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
NUMBER_CHARACTERS = frozenset("0123456789+-.eE")
BOOLEANS = {"true": 1.0, "false": 0.0}


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
        ``"number"``; or ``"boolean"``, written true and false and learned from as 1 and 0.
    """

    name: str
    kind: Kind = "number"

    @property
    def unit(self) -> str:
        """Unit in the name, ``"cm"`` of ``"sepal length (cm)"``, or an empty string."""
        found = re.search(r"[(\[]([^()\[\]]+)[)\]]\s*$", self.name)
        return found[1] if found else ""

    @property
    def expected(self) -> str:
        """What a value has to be, in words."""
        return "true or false" if self.kind == "boolean" else finite_number()

    def parse(self, texts: Sequence[str], decimal: str = ".") -> NDArray[np.float64]:
        """Return the values that texts spell, NaN where one spells none.

        Parameters
        ----------
        texts
            Without white space around them.
        decimal
            The decimal separator, ``"."`` or ``","``.
        """
        if self.kind == "boolean":
            return np.array([BOOLEANS.get(text.lower(), np.nan) for text in texts])
        return parse_numbers(texts, decimal)

    def wrong(self, values: NDArray[np.float64]) -> NDArray[np.intp]:
        """Return the places of the values that are missing or out of range."""
        return np.flatnonzero(~(np.abs(values) <= LARGEST))


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


def kind_of(texts: Sequence[str]) -> Kind:
    """Return the kind of a column's values."""
    words = {text.lower() for text in set(texts)}
    return "boolean" if words and words <= BOOLEANS.keys() else "number"


def special_kinds(features: Iterable[Feature]) -> dict[str, Kind]:
    """Return the kind of each feature that is not a number, by name."""
    return {feature.name: feature.kind for feature in features if feature.kind != "number"}


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
