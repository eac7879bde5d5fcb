"""Input tensors of a request: their problems and their values."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from iris_lab.data.schema import LARGEST, finite_number
from iris_lab.serving.http.problems import Problem, quoted
from iris_lab.serving.oip.protocol import DATATYPES, RequestInput
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
    features: Sequence[str]
    single: bool
    raw: bytes | None

    def values(self) -> NDArray[np.float64]:
        """Return the values, shape (samples, features); the tensor must have no problems.

        The values are rounded to the precision of the datatype.
        """
        kind = DATATYPES[self.given.datatype]
        numbers = np.array(self._elements, np.float64).reshape(-1, len(self.features))
        return numbers.astype(kind).astype(np.float64) if kind.kind == "f" else numbers

    def problems(self) -> Iterator[Problem]:
        """Yield all problems of the tensor."""
        shape, width = self.given.shape, len(self.features)
        if self.given.datatype not in DATATYPES:
            yield mismatch(f"{self.where}: datatype", self.given.datatype, f"one of {', '.join(DATATYPES)}")
        elif not (shape[1:] == [width] or (self.single and len(shape) == 1)) or shape[0] < 1:
            expected = "[samples] or [samples, 1]" if self.single else f"[samples, {width}]"
            shown = ", ".join(map(str, shape[:MAX_QUOTED_EXTENTS])) + (", …" if len(shape) > MAX_QUOTED_EXTENTS else "")
            yield Problem(f"{self.where}: shape is [{shown}], expected {expected}, with at least one sample")
        else:
            yield from self._problems_of_data(math.prod(shape))

    def _problems_of_data(self, count: int) -> Iterator[Problem]:
        kind = DATATYPES[self.given.datatype]
        if self.raw is not None and self.given.data:
            yield Problem(f"{self.where} has both data and binary data, expected one of them")
        elif self.raw is not None and len(self.raw) != count * kind.itemsize:
            expected = f"{count * kind.itemsize} for its shape and datatype"
            yield Problem(f"{self.where}: its binary data has {len(self.raw)} bytes, expected {expected}")
        elif self.raw is None and not self.given.data:
            yield Problem(f"{self.where} has no data, expected a list of numbers")
        elif self._is_nested and (wrong := self._first_wrong_row()) is not None:
            yield mismatch(f"{self.where}: data[{wrong}]", self.given.data[wrong], f"a list of {len(self.features)}")  # type: ignore[index]  # nested data is there
        elif len(self._elements) != count:
            yield Problem(f"{self.where}: data has {len(self._elements)} elements, expected {count} for its shape")
        else:
            yield from self._problems_of_elements(kind)

    def _problems_of_elements(self, kind: np.dtype[Any]) -> Iterator[Problem]:
        whole = kind.kind != "f"
        low, high = _limits(kind)
        expected = f"an integer from {low} to {high}" if whole else finite_number(high)
        for index, value in enumerate(self._elements):
            # A boolean is an int, and NaN fails every comparison.
            if type(value) not in (float, int) or not low <= value <= high or (whole and value != int(value)):
                row, column = divmod(index, len(self.features))
                feature = self.features[column]
                yield mismatch(f"{self.where}: row {row}, {quoted(feature)}", value, expected, row=row, feature=feature)

    @property
    def _is_nested(self) -> bool:
        return bool(self.given.data) and type(self.given.data[0]) is list  # type: ignore[index]  # true data is a list

    def _first_wrong_row(self) -> int | None:
        rows: Any = self.given.data
        width = len(self.features)
        return next((row for row, values in enumerate(rows) if type(values) is not list or len(values) != width), None)

    @cached_property
    def _elements(self) -> list[Any]:
        if self.raw is not None:
            elements: list[Any] = np.frombuffer(self.raw, DATATYPES[self.given.datatype]).tolist()
            return elements
        data: Any = self.given.data
        return list(chain.from_iterable(data)) if self._is_nested else data


def _limits(kind: np.dtype[Any]) -> tuple[float, float]:
    """Return the smallest and the largest accepted number of a datatype, as integers for an integer datatype."""
    if kind.kind == "f":
        largest = min(LARGEST, float(np.finfo(kind).max))
        return -largest, largest
    return int(np.iinfo(kind).min), int(np.iinfo(kind).max)
