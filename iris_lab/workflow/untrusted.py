"""Reads files that somebody else may have made to mislead or to exhaust: within bounds, and strictly."""

import json
import math
import os
from pathlib import Path
from typing import Any


def _open(path: str, flags: int) -> int:
    # No link is followed, and a pipe put in the file's place does not block; Windows has neither flag.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def read_bounded(path: Path, limit: int) -> bytes:
    """Return the content of a file of at most `limit` bytes.

    Raises
    ------
    ValueError
        It has more; no more than that is read.
    OSError
        It cannot be read, or is a link.
    """
    with open(path, "rb", opener=_open) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(limit + 1) if size <= limit else b""
    if max(size, len(content)) > limit:
        raise ValueError(f"{max(size, len(content))} bytes: expected at most {limit}")
    return content


def strict_json(text: str | bytes) -> Any:
    """Return a JSON document, read as every reader must read it.

    Raises
    ------
    ValueError
        It is no JSON in UTF-8, an object names a key twice, or a number is not finite.
    RecursionError
        It is nested too deeply.
    """
    text = text.decode("utf-8") if isinstance(text, bytes) else text
    return json.loads(text, object_pairs_hook=_object, parse_constant=_finite, parse_float=_finite)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r:.60} stands twice in an object")
    return found


def _finite(text: str) -> float:
    if math.isfinite(number := float(text)):
        return number
    raise ValueError(f"{text:.20} is no finite number")
