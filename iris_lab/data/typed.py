"""Reads tables whose values have types, as the texts that a text table would have."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import IO, Any

from iris_lab.data.headers import Row
from iris_lab.data.unpacking import check_size
from iris_lab.errors import InputError

BATCH_ROWS = 10_000
MIDNIGHT = "T00:00:00"
RecordBatches = Callable[[], Iterator[Any]]
FEATHER = (".feather", ".arrow")


def read_arrow(file: IO[bytes], suffix: str, most: int | None) -> tuple[list[str], Iterator[list[Row]], RecordBatches]:
    """Return the column names of a Parquet or Feather file, its rows as texts, and those rows as Arrow has them.

    Parameters
    ----------
    file, suffix
        The table, and its format.
    most
        Bytes that it may have in memory; None for any number.

    Raises
    ------
    InputError
        It is too large.
    """
    names, batches = _batches(file, suffix, most)

    def record_batches() -> Iterator[Any]:
        for batch in batches():
            yield batch.select(names)
        file.close()

    return [" ".join(name.split()) for name in names], _rows(file, batches(), names, most), record_batches


def written(value: Any) -> str:
    """Return a value as a text table has it: ISO dates, true and false, shortest numbers, nothing where it is missing.

    Examples
    --------
    >>> [written(value) for value in (None, True, 2.5, datetime(2024, 1, 31), datetime(2024, 1, 31, 12))]
    ['', 'true', '2.5', '2024-01-31', '2024-01-31T12:00:00']
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | time):
        text: str = value.isoformat()
        return text.removesuffix(MIDNIGHT) if isinstance(value, datetime) else text
    return str(value)


def _names(schema: Any) -> list[str]:
    """Return the columns of an Arrow schema without the row labels that pandas adds."""
    return [name for name in schema.names if not name.startswith("__index_level_")]


def _batches(file: IO[bytes], suffix: str, most: int | None) -> tuple[list[str], Callable[[], Iterator[Any]]]:
    """Return the columns of a Parquet or Feather file, and what reads its rows in Arrow's record batches."""
    if suffix not in FEATHER:
        from pyarrow import parquet

        table = parquet.ParquetFile(file)
        check_size(8 * int(table.metadata.num_rows) * int(table.metadata.num_columns), most)
        names = _names(table.schema_arrow)
        return names, lambda: (
            batch
            for group in range(table.num_row_groups)  # one by one: pyarrow keeps the bytes of those read so far
            for batch in table.iter_batches(BATCH_ROWS, row_groups=[group], columns=names)
        )
    from pyarrow import ipc

    table = ipc.open_file(file)
    return _names(table.schema), lambda: (
        whole.slice(first, BATCH_ROWS)
        for whole in map(table.get_batch, range(table.num_record_batches))
        for first in range(0, whole.num_rows, BATCH_ROWS)
    )


def _rows(file: IO[bytes], batches: Iterator[Any], names: list[str], most: int | None) -> Iterator[list[Row]]:
    first, size = 1, 0
    with file:
        for batch in batches:
            check_size(size := size + batch.nbytes, most)
            columns = [[written(value) for value in batch.column(name).to_pylist()] for name in names]
            yield [(number, list(row)) for number, row in enumerate(zip(*columns, strict=True), first)]
            first += batch.num_rows


def read_excel(file: IO[bytes], sheet: str, most: int | None) -> tuple[list[str], Iterator[list[Row]]]:
    """Return the column names of a sheet, and its rows in batches; an empty name stands for the first sheet.

    Raises
    ------
    InputError
        It has no such sheet, or is too large, or the package that reads it is not installed.
    """
    from zipfile import ZipFile

    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise InputError("it is a spreadsheet, which needs a package: pip install 'iris-lab[excel]'") from None
    with file:
        with ZipFile(file) as archive:
            check_size(sum(entry.file_size for entry in archive.infolist()), most)
        file.seek(0)
        book = CalamineWorkbook.from_filelike(file)
        names = book.sheet_names
        if sheet and sheet not in names:
            raise InputError(f"it has no sheet {sheet!r}: expected {', '.join(map(repr, names[:10]))}")
        found = book.get_sheet_by_name(sheet or names[0])
        (above, _), cells = found.start or (0, 0), iter(found.to_python())
    header = [_cell(value) for value in next(cells, [])]
    if not header:
        raise InputError(f"sheet {sheet or names[0]!r} is empty: expected column names, and a row for each sample")
    rows = ((number, [_cell(value) for value in row]) for number, row in enumerate(cells, above + 2))
    filled = (row for row in rows if any(row[1]))
    return [" ".join(name.split()) for name in header], iter(lambda: list(islice(filled, BATCH_ROWS)), [])


def _cell(value: Any) -> str:
    """Return a cell's text; a spreadsheet knows no whole numbers, and writes 3.0 as 3."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return str(int(value)) if whole else written(value)
