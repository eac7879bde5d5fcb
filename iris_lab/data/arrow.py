"""Large tables by Arrow, column by column, wherever it reads exactly what the strict reader reads row by row."""

import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import IO, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute, csv

from iris_lab.data.blocks import LONGEST_LINE, number_texts
from iris_lab.data.encoded import Column, Encoded, merged
from iris_lab.data.text import Layout
from iris_lab.data.typed import BATCH_ROWS, written

FROM_BYTES = 2**19  # a smaller table is read row by row in less time than Arrow takes to import
FROM_ROWS = BATCH_ROWS


def text_columns(file: IO[bytes], layout: Layout) -> Encoded | None:
    """Return the line of each row and the columns of a text table, or None where they could differ from a strict read.

    Parameters
    ----------
    file
        The table from its start.
    layout
        How it is written.
    """
    with file:
        content = file.read()
    if len(content) < FROM_BYTES or layout.surplus == "last" or layout.separator == " ":
        return None
    if layout.encoding not in ("utf-8", "utf-8-sig"):
        try:
            content = content.decode(layout.encoding).encode()
        except UnicodeError:
            return None
    content = content.replace(b"\r\n", b"\n")
    start = 0
    for _ in range(layout.skipped):
        start = content.index(b"\n", start) + 1
    if b"\r" in content or b"\0" in content or not _is_plainly_quoted(content, start, layout.separator):
        return None
    try:
        table = csv.read_csv(
            pa.BufferReader(pa.py_buffer(memoryview(content)[start:])),
            csv.ReadOptions(column_names=[str(at) for at in range(layout.width)]),
            csv.ParseOptions(delimiter=layout.separator, ignore_empty_lines=False),
            csv.ConvertOptions(column_types={str(at): pa.string() for at in range(layout.width)}),
        )
    except pa.ArrowInvalid:
        return None
    columns = [_of_texts(table.column(at)) for at in range(layout.width)]
    if _has_blank_row(columns) or any(_longest(column.distinct) >= LONGEST_LINE for column in columns):
        return None
    return range(layout.skipped + 1, layout.skipped + 1 + table.num_rows), columns[layout.surplus == "first" :]


def _is_plainly_quoted(content: bytes, start: int, separator: str) -> bool:
    """Say whether each quotation mark stands at the start or end of a field that is quoted, on one line, as a whole.

    From left to right, the first mark after a separator or at a line's start opens a field, so the next one has to
    close it. Where any mark is left over, only the strict reader knows what to say.
    """
    apart = re.escape(separator.encode())
    field = re.compile(rb'(?<![^\n%b])"[^"\n]*"(?![^\n%b])' % (apart, apart))
    marks = content.count(b'"', start)
    return not marks or marks == 2 * sum(1 for _ in field.finditer(content, start))


def _of_texts(texts: Any) -> Column:
    found = texts.combine_chunks().dictionary_encode()
    return Column(found.indices.to_numpy(), found.dictionary)


def _longest(texts: Any) -> int:
    return int(compute.max(compute.binary_length(texts)).as_py() or 0)


def _has_blank_row(columns: Sequence[Column]) -> bool:
    """Say whether a row may be blank, which the strict reader skips."""
    blank = np.ones(len(columns[0]), bool)
    for column in columns:
        bare = compute.equal(compute.utf8_trim_whitespace(column.distinct), "").to_numpy(zero_copy_only=False)
        if not bare.any():
            return False
        blank &= bare[column.codes]
    return bool(blank.any())


def typed_columns(batches: Iterable[Any]) -> Encoded | None:
    """Return the number of each row and the columns of a typed table, given in Arrow's record batches.

    None for a small table, of which nothing but the first batch was read then.
    """
    given = iter(batches)
    first = next(given, None)
    if first is None or first.num_rows < FROM_ROWS:
        return None
    table = pa.Table.from_batches(chain([first], given))
    columns = [_of_values(table.column(at).combine_chunks()) for at in range(table.num_columns)]
    return range(1, table.num_rows + 1), columns


def _of_values(values: Any) -> Column:
    if pa.types.is_float64(values.type):  # by their bits: 0.0 and -0.0 are two texts
        values = pa.array(values.fill_null(np.nan).to_numpy(zero_copy_only=False).view(np.int64))
        coded = values.dictionary_encode()
        return Column(*merged(coded.indices.to_numpy(), number_texts(coded.dictionary.to_numpy().view(np.float64))))
    try:
        coded = values.dictionary_encode()
    except pa.ArrowNotImplementedError:  # lists and the like
        texts = [written(value) for value in values.to_pylist()]
        return Column(*merged(np.arange(len(texts), dtype=np.int32), texts))
    words = [written(value) for value in coded.dictionary.to_pylist()]
    codes = coded.indices
    if codes.null_count:
        words.append("")
        codes = codes.fill_null(len(words) - 1)
    return Column(*merged(codes.to_numpy().astype(np.int32), words))
