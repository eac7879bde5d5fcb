"""Decompression that stops where a table ends and a bomb begins."""

import io
from collections.abc import Callable
from typing import IO, Any

from iris_lab.errors import InputError


def open_zstd(place: Any) -> Any:
    """Open a file compressed by zstd; the standard library can from Python 3.14 on."""
    import pyarrow

    return pyarrow.CompressedInputStream(place if hasattr(place, "read") else str(place), "zstd")


class Unpacked(io.RawIOBase):
    """What a compressed file holds, up to a limit; it can be read again from its start.

    Parameters
    ----------
    reopen
        Opens it.
    most
        The limit in bytes; None for none.
    """

    def __init__(self, reopen: Callable[[], IO[bytes]], most: int | None) -> None:
        self._reopen, self._most = reopen, most
        self._file, self._read = reopen(), 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes.

        Raises
        ------
        InputError
            The limit is passed.
        """
        piece = self._file.read(len(buffer))
        buffer[: len(piece)] = piece
        self._read += len(piece)
        check_size(self._read, self._most)
        return len(piece)

    def seekable(self) -> bool:
        """Say that it can be read again."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go back to the start, or tell the place."""
        if (offset, whence) == (0, io.SEEK_CUR):
            return self._read
        if (offset, whence) != (0, io.SEEK_SET):
            raise io.UnsupportedOperation("only to its start")
        self._file.close()
        self._file, self._read = self._reopen(), 0
        return 0

    def close(self) -> None:
        """Close the compressed file, too."""
        self._file.close()
        super().close()


def check_size(size: int, most: int | None) -> None:
    """Refuse a table that unpacks to more bytes than `most`."""
    if most is not None and size > most:
        raise InputError(f"it unpacks to over {most >> 20} MiB, too much for its size: unpack it yourself")
