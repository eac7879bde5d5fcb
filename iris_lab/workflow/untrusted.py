"""Reads files that may be made to mislead a reader or to exhaust memory: strictly, and up to a size."""

import json
import math
import os
from pathlib import Path
from typing import Any


def _open(path: str, flags: int) -> int:
    # With these flags a link is refused, and a pipe in the file's place does not block; Windows has neither.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))


def read_bounded(path: Path, limit: int) -> bytes:
    """Return the content of a file of at most `limit` bytes.

    Raises
    ------
    ValueError
        The file is larger; the rest of it is not read.
    OSError
        The file cannot be read, or is a link.
    """
    with open(path, "rb", opener=_open) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(limit + 1) if size <= limit else b""
    if max(size, len(content)) > limit:
        raise ValueError(f"{max(size, len(content))} bytes: expected at most {limit}")
    return content


def strict_json(text: str | bytes) -> Any:
    """Return a JSON document that every reader understands in the same sense.

    Raises
    ------
    ValueError
        The text is no JSON in UTF-8, an object has a key twice, or a number is not finite.
    RecursionError
        The document is nested too deeply.
    """
    text = text.decode("utf-8") if isinstance(text, bytes) else text
    return json.loads(text, object_pairs_hook=_object, parse_constant=_finite, parse_float=_finite)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r:.60} is twice in an object")
    return found


def _finite(text: str) -> float:
    if math.isfinite(number := float(text)):
        return number
    raise ValueError(f"{text:.20} is no finite number")
