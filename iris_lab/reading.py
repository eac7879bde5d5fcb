"""Reads tables from files and addresses, and says in one line why it cannot."""

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


def is_url(source: str) -> bool:
    """Say whether a source is an http(s) address."""
    return source.startswith(("http://", "https://"))


def kind_of(source: str) -> str:
    """Return the suffix that says how a source is written: ``".csv"`` of ``"flowers.CSV.gz"``."""
    suffixes = [suffix.lower() for suffix in Path(urlsplit(source).path).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def read_table(source: str) -> pd.DataFrame:
    """Return the table at a path or address of one of `KINDS`, its column names without surplus white space.

    An unnamed first column is taken for row labels and left out.

    Raises
    ------
    InputError
        It cannot be read, has no rows or fewer than two columns, or two columns of one name.
    """
    try:
        frame, header = _parse(_fetch(source), kind_of(source), Path(urlsplit(source).path).suffix.lower())
    except UnicodeError as error:
        raise InputError(f"data file {source!r} is not UTF-8 text: save it as UTF-8") from error
    except Exception as error:  # readers of tables and of compressed files raise whatever they like
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"cannot read data file {source!r}: {reason}") from error
    frame.columns = pd.Index(header)
    if header and header[0] in ("", "Unnamed: 0"):
        frame = frame.iloc[:, 1:]
    for place, name in enumerate(frame.columns):
        if not name or name in frame.columns[:place]:
            found = f"two columns {name!r}" if name else "a column without a name"
            raise InputError(f"data file {source!r} has {found}: give each a name of its own")
    if len(frame.columns) < 2:
        found = f"one column, {frame.columns[0]!r}" if len(frame.columns) else "no column"
        separator = SEPARATORS.get(kind_of(source))
        hint = f", separated by {separator!r}" if separator else ""
        raise InputError(f"data file {source!r} has {found}: expected features and a target{hint}")
    if frame.empty:
        raise InputError(f"data file {source!r} has no rows: expected at least two samples of each class")
    return frame.reset_index(drop=True)


def _fetch(source: str) -> BytesIO:
    if not is_url(source):
        return BytesIO(Path(source).read_bytes())
    with urlopen(source, timeout=DOWNLOAD_TIMEOUT) as reply:  # noqa: S310  # http and https only, by is_url
        return BytesIO(reply.read())


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
