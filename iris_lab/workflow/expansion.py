"""Refuses a decompression bomb: a table that is far larger than its run once it is unpacked."""

from pathlib import Path
from zipfile import ZipFile

from iris_lab.data.sources import EXCEL, PARQUET, opened
from iris_lab.errors import InputError
from iris_lab.workflow.crate import Record

FACTOR, ROOM = 50, 32 * 2**20  # an unpacked table has at most FACTOR times the bytes of its run, and ROOM more
PIECE = 2**20


def check_expansion(table: Path, record: Record) -> None:
    """Refuse the table of a run of unknown origin if it is a bomb, before it is read into memory.

    Parameters
    ----------
    table
        Its copy in the run.
    record
        Sizes of the run's files; a true run is larger than its table as it was given, packed or not.

    Raises
    ------
    InputError
        The table cannot be read, or is too large.
    """
    most = FACTOR * sum(record.sizes.values()) + ROOM
    try:
        size = _unpacked(table, most)
    except InputError:
        raise
    except Exception as error:  # readers of compressed files and of Parquet can raise anything
        raise InputError(f"cannot read data file {table.name!r}: {type(error).__name__}") from error
    if size > most:
        raise InputError(
            f"data file {table.name!r} unpacks to over {most} bytes: expected no more for a run of this size"
        )


def _unpacked(table: Path, most: int) -> int:
    """Return the number of bytes of an unpacked table; reading stops once there are more than `most`."""
    file, suffix = opened(table)
    with file:
        if suffix in PARQUET:
            from pyarrow import parquet

            facts = parquet.ParquetFile(file).metadata
            groups = [facts.row_group(number) for number in range(facts.num_row_groups)]
            return max(8 * int(facts.num_rows) * int(facts.num_columns), sum(int(g.total_byte_size) for g in groups))
        if suffix in EXCEL:
            return sum(entry.file_size for entry in ZipFile(file).infolist())
        size = 0
        while size <= most and (piece := file.read(PIECE)):
            size += len(piece)
        return size
