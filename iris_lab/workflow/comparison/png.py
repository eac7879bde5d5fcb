"""The form of a PNG file: it must contain only what our own writer puts there, even if a viewer would ignore it."""

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
Chunk = tuple[bytes, bytes]


def check_form(was: bytes, now: bytes, *, resized: bool = False) -> None:
    """Refuse a PNG file that differs from ours in more than its pixels.

    Parameters
    ----------
    was
        A file of unknown origin.
    now
        The file of our own writer.
    resized
        The first file may have another size in pixels.

    Raises
    ------
    ValueError
        The first file has other chunks, such as an animation or a colour profile, bytes after its end, or more or fewer
        pixels than its header says.
    """
    (old, packed), (new, _) = _parts(was), _parts(now)
    header = old[0][1]
    if resized and header[8:] == new[0][1][8:]:
        new[0] = old[0]
    for a, b in zip([*old, (b"", b"")], [*new, (b"", b"")], strict=False):
        if a != b:
            raise ValueError(f"chunk {(a[0] or b[0]).decode('latin-1')!a}")
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    expected = height * (1 + -(-width * depth * CHANNELS[colour] // 8))  # each row has a byte for its filter
    unpacking = zlib.decompressobj()
    pixels = unpacking.decompress(packed, expected + 1)
    if len(pixels) != expected or not unpacking.eof or unpacking.unused_data:
        raise ValueError("more or fewer pixels than its header says")


def _parts(png: bytes) -> tuple[list[Chunk], bytes]:
    """Return the chunks, with those of the pixel data replaced by one without content, and the pixel data."""
    plain: list[Chunk] = []
    packed = []
    for kind, content in _chunks(png):
        if kind == b"IDAT":
            packed.append(content)
            content = b""
        if not plain or (kind, content) != plain[-1]:
            plain.append((kind, content))
    return plain, b"".join(packed)


def _chunks(png: bytes) -> Iterator[Chunk]:
    if not png.startswith(SIGNATURE):
        raise ValueError("another signature")
    place, kind = len(SIGNATURE), b""
    while place + 12 <= len(png):
        (length,), kind = struct.unpack(">I", png[place : place + 4]), png[place + 4 : place + 8]
        content, check = png[place + 8 : place + 8 + length], png[place + 8 + length : place + 12 + length]
        if check != struct.pack(">I", zlib.crc32(kind + content)):
            raise ValueError(f"chunk {kind.decode('latin-1')!a} is damaged")
        yield kind, content
        place += 12 + length
        if kind == b"IEND":
            break
    if kind != b"IEND" or place != len(png):
        raise ValueError("no end, or bytes after it")
