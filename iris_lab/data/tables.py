"""Reads a table: the one function for report, notebooks, predictions and verification."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_lab.data.headers import Row
from iris_lab.data.schema import takes_decimal_commas
from iris_lab.data.sources import EXCEL, FORMATS, TEXT, Source, most_unpacked, opened
from iris_lab.data.text import SAMPLE_BYTES, find_layout, read_rows
from iris_lab.data.typed import BATCH_ROWS, RecordBatches, read_arrow, read_excel
from iris_lab.errors import InputError

if TYPE_CHECKING:
    from iris_lab.data.blocks import Block
    from iris_lab.data.encoded import Encoded

Wanted = Sequence[tuple[int, bool]]  # place of each column that is asked for, and whether it holds numbers
Blocks = Callable[[Wanted], "Iterator[Block | None]"]
SAMPLE_ROWS = 1000  # from which a decimal comma is found


@dataclass(frozen=True)
class Reading:
    """How to read a table; what is empty is inferred from the file.

    Attributes
    ----------
    separator
        Between columns: one character, or ``tab`` or ``space``.
    decimal
        ``"."`` or ``","``.
    encoding
        A name such as ``cp1252``.
    sheet
        Name of a sheet of a spreadsheet; empty for the first.
    """

    separator: str = ""
    decimal: str = ""
    encoding: str = ""
    sheet: str = ""


@dataclass(frozen=True)
class TextTable:
    """A table as characters.

    Attributes
    ----------
    names
        Column names, each once.
    batches
        Its rows in batches: number of the line or row, counted from 1, and the fields as written.
    decimal
        The decimal separator.
    notes
        How it was read, for the report.
    counted
        What the numbers of the rows count: ``"line"`` of a text file, ``"row"`` of another table.
    blocks
        The same rows in blocks of columns, which is quicker; None where there is no such way.
    columns
        The same columns as a whole, or None where they have to be read row by row; None where there is no such way.
    """

    names: list[str]
    batches: Iterator[list[Row]]
    decimal: str
    notes: list[str] = field(default_factory=list)
    counted: str = "line"
    blocks: "Blocks | None" = None
    columns: "Callable[[], Encoded | None] | None" = None


def read_table(source: Source | Path, reading: Reading | None = None) -> TextTable:
    """Return a table as characters; rows are read while they are asked for.

    Parameters
    ----------
    source
        What `fetch` returned, or the path of a file, which is then not read into memory.
    reading
        How to read it.

    Raises
    ------
    InputError
        It cannot be read, two columns have one name, or a column has none. The same is raised later, between
        batches, for a row with too many or too few fields.
    """
    place, reading = source.place if isinstance(source, Source) else str(source), reading or Reading()
    if reading.decimal not in ("", ".", ","):
        raise InputError(f"decimal={reading.decimal!r}: expected . or ,")
    try:
        file, suffix = opened(source)
        if suffix not in FORMATS:
            raise InputError(f"it is of an unknown kind: expected {', '.join(sorted(FORMATS))}")
        if suffix in TEXT:
            table = _read_text(source, file, reading)
        elif suffix in EXCEL:
            names, rows = read_excel(file, reading.sheet, most_unpacked(source))
            table = TextTable(names, rows, ".", counted="row")
        else:
            names, rows, batches = read_arrow(file, suffix, most_unpacked(source))
            table = _typed(names, rows, batches)
    except InputError as error:
        raise InputError(f"data file {place!r}: {error}") from error
    except Exception as error:  # readers of compressed files and of Parquet can raise anything
        raise InputError(f"cannot read data file {place!r}: {_first_line(error)}") from error
    _check_names(place, table.names)
    return replace(table, batches=_told(place, table.batches))


def _first_line(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]


def _told(place: str, batches: Iterator[list[Row]]) -> Iterator[list[Row]]:
    """Yield the batches; put the file's name into the message of an error."""
    try:
        yield from batches
    except InputError as error:
        raise InputError(f"data file {place!r}: {error}") from error
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"cannot read data file {place!r}: {_first_line(error)}") from error


def _read_text(source: Source | Path, file: Any, reading: Reading) -> TextTable:
    with file:
        head = file.read(SAMPLE_BYTES)
    layout = find_layout(head, whole=len(head) < SAMPLE_BYTES, separator=reading.separator, encoding=reading.encoding)
    rows = read_rows(opened(source)[0], layout)
    first = list(islice(rows, SAMPLE_ROWS))
    decimal, notes = reading.decimal or ".", list(layout.notes)
    if not reading.decimal and layout.separator != ",":
        sample = list(zip(*(row for _, row in first), strict=True))
        if takes_decimal_commas([[text.strip() for text in column] for column in sample]):
            decimal = ","
            notes.append("numbers have decimal commas")

    def blocks(wanted: Wanted) -> "Iterator[Block | None]":
        from iris_lab.data.blocks import plain_blocks

        return plain_blocks(opened(source)[0], layout, wanted)

    def columns() -> "Encoded | None":
        from iris_lab.data.arrow import text_columns

        return text_columns(opened(source)[0], layout)

    plain = blocks if decimal == "." else None
    return TextTable(layout.names, _batches(first, rows), decimal, notes, blocks=plain, columns=columns)


def _typed(names: list[str], rows: Iterator[list[Row]], batches: RecordBatches) -> TextTable:
    def blocks(wanted: Wanted) -> "Iterator[Block | None]":
        from iris_lab.data.blocks import typed_blocks

        return typed_blocks(batches(), wanted)

    def columns() -> "Encoded | None":
        from iris_lab.data.arrow import typed_columns

        return typed_columns(batches())

    return TextTable(names, rows, ".", counted="row", blocks=blocks, columns=columns)


def _batches(first: list[Row], rows: Iterator[Row]) -> Iterator[list[Row]]:
    if first:
        yield first
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _check_names(place: str, names: Sequence[str]) -> None:
    for column, name in enumerate(names):
        if name in names[:column] or (not name and column):
            found = f"two columns {name!r}" if name else "a column without a name"
            raise InputError(f"data file {place!r} has {found}: give each a name of its own")
