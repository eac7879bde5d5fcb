"""The user's tables by digest, so that runs of another table are told apart before anything heavy is imported."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from iris_lab.errors import InputError


def tables_of(places: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of the bytes at each path or URL.

    Raises
    ------
    InputError
        They cannot be read.
    """
    return {place: digest_of_table(_content(place)) for place in dict.fromkeys(places)}


def digest_of_table(content: bytes) -> str:
    """Return the SHA-256 of a table as it was read."""
    return hashlib.sha256(content).hexdigest()


def _content(place: str) -> bytes:
    if "://" in place:
        from iris_lab.data.sources import fetch  # here: its package imports pandas

        return fetch(place).content
    try:
        return Path(place).read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read data file {place!r}: {getattr(error, 'strerror', None) or error}") from error
