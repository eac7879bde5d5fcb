"""Input tensors of a request: their problems and their values."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_lab.data.schema import LARGEST, Feature, finite_number
from iris_lab.serving.http.problems import Problem, quoted
from iris_lab.serving.oip.protocol import BOOL, BYTES, DATATYPES, RequestInput
from iris_lab.serving.predictions.contract import values_of
from iris_lab.serving.predictions.validation import mismatch

MAX_QUOTED_EXTENTS = 5  # of a shape, in a message


@dataclass
class InputTensor:
    """An input tensor that holds one feature, or all of them.

    Attributes
    ----------
    where
        Its place in the request, for messages.
    given
        The tensor as requested.
    features
        The features it has to hold, one per column.
    single
        Whether it holds one feature of several inputs; it then needs no second axis.
    raw
        Its binary data, or None.
    """

    where: str
    given: RequestInput
    features: Sequence[Feature]
    single: bool
    raw: bytes | None

    @property
    def _takes(self) -> set[str]:
        """The datatypes of this tensor: numbers unless it holds a category or a date."""
        kinds = {feature.kind for feature in self.features}
        if kinds & {"category", "date"}:
            return {BYTES} if self.single else set()
        return {*DATATYPES, BOOL} if kinds == {"boolean"} else {*DATATYPES}

    def values(self) -> NDArray[np.float64]:
        """Return the values, shape (samples, features); the tensor must have no problems.

        The values are rounded to the precision of the datatype.
        """
        if self.given.datatype == BYTES:
            return values_of(self.features[0], self._elements)[:, None]
        kind = DATATYPES.get(self.given.datatype, np.dtype(np.float64))
        numbers = np.array(self._elements, np.float64).reshape(-1, len(self.features))
        return numbers.astype(kind).astype(np.float64) if kind.kind == "f" else numbers

    def problems(self) -> Iterator[Problem]:
        """Yield all problems of the tensor."""
        shape, width = self.given.shape, len(self.features)
        if self.given.datatype not in self._takes:
            expected = f"one of {', '.join(known for known in [*DATATYPES, BOOL, BYTES] if known in self._takes)}"
            if not self._takes:
                expected = "an input for each feature, as some are not numbers"
            yield mismatch(f"{self.where}: datatype", self.given.datatype, expected)
        elif not (shape[1:] == [width] or (self.single and len(shape) == 1)) or shape[0] < 1:
            expected = "[samples] or [samples, 1]" if self.single else f"[samples, {width}]"
            shown = ", ".join(map(str, shape[:MAX_QUOTED_EXTENTS])) + (", …" if len(shape) > MAX_QUOTED_EXTENTS else "")
            yield Problem(f"{self.where}: shape is [{shown}], expected {expected}, with at least one sample")
        else:
            yield from self._problems_of_data(math.prod(shape))

    def _problems_of_data(self, count: int) -> Iterator[Problem]:
        size = DATATYPES[self.given.datatype].itemsize if self.given.datatype in DATATYPES else 1
        if self.raw is not None and self.given.data:
            yield Problem(f"{self.where} has both data and binary data, expected one of them")
        elif self.raw is not None and self.given.datatype != BYTES and len(self.raw) != count * size:
            expected = f"{count * size} for its shape and datatype"
            yield Problem(f"{self.where}: its binary data has {len(self.raw)} bytes, expected {expected}")
        elif self.raw is None and not self.given.data:
            yield Problem(f"{self.where} has no data, expected a list of values")
        elif self.raw is not None and self._elements is None:
            yield Problem(f"{self.where}: its binary data is no list of texts, each after its length in four bytes")
        elif self._is_nested and (wrong := self._first_wrong_row()) is not None:
            yield mismatch(f"{self.where}: data[{wrong}]", self.given.data[wrong], f"a list of {len(self.features)}")  # type: ignore[index]  # nested data is there
        elif len(self._elements) != count:
            yield Problem(f"{self.where}: data has {len(self._elements)} elements, expected {count} for its shape")
        else:
            yield from self._problems_of_elements()

    def _problems_of_elements(self) -> Iterator[Problem]:
        accepts, expected = _accepted(self.given.datatype)
        for index, value in enumerate(self._elements):
            row, column = divmod(index, len(self.features))
            feature = self.features[column]
            gap = feature.missing and (value is None or value != value)
            unread = feature.kind == "date" and isinstance(value, str) and np.isnan(feature.parse([value])[0])
            switch = feature.kind == "boolean" and value not in (0, 1)
            if not gap and (unread or switch or not accepts(value)):
                wanted = feature.expected if feature.kind == "date" else "1 or 0" if switch else expected
                where = f"{self.where}: row {row}, {quoted(feature.name)}"
                yield mismatch(where, value, wanted, row=row, feature=feature.name)

    @property
    def _is_nested(self) -> bool:
        return bool(self.given.data) and type(self.given.data[0]) is list  # type: ignore[index]  # true data is a list

    def _first_wrong_row(self) -> int | None:
        rows: Any = self.given.data
        width = len(self.features)
        return next((row for row, values in enumerate(rows) if type(values) is not list or len(values) != width), None)

    @cached_property
    def _elements(self) -> Any:
        """The values in one list; None if the binary data cannot be read."""
        if self.raw is not None and self.given.datatype == BYTES:
            return _texts(self.raw)
        if self.raw is not None:
            elements: list[Any] = np.frombuffer(self.raw, DATATYPES.get(self.given.datatype, np.dtype("?"))).tolist()
            return elements
        data: Any = self.given.data
        return list(chain.from_iterable(data)) if self._is_nested else data


def _accepted(datatype: str) -> tuple[Callable[[Any], bool], str]:
    """Return a function that accepts the values of a datatype, and these values in words."""
    if datatype == BYTES:
        return lambda value: isinstance(value, str), "a text"
    if datatype == BOOL:
        return lambda value: type(value) is bool, "true or false"
    kind = DATATYPES[datatype]
    low, high = _limits(kind)
    if kind.kind == "f":  # a boolean is an int, and NaN fails every comparison
        return lambda value: type(value) in (float, int) and low <= value <= high, finite_number(high)
    return (
        lambda value: type(value) in (float, int) and low <= value <= high and value == int(value),
        f"an integer from {low} to {high}",
    )


def _texts(raw: bytes) -> list[str] | None:
    """Return the texts in binary data, each after its length in four bytes; None if it is not written like that."""
    found, start = [], 0
    while start < len(raw):
        end = start + 4 + int.from_bytes(raw[start : start + 4], "little")
        if end > len(raw) or start + 4 > len(raw):
            return None
        try:
            found.append(raw[start + 4 : end].decode())
        except UnicodeDecodeError:
            return None
        start = end
    return found


def _limits(kind: np.dtype[Any]) -> tuple[float, float]:
    """Return the smallest and the largest accepted number of a datatype, as integers for an integer datatype."""
    if kind.kind == "f":
        largest = min(LARGEST, float(np.finfo(kind).max))
        return -largest, largest
    return int(np.iinfo(kind).min), int(np.iinfo(kind).max)
