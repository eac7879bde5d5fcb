"""Comparison of figures: pixel by pixel, with a tolerance only where another drawing library explains it."""

import re
from base64 import b64decode
from collections.abc import Callable
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from iris_lab.workflow.comparison.findings import Difference
from iris_lab.workflow.comparison.texts import compare_texts

# Between versions of matplotlib the pixels of text move: its FreeType changed in 3.11. Nothing else may.
MOVED_PIXELS = 0.05  # share of a figure's pixels
MOVED_BY = 16  # of 255 levels; less is no difference to the eye
LARGE = 20_000_000  # pixels; a picture that claims more is not opened
EMBEDDED = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
Pictures = Callable[[bytes, bytes], Difference | None]


def compare_pictures(was: bytes, now: bytes, *, redrawn: bool = False) -> Difference | None:
    """Return how two PNG files differ.

    Parameters
    ----------
    was, now
        The files. Only the first may be of unknown origin.
    redrawn
        Versions of the drawing libraries differ: text pixels may have moved.
    """
    new = Image.open(BytesIO(now))
    try:
        old = Image.open(BytesIO(was), formats=["PNG"])
        if old.size != new.size:
            shown: tuple[bytes, ...] = (_png(_pixels(old)), now) if old.width * old.height < LARGE else ()
            return Difference("size in pixels", "{} × {}".format(*old.size), "{} × {}".format(*new.size), shown)
        before, after = _pixels(old), _pixels(new)
    except Exception as error:  # a damaged picture can raise anything
        return Difference("", f"no readable PNG ({type(error).__name__})", "a PNG")
    distance = np.abs(before - after).max(axis=2)
    moved = np.argwhere(distance > (MOVED_BY if redrawn else 0))
    if len(moved) <= (MOVED_PIXELS * distance.size if redrawn else 0):
        return None
    row, column = (int(place) for place in moved[0])
    where = f"{len(moved)} of {distance.size} pixels, first at column {column}, row {row}"
    shown = (_png(before), now, _png(_difference(after, distance)))
    return Difference(where, _colour(before[row, column]), _colour(after[row, column]), shown)


def _pixels(picture: Image.Image) -> NDArray[np.int16]:
    return np.asarray(picture.convert("RGBA")).astype(np.int16)


def _difference(after: NDArray[np.int16], distance: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the new figure, faded, with every pixel that differs in red, and its neighbours, so that one is seen."""
    shown = 255 - (255 - after) // 4
    seen = np.pad(distance > 0, 2)
    for axis in (0, 1):
        seen = np.logical_or.reduce([np.roll(seen, by, axis) for by in range(-2, 3)])
    shown[seen[2:-2, 2:-2]] = (213, 0, 50, 255)
    shown[..., 3] = 255
    return shown


def _png(pixels: NDArray[np.int16]) -> bytes:
    written = BytesIO()
    Image.fromarray(pixels.astype(np.uint8), "RGBA").save(written, "png")
    return written.getvalue()


def _colour(pixel: NDArray[np.int16]) -> str:
    return "#" + "".join(f"{level:02x}" for level in pixel)


def compare_markup(was: str, now: str, pictures: Pictures) -> Difference | None:
    """Return the first difference of two HTML texts; the pictures in them are compared as pictures."""
    if found := compare_texts(EMBEDDED.sub("(picture)", was), EMBEDDED.sub("(picture)", now)):
        return found
    pairs = zip(EMBEDDED.findall(was), EMBEDDED.findall(now), strict=True)
    for number, (old, new) in enumerate(pairs, 1):
        if old != new and (found := pictures(b64decode(old), b64decode(new))):
            return found.within(f"picture {number}")
    return None


def compare_drawings(was: str, now: str, *, redrawn: bool = False) -> Difference | None:
    """Return the first difference of two SVG files.

    Where the drawing libraries are others, the outlines of letters are too: then the texts, which matplotlib writes
    as comments, and the groups of the drawing are compared, and its PNG answers for the rest.
    """
    if redrawn:
        was, now = ("\n".join(re.findall(r'<!-- .*? -->|<g id="[^"]+">', text)) for text in (was, now))
    return compare_texts(was, now)
