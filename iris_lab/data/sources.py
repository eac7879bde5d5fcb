"""Fetches the bytes of a table from a path or URL, once and within limits, and decompresses them."""

import bz2
import gzip
import io
import lzma
import os
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from iris_lab.data.unpacking import Unpacked, open_zstd
from iris_lab.errors import InputError

ASIDE = "IRIS_LAB_ASIDE"  # variable that names the folder of a private run's table
MAX_DOWNLOAD_BYTES = 2**30
DOWNLOAD_SECONDS = 300.0  # for the whole response, so that a slow one ends
SILENCE_SECONDS = 30  # without a byte
MAX_UNPACKED_BYTES = 2**32
EXPANSION, ROOM = 200, 2**28  # what is fetched unpacks to at most EXPANSION times its bytes, and ROOM more
COMPRESSED: Mapping[str, Callable[..., Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": open_zstd,
}
TEXT = {".csv", ".tsv", ".tab", ".txt", ".dat", ".data"}
PARQUET = {".parquet", ".pq"}
FEATHER = {".feather", ".arrow"}
EXCEL = {".xlsx"}
FORMATS = TEXT | PARQUET | FEATHER | EXCEL


@dataclass(frozen=True)
class Source:
    """A table's bytes, fetched once.

    Attributes
    ----------
    place
        The path or URL that was given, without user name, password, query and fragment: those may be secrets.
    content
        What is there.
    """

    place: str
    content: bytes

    @property
    def file_name(self) -> str:
        """Name of the file: ``"flowers.csv"`` of ``"https://example.org/flowers.csv?token=1"``."""
        return Path(_path_of(self.place)).name


def is_url(source: str) -> bool:
    """Say whether a source is a URL of a scheme that `fetch` knows."""
    return source.partition("://")[0] in SCHEMES and "://" in source


def without_secrets(url: str) -> str:
    """Return a URL without user name, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def aside(name: str) -> Path:
    """Return where a file is: that of a private run's steps is in a folder that the environment names."""
    folder, path = os.environ.get(ASIDE, ""), Path(name)
    return Path(folder) / name if folder and path.name == name and (Path(folder) / name).is_file() else path


def _path_of(place: str) -> str:
    return urlsplit(place).path if is_url(place) else place


def name_of(place: str) -> str:
    """Return the short name of a source: ``"flowers"`` of ``"data/flowers.csv.gz"``."""
    return Path(_path_of(place)).name.split(".")[0] or "data"


def format_of(place: str) -> str:
    """Return the suffix that says how a source is written: ``".csv"`` of ``"flowers.CSV.gz"``."""
    suffixes = [suffix.lower() for suffix in Path(_path_of(place)).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED.keys() | {".zip"}:
        compression = suffixes.pop()
        return suffixes[-1] if suffixes and suffixes[-1] in FORMATS else ".zip" if compression == ".zip" else ""
    return suffixes[-1] if suffixes else ""


def fetch(source: str) -> Source:
    """Return the bytes at a path or URL; a URL is asked once, within limits of size and time.

    Raises
    ------
    InputError
        They cannot be read. No message holds a password or a token.
    """
    if is_url(source):
        return Source(without_secrets(source), SCHEMES[source.partition("://")[0]](source))
    try:
        return Source(source, aside(source).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read data file {source!r}: {getattr(error, 'strerror', None) or error}") from error


def _collect(place: str, pieces: Iterable[bytes]) -> bytes:
    """Return the pieces joined, within the limits of size and time."""
    started, content = time.monotonic(), bytearray()
    for piece in pieces:
        content += piece
        if len(content) > MAX_DOWNLOAD_BYTES:
            raise InputError(f"data {place!r} are over {MAX_DOWNLOAD_BYTES >> 20} MiB: download them yourself")
        if time.monotonic() - started > DOWNLOAD_SECONDS:
            raise InputError(f"data {place!r} did not arrive within {DOWNLOAD_SECONDS:.0f} s: download them")
    return bytes(content)


def _download(url: str) -> bytes:
    import requests  # 0.25 s of import that files don't need

    place = without_secrets(url)
    try:
        with requests.get(url, stream=True, timeout=SILENCE_SECONDS) as answer:
            if answer.status_code != 200:
                raise InputError(f"cannot read data {place!r}: the server answered {answer.status_code}")
            return _collect(place, answer.iter_content(2**16))
    except (requests.RequestException, OSError, ValueError) as error:
        # The library's own message quotes the URL, secrets included.
        kind = type(error).__name__.removesuffix("Error")
        reason = "connection refused" if "refused" in str(error) else kind
        raise InputError(f"cannot read data {place!r}: {reason}; is the URL right and the server up?") from None


def _read_remote(url: str) -> bytes:
    """Read an object of a store; its address and credentials come from the environment, as its own tools take them."""
    place, scheme = without_secrets(url), url.partition("://")[0]
    try:
        import fsspec

        with fsspec.open(url, "rb").open() as file:
            return _collect(place, iter(lambda: file.read(2**20), b""))
    except ImportError:
        raise InputError(f"data {place!r} need a package: pip install {PACKAGES[scheme]}") from None
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"cannot read data {place!r}: no such object; are bucket and path right?") from None
    except Exception as error:  # the stores' clients raise anything; their messages can quote a signed URL
        kind = type(error).__name__.removesuffix("Error")
        raise InputError(
            f"cannot read data {place!r}: {kind}; are the store's credentials and address in the environment?"
        ) from None


# What reads a store, for whom it is not installed.
PACKAGES = {"s3": "'iris-lab[remote]'", "gs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
SCHEMES: Mapping[str, Callable[[str], bytes]] = {
    "http": _download,
    "https": _download,
    **dict.fromkeys(PACKAGES, _read_remote),
}


def most_unpacked(source: Source | Path) -> int | None:
    """Return how many bytes a source may unpack to: what was fetched is read into memory, a file row by row."""
    return min(MAX_UNPACKED_BYTES, EXPANSION * len(source.content) + ROOM) if isinstance(source, Source) else None


def opened(source: Source | Path) -> tuple[IO[bytes], str]:
    """Open a source, decompressed, and return its format with it.

    Raises
    ------
    InputError
        A zip archive that holds no table, or several, or is encrypted. Reading raises it once far more comes out than
        a table of this size holds.
    """
    name = source.file_name if isinstance(source, Source) else source.name
    suffix, kind = Path(name).suffix.lower(), format_of(name)

    def place() -> Any:
        return BytesIO(source.content) if isinstance(source, Source) else source

    if suffix not in COMPRESSED.keys() | {".zip"}:
        return place() if isinstance(source, Source) else source.open("rb"), kind
    if suffix == ".zip":
        member = _only_table(zipfile.ZipFile(place()), name)
        kind = format_of(member)

    def reopen() -> IO[bytes]:
        if suffix == ".zip":
            return zipfile.ZipFile(place()).open(member)
        unpacked: IO[bytes] = COMPRESSED[suffix](place())
        return unpacked

    file = io.BufferedReader(Unpacked(reopen, most_unpacked(source)), 2**16)
    if kind in TEXT:
        return file, kind
    with file:
        return BytesIO(file.read()), kind  # the other formats are read from their end


def _only_table(archive: zipfile.ZipFile, name: str) -> str:
    with archive:
        members = [entry for entry in archive.infolist() if _is_table(entry.filename)]
    names = [entry.filename for entry in members]
    if len(members) != 1:
        found = f"{len(members)} tables ({', '.join(names[:5])})" if members else "no table"
        raise InputError(f"{name!r} holds {found}: expected an archive of one table")
    if members[0].flag_bits & 1:
        raise InputError(f"{name!r} is encrypted: unpack it, and give the table itself")
    return names[0]


def _is_table(member: str) -> bool:
    path = PurePosixPath(member)  # macOS adds a folder of its own, and hidden files
    return path.parts[:1] != ("__MACOSX",) and not path.name.startswith(".") and path.suffix.lower() in FORMATS
