"""Large tables in blocks of columns: what Arrow reads exactly as the strict reader does, it may read.

A block gives the fields of some columns, and each row as comma-separated text. Where that could differ from what the
strict reader gives, the blocks end, and the strict reader goes on from there.
"""

import csv as standard_csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, csv

from iris_lab.data.text import Layout
from iris_lab.data.typed import written

TWO_DIGITS = 1e-9  # below it the exponent has two digits, as Python writes it, and orjson writes the same
BLOCK_BYTES = 2**20
LONGEST_LINE = 2**17  # the strict reader takes no longer field


@dataclass(frozen=True)
class Block:
    """Some rows of a table.

    Attributes
    ----------
    columns
        An Arrow array for each column that was asked for: of numbers (null where a field is empty), or of texts.
    lines
        Each row as comma-separated text, without a line end.
    """

    columns: Sequence[Any]
    lines: list[str]


def plain_blocks(file: IO[bytes], layout: Layout, wanted: Sequence[tuple[int, bool]]) -> Iterator[Block | None]:
    """Yield the rows of a text table; None as the last block where one is not plain.

    Parameters
    ----------
    file
        The table from its start.
    layout
        How it is written.
    wanted
        Place of each column to be returned, and whether it holds numbers.
    """
    with file:
        simple = layout.encoding in ("utf-8", "utf-8-sig") and not layout.surplus and layout.separator != " "
        above = [file.readline().rstrip(b"\r\n") for _ in range(layout.skipped)]
        if not simple or b"\r" in b"".join(above):
            yield None
            return
        while piece := file.read(BLOCK_BYTES):
            block = _block(piece + file.readline(), layout, wanted)
            yield block
            if block is None:
                return
            if block is None:
                return


def _block(content: bytes, layout: Layout, wanted: Sequence[tuple[int, bool]]) -> Block | None:
    separator = layout.separator.encode()
    if content.count(b"\r") == content.count(b"\r\n"):
        content = content.replace(b"\r\n", b"\n")
    if b'"' in content or b"\r" in content or (separator != b"," and b"," in content):
        return None
    try:
        lines = content.removesuffix(b"\n").replace(separator, b",").decode().split("\n")
    except UnicodeDecodeError:
        return None
    if max(map(len, lines)) >= LONGEST_LINE:
        return None
    columns = _columns(content, layout, dict(wanted)) or _columns(content, layout, {at: False for at, _ in wanted})
    if columns is None or len(columns[0]) != len(lines) or _has_blank_row(columns):
        return None
    return Block(columns, lines)


def _columns(content: bytes, layout: Layout, numbers: dict[int, bool]) -> list[Any] | None:
    names = [str(at) for at in range(layout.width)]
    asked = [str(at) for at in numbers]
    types = {str(at): pa.float64() if number else pa.string() for at, number in numbers.items()}
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            csv.ReadOptions(column_names=names, block_size=len(content) + 1, use_threads=False),
            csv.ParseOptions(delimiter=layout.separator, quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(include_columns=asked, column_types=types, null_values=[""]),
        )
    except pa.ArrowInvalid:
        return None
    columns = [table.column(name).combine_chunks() for name in asked]
    for column in columns:
        if pa.types.is_floating(column.type) and not np.isfinite(column.fill_null(0.0).to_numpy()).all():
            return None  # Arrow takes inf and nan for numbers
    return columns


def _has_blank_row(columns: Sequence[Any]) -> bool:
    """Say whether a row may be blank, which the strict reader skips."""
    blank = np.ones(len(columns[0]), bool)
    for column in columns:
        empty = (
            column.is_null()
            if pa.types.is_floating(column.type)
            else compute.equal(compute.utf8_trim_whitespace(column), "")
        )
        blank &= empty.to_numpy(zero_copy_only=False)
        if not blank.any():
            return False
    return True


def typed_blocks(batches: Iterator[Any], wanted: Sequence[tuple[int, bool]]) -> Iterator[Block]:
    """Yield the rows of a typed table, given in Arrow's record batches."""
    for batch in batches:
        columns = batch.columns
        lines = list(map(",".join, zip(*map(_fields, columns), strict=True)))
        yield Block([columns[at] for at, _ in wanted], lines)


def _fields(column: Any) -> list[str]:
    """Return a column's values as the fields of a comma-separated table."""
    if pa.types.is_float64(column.type):
        return number_texts(column.fill_null(np.nan).to_numpy(zero_copy_only=False))
    if pa.types.is_integer(column.type):
        whole: list[str] = column.cast(pa.string()).fill_null("").to_pylist()
        return whole
    is_text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    texts = column.fill_null("").to_pylist() if is_text else list(map(written, column.to_pylist()))
    return list(map(quoted, texts)) if any(mark in "".join(texts) for mark in ',"\r\n') else texts


def quoted(text: str) -> str:
    """Return a text as a field of a comma-separated table."""
    line = io.StringIO()
    standard_csv.writer(line, lineterminator="\n").writerow([text, ""])
    return line.getvalue()[:-2]


def number_texts(numbers: NDArray[np.float64]) -> list[str]:
    """Return the ``repr`` of each number, nothing for NaN.

    Examples
    --------
    >>> number_texts(np.array([0.1, 1e-05, 1e16, np.nan]))
    ['0.1', '1e-05', '1e+16', '']
    """
    if not len(numbers):
        return []
    texts = _dumped(numbers)[1:-1].split(",")
    for at in np.flatnonzero(_spelled_otherwise(numbers)):
        texts[at] = written(float(numbers[at]))
    return texts


def probability_texts(probabilities: NDArray[np.float64]) -> list[str]:
    """Return the ``repr`` of each row's probabilities, joined by commas."""
    rows = _dumped(probabilities)[2:-2].split("],[")
    odd = np.flatnonzero((_spelled_otherwise(probabilities) & ~(probabilities < TWO_DIGITS)).any(axis=1))
    for at, row in zip(odd, probabilities[odd].tolist(), strict=True):
        rows[at] = ",".join(map(repr, row))
    return rows


def _dumped(numbers: NDArray[np.float64]) -> str:
    return orjson.dumps(np.ascontiguousarray(numbers, np.float64), option=orjson.OPT_SERIALIZE_NUMPY).decode()


def _spelled_otherwise(numbers: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which numbers orjson may write otherwise than Python: tiny, huge, or not finite."""
    size = np.abs(numbers)
    result: NDArray[np.bool_] = ~((size >= 1e-4) & (size < 1e15) | (size == 0))
    return result
