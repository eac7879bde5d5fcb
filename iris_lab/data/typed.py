"""Reads tables whose values have types, as the texts that a text table would have."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import IO, Any

from iris_lab.data.headers import Row
from iris_lab.data.sources import EXCEL, FEATHER, PARQUET
from iris_lab.data.unpacking import check_size
from iris_lab.errors import InputError

BATCH_ROWS = 10_000
MIDNIGHT = "T00:00:00"
Typed = tuple[list[str], Iterator[list[Row]]]


def read_typed(file: IO[bytes], suffix: str, sheet: str, most: int | None) -> Typed:
    """Return the column names of a table, and its rows in batches as they would be written in a text table.

    Parameters
    ----------
    file, suffix
        The table, and its format.
    sheet
        Of a spreadsheet; empty for the first.
    most
        Bytes that it may have in memory; None for any number.

    Raises
    ------
    InputError
        It is too large, or has no such sheet, or the package that reads it is not installed.
    """
    return READERS[suffix](file, sheet, most)


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


def _one_space(names: list[str]) -> list[str]:
    return [" ".join(name.split()) for name in names]


def arrow_names(schema: Any) -> list[str]:
    """Return the columns of an Arrow schema without the row labels that pandas adds."""
    return [name for name in schema.names if not name.startswith("__index_level_")]


def _read_parquet(file: IO[bytes], sheet: str, most: int | None) -> Typed:
    from pyarrow import parquet

    table = parquet.ParquetFile(file)
    check_size(8 * int(table.metadata.num_rows) * int(table.metadata.num_columns), most)
    names = arrow_names(table.schema_arrow)
    return _one_space(names), _rows(file, table.iter_batches(BATCH_ROWS, columns=names), names, most)


def _read_feather(file: IO[bytes], sheet: str, most: int | None) -> Typed:
    from pyarrow import ipc

    table = ipc.open_file(file)
    names = arrow_names(table.schema)
    batches = (
        whole.slice(first, BATCH_ROWS)
        for whole in map(table.get_batch, range(table.num_record_batches))
        for first in range(0, whole.num_rows, BATCH_ROWS)
    )
    return _one_space(names), _rows(file, batches, names, most)


def _rows(file: IO[bytes], batches: Iterator[Any], names: list[str], most: int | None) -> Iterator[list[Row]]:
    first, size = 1, 0
    with file:
        for batch in batches:
            check_size(size := size + batch.nbytes, most)
            columns = [[written(value) for value in batch.column(name).to_pylist()] for name in names]
            yield [(number, list(row)) for number, row in enumerate(zip(*columns, strict=True), first)]
            first += batch.num_rows


def _read_excel(file: IO[bytes], sheet: str, most: int | None) -> Typed:
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
    return _one_space(header), iter(lambda: list(islice(filled, BATCH_ROWS)), [])


def _cell(value: Any) -> str:
    """Return a cell's text; a spreadsheet knows no whole numbers, and writes 3.0 as 3."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return str(int(value)) if whole else written(value)


READERS: Mapping[str, Callable[[IO[bytes], str, int | None], Typed]] = {
    **dict.fromkeys(PARQUET, _read_parquet),
    **dict.fromkeys(FEATHER, _read_feather),
    **dict.fromkeys(EXCEL, _read_excel),
}
