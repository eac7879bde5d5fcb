"""Reads tables from files and addresses, and says in one line why it cannot."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pandas as pd

from iris_lab.errors import InputError

SEPARATORS = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
PARQUET = {".parquet", ".pq"}
COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zip": "zip"}
DOWNLOAD_TIMEOUT = 30  # seconds without an answer
KINDS = SEPARATORS.keys() | PARQUET


@dataclass(frozen=True)
class Source:
    """A table's bytes, fetched once.

    Attributes
    ----------
    place
        The path or URL that was given.
    content
        What is there.
    """

    place: str
    content: bytes

    @property
    def file_name(self) -> str:
        """Name of the file: ``"flowers.csv"`` of ``"https://example.org/flowers.csv?token=1"``."""
        return Path(urlsplit(self.place).path).name


def is_url(source: str) -> bool:
    """Say whether a source is an http(s) address."""
    return source.startswith(("http://", "https://"))


def kind_of(source: str) -> str:
    """Return the suffix that says how a source is written: ``".csv"`` of ``"flowers.CSV.gz"``."""
    suffixes = [suffix.lower() for suffix in Path(urlsplit(source).path).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def read_table(source: Source) -> pd.DataFrame:
    """Return the table at a path or address of one of `KINDS`, its column names without surplus white space.

    An unnamed first column is taken for row labels and left out.

    Raises
    ------
    InputError
        It cannot be read, has no rows or fewer than two columns, or two columns of one name.
    """
    place = source.place
    try:
        frame, header = _parse(BytesIO(source.content), kind_of(place), Path(urlsplit(place).path).suffix.lower())
    except UnicodeError as error:
        raise InputError(f"data file {place!r} is not UTF-8 text: save it as UTF-8") from error
    except Exception as error:  # readers of tables and of compressed files raise whatever they like
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"cannot read data file {place!r}: {reason}") from error
    frame.columns = pd.Index(header)
    if header and header[0] in ("", "Unnamed: 0"):
        frame = frame.iloc[:, 1:]
    for column, name in enumerate(frame.columns):
        if not name or name in frame.columns[:column]:
            found = f"two columns {name!r}" if name else "a column without a name"
            raise InputError(f"data file {place!r} has {found}: give each a name of its own")
    if len(frame.columns) < 2:
        found = f"one column, {frame.columns[0]!r}" if len(frame.columns) else "no column"
        separator = SEPARATORS.get(kind_of(place))
        hint = f", separated by {separator!r}" if separator else ""
        raise InputError(f"data file {place!r} has {found}: expected features and a target{hint}")
    if frame.empty:
        raise InputError(f"data file {place!r} has no rows: expected at least two samples of each class")
    return frame.reset_index(drop=True)


def fetch(source: str) -> Source:
    """Return the bytes at a path or URL; a URL is asked once.

    Raises
    ------
    InputError
        They cannot be had.
    """
    try:
        if not is_url(source):
            return Source(source, Path(source).read_bytes())
        with urlopen(source, timeout=DOWNLOAD_TIMEOUT) as reply:  # noqa: S310  # http and https only, by is_url
            return Source(source, reply.read())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read data file {source!r}: {getattr(error, 'strerror', None) or error}") from error


def _parse(content: BytesIO, kind: str, suffix: str) -> tuple[pd.DataFrame, list[str]]:
    """Return a table and its column names as they stand in the file: pandas renames the second of two equal ones."""
    if kind in PARQUET:
        frame = pd.read_parquet(content)
        names = list(frame.columns)
    else:
        options: Any = {"sep": SEPARATORS[kind], "compression": COMPRESSED.get(suffix)}
        frame = pd.read_csv(content, **options)
        content.seek(0)
        names = pd.read_csv(content, header=None, nrows=1, dtype=str, keep_default_na=False, **options).loc[0].tolist()
    return frame, [" ".join(str(name).split()) for name in names]
