"""Fetches the bytes of a table from a path or URL, once and within limits, and decompresses them."""

import bz2
import gzip
import lzma
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from iris_lab.errors import InputError

MAX_DOWNLOAD_BYTES = 2**30
DOWNLOAD_SECONDS = 300.0  # for the whole response, so that a slow one ends
SILENCE_SECONDS = 30  # without a byte
COMPRESSED: Mapping[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
TEXT = {".csv", ".tsv", ".tab", ".txt", ".dat", ".data"}
PARQUET = {".parquet", ".pq"}
FORMATS = TEXT | PARQUET


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
        return Source(source, Path(source).read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read data file {source!r}: {getattr(error, 'strerror', None) or error}") from error


def _download(url: str) -> bytes:
    import requests  # 0.25 s of import that files don't need

    place, started, content = without_secrets(url), time.monotonic(), bytearray()
    try:
        with requests.get(url, stream=True, timeout=SILENCE_SECONDS) as answer:
            if answer.status_code != 200:
                raise InputError(f"cannot read data {place!r}: the server answered {answer.status_code}")
            for piece in answer.iter_content(2**16):
                content += piece
                if len(content) > MAX_DOWNLOAD_BYTES:
                    raise InputError(f"data {place!r} are over {MAX_DOWNLOAD_BYTES >> 20} MiB: download them yourself")
                if time.monotonic() - started > DOWNLOAD_SECONDS:
                    raise InputError(f"data {place!r} did not arrive within {DOWNLOAD_SECONDS:.0f} s: download them")
    except (requests.RequestException, OSError, ValueError) as error:
        # The library's own message quotes the URL, secrets included.
        kind = type(error).__name__.removesuffix("Error")
        reason = "connection refused" if "refused" in str(error) else kind
        raise InputError(f"cannot read data {place!r}: {reason}; is the URL right and the server up?") from None
    return bytes(content)


SCHEMES: Mapping[str, Callable[[str], bytes]] = {"http": _download, "https": _download}


def opened(source: Source | Path) -> tuple[IO[bytes], str]:
    """Open a source, decompressed, and return its format with it.

    Raises
    ------
    InputError
        A zip archive that holds no table, or several.
    """
    name = source.file_name if isinstance(source, Source) else source.name
    place: Any = BytesIO(source.content) if isinstance(source, Source) else source
    suffix = Path(name).suffix.lower()
    if suffix in COMPRESSED:
        return COMPRESSED[suffix](place), format_of(name)
    if suffix != ".zip":
        return place if isinstance(source, Source) else place.open("rb"), format_of(name)
    archive = zipfile.ZipFile(place)
    members = [entry for entry in archive.namelist() if _is_table(entry)]
    if len(members) != 1:
        found = f"{len(members)} tables ({', '.join(members[:5])})" if members else "no table"
        raise InputError(f"{name!r} holds {found}: expected an archive of one table")
    return archive.open(members[0]), format_of(members[0])


def _is_table(member: str) -> bool:
    path = PurePosixPath(member)  # macOS adds a folder of its own, and hidden files
    return path.parts[:1] != ("__MACOSX",) and not path.name.startswith(".") and path.suffix.lower() in FORMATS
