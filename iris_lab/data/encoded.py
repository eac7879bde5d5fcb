"""Columns of a table as texts, each distinct text once: a large table has far fewer distinct texts than fields."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from iris_lab.data.schema import Kind, kind_of, parse_numbers

if TYPE_CHECKING:
    from iris_lab.data.headers import Row


@dataclass(frozen=True, eq=False)
class Column:
    """The fields of one column, without the white space around them.

    Attributes
    ----------
    codes
        Place of each row's text among the distinct ones, shape (rows,).
    distinct
        The distinct texts in order of appearance: a list, or an Arrow array, which takes less memory.
    """

    codes: NDArray[np.int32]
    distinct: Any

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def words(self) -> list[str]:
        """The distinct texts as a list."""
        words: list[str] = self.distinct if isinstance(self.distinct, list) else self.distinct.to_pylist()
        return words

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How often each distinct text occurs."""
        return np.bincount(self.codes, minlength=len(self.distinct)).astype(np.int64)

    @cached_property
    def empty(self) -> int:
        """Place of the empty text among the distinct ones, -1 where no row has it."""
        place = self.words.index("") if isinstance(self.distinct, list) and "" in self.distinct else -1
        return place if isinstance(self.distinct, list) else int(self.distinct.index("").as_py())

    @property
    def missing(self) -> int:
        """How many rows are empty."""
        return int(self.counts[self.empty]) if self.empty >= 0 else 0

    @cached_property
    def _plain(self) -> NDArray[np.float64] | None:
        """The numbers of a column whose texts Arrow reads as the strict rule does; None for any other."""
        if isinstance(self.distinct, list):
            return None
        from iris_lab.data.arrays import plain_numbers

        return plain_numbers(self.distinct)

    def numbers(self, decimal: str = ".") -> NDArray[np.float64]:
        """Return the number of each distinct text, NaN where it is none."""
        return self._plain if decimal == "." and self._plain is not None else parse_numbers(self.words, decimal)

    def kind(self, decimal: str = ".") -> Kind:
        """Return the kind of the values that are given."""
        given = np.arange(len(self.distinct)) != self.empty
        if decimal == "." and self._plain is not None and not np.isnan(self._plain[given]).any():
            return "number"
        words = self.words
        return kind_of([words[at] for at in np.flatnonzero(given)], self.counts[given], decimal)

    def among(self, words: Collection[str]) -> list[int]:
        """Return the places of the distinct texts that are among some, in any case of their letters."""
        if self._plain is not None:  # ASCII
            from iris_lab.data.arrays import places_among

            return places_among(self.distinct, words)
        return [place for place, text in enumerate(self.words) if text.casefold() in words]

    def emptied(self, places: Sequence[int]) -> "Column":
        """Return the column with some of its distinct texts made empty."""
        if [*places] == [self.empty]:
            return self
        words = [*self.words]
        for place in places:
            words[place] = ""
        codes, distinct = merged(self.codes, words)
        if isinstance(self.distinct, list):
            return Column(codes, distinct)
        from iris_lab.data.arrays import as_texts

        return Column(codes, as_texts(distinct))

    def equals(self, other: "Column") -> bool:
        """Say whether both have the same text in every row."""
        return len(self.distinct) == len(other.distinct) and bool(
            np.array_equal(self.codes, other.codes) and self.words == other.words
        )


Columns = Mapping[str, Column]
Encoded = tuple[Sequence[int], list[Column]]


def merged(codes: NDArray[np.int32], words: list[str]) -> tuple[NDArray[np.int32], list[str]]:
    """Return codes and texts with equal texts made one."""
    numbers, distinct = pd.factorize(np.array(words, object))
    if len(distinct) == len(words):
        return codes, words
    return numbers.astype(np.int32)[codes], list(distinct)


def encoded(
    names: Sequence[str], batches: "Iterable[list[Row]]", quick: Encoded | None
) -> tuple[Sequence[int], dict[str, Column], bool]:
    """Return the line of each row, the columns, and whether there was white space around a value.

    Parameters
    ----------
    names, batches
        Of the table.
    quick
        Lines and columns as Arrow reads them; None to read row by row.
    """
    lines, raw = quick or _row_by_row(names, batches)
    columns, trimmed = {}, False
    for name, column in zip(names, raw, strict=True):
        columns[name] = column
        if column._plain is None:
            words = column.words
            bare = [word.strip() for word in words]
            if bare != words:
                trimmed, columns[name] = True, Column(*merged(column.codes, bare))
    return lines, columns, trimmed


def _row_by_row(names: Sequence[str], batches: "Iterable[list[Row]]") -> tuple[Sequence[int], list[Column]]:
    lines: list[int] = []
    known: list[dict[str, int]] = [{} for _ in names]
    codes: list[list[NDArray[np.int32]]] = [[] for _ in names]
    for batch in batches:
        lines += [line for line, _ in batch]
        for words, parts, texts in zip(known, codes, zip(*(row for _, row in batch), strict=True), strict=True):
            parts.append(np.array([words.setdefault(text, len(words)) for text in texts], np.int32))
    none = np.empty(0, np.int32)
    return lines, [Column(np.concatenate([none, *p]), [*w]) for w, p in zip(known, codes, strict=True)]
