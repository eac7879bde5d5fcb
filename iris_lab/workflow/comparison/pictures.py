"""Comparison of figures: pixel by pixel; what other drawing libraries may change is text, and the place of lines."""

import re
import struct
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import label, maximum_filter, minimum_filter, uniform_filter

from iris_lab.workflow.comparison.findings import Difference
from iris_lab.workflow.comparison.letters import Text, misread, texts_of
from iris_lab.workflow.comparison.outlines import Points, groups_of
from iris_lab.workflow.comparison.png import check_form
from iris_lab.workflow.comparison.texts import compare_texts

# Between versions of matplotlib the layout moves lines by a point, and letters are drawn otherwise. Outside them, a
# pixel may have any colour between those that the other figure has nearby. From 3.10.8 to 3.11.2, at most 0.1 % of a
# figure's pixels had none of these, 0.014 % by over 16 levels of 255 (26 of them in a square), none by over 58.
NEARBY = 3  # pixels, and as many as the axes were moved by
POINT = 120 / 72  # pixels
UNEXPLAINED = {0: 0.003, 16: 0.0002, 64: 0.00002}  # levels beyond the colours nearby: share of a figure's pixels
# Once the axes of 3.10.8 are laid over those of 3.11.2, at most 3 pixels beside each other differ by over 64 levels.
MARKED, MARK = 64, 6  # such levels; pixels beside each other that a mark has which is only in one figure
SEEN, SQUARE, CROWDED = 16, 25, 40  # of such levels and pixels, in any square: more could be read
LEVELS = 1  # of 255, by which a pixel may differ where numbers differ by rounding
LARGE = 20_000_000  # pixels; a picture that claims more is not opened
EMBEDDED = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
Pictures = Callable[[bytes, bytes], Difference | None]
Drawings = tuple[str, str]


@lru_cache(maxsize=64)  # a run has each figure as a file, in a notebook and in the page
def compare_pictures(
    was: bytes,
    now: bytes,
    *,
    redrawn: bool = False,
    drawings: Drawings | None = None,
    levels: int = 0,
    resized: bool = False,
) -> Difference | None:
    """Return how two PNG files differ.

    Parameters
    ----------
    was, now
        The files. Only the first may be of unknown origin.
    redrawn
        Versions of the drawing libraries differ: text pixels may have moved.
    drawings
        The same figures as SVG, which say where text is; without them, it may not move.
    levels
        By how many of 255 any pixel may differ.
    resized
        Other drawing libraries may have made it by up to `NEARBY` pixels larger or smaller: a colour bar.
    """
    new = Image.open(BytesIO(now))
    try:
        old = Image.open(BytesIO(was), formats=["PNG"])
        resized = resized and redrawn and max(np.abs(np.subtract(old.size, new.size))) <= NEARBY
        if old.size != new.size and not resized:
            shown: tuple[bytes, ...] = (_png(_pixels(old)), now) if old.width * old.height < LARGE else ()
            return Difference("size in pixels", "{} × {}".format(*old.size), "{} × {}".format(*new.size), shown)
        form = _form(was, now, resized=resized)
        before, after = _pixels(old.resize(new.size, Image.Resampling.NEAREST) if resized else old), _pixels(new)
    except Exception as error:  # a damaged picture can raise anything
        return Difference("", f"no readable PNG ({type(error).__name__})", "a PNG")
    distance = np.abs(before - after).max(axis=2)
    wrong = distance > levels
    if redrawn and not form and np.any(wrong):
        wrong, found = _judge(before, after, drawings)
        if found:
            return Difference(
                found.where, found.was, found.now, (_png(before), now, _png(_difference(after, distance)))
            )
    if not np.any(wrong):
        return Difference("", f"no PNG as our writer makes it: {form}", "one as it does") if form else None
    places = np.argwhere(wrong)
    row, column = (int(place) for place in places[0])
    where = f"{len(places)} of {distance.size} pixels, first at column {column}, row {row}"
    shown = (_png(before), now, _png(_difference(after, distance)))
    return Difference(where, _colour(before[row, column]), _colour(after[row, column]), shown)


def _form(was: bytes, now: bytes, *, resized: bool) -> str:
    """Say what in a file's form is not our writer's."""
    try:
        check_form(was, now, resized=resized)
    except (ValueError, struct.error, zlib.error, LookupError) as error:
        return str(error)
    return ""


def _judge(
    before: NDArray[np.int16], after: NDArray[np.int16], drawings: Drawings | None
) -> tuple[NDArray[np.bool_], Difference | None]:
    """Return the pixels that another drawing library does not explain, and a text that is another one."""
    was, now = (texts_of(svg, after.shape[1]) for svg in drawings) if drawings else ([], [])
    axes = list(zip(*(groups_of(svg, "axes") for svg in drawings), strict=True)) if drawings else []
    axes = [(old * POINT, new * POINT) for old, new in axes if np.isfinite([old, new]).all()]
    nearby = NEARBY + round(max((float(np.abs(old - new).max()) for old, new in axes), default=0.0))
    outside = np.ones(after.shape[:2], dtype=bool)
    for (left, top), (right, bottom) in (box for text in [*was, *now] for box in text.boxes):
        outside[max(0, top) : bottom + 1, max(0, left) : right + 1] = False
    if _drawn_alike(before, after, now):
        return np.any(before != after, axis=2), None
    beyond = np.maximum(_beyond(before, after, nearby), _beyond(after, before, nearby)) * outside
    for levels, share in UNEXPLAINED.items():
        if np.count_nonzero(beyond > levels) > share * beyond.size:
            return beyond > levels, None
    if uniform_filter((beyond > SEEN).astype(float), SQUARE).max() * SQUARE**2 > CROWDED:
        return beyond > SEEN, None
    for left, top, right, bottom in (box for svg in drawings or () for box in _legends(svg)):
        outside[top:bottom, left:right] = False
    for old, new in axes:
        if np.any(marks := _other_marks(before, after, (old, new), outside)):
            return marks, None
    return np.zeros_like(outside), misread(before, after, was)


def _legends(svg: str) -> list[list[int]]:
    """Return where a figure's legends are, in pixels: other versions move them within their axes."""
    corners = [legend * POINT for legend in groups_of(svg, "legend") if np.isfinite(legend).all()]
    return [np.maximum([*(box[0] - NEARBY), *(box[1] + NEARBY)], 0).astype(int).tolist() for box in corners]


def _other_marks(
    before: NDArray[np.int16], after: NDArray[np.int16], axes: tuple[Points, Points], outside: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return the pixels of marks that are in only one of two figures, once our axes are laid over the recorded ones."""
    old, new = axes
    found = np.zeros_like(outside)
    low, high = np.ceil(old[0]).astype(int) + 1, np.floor(old[1]).astype(int) - 1
    if np.any(low < 0) or np.any(high > after.shape[1::-1]) or np.any(high - low < 2 * NEARBY):
        return found
    places = [
        np.interp(np.arange(low[k], high[k]) + 0.5, old[:, k], new[:, k]).astype(int).clip(0, after.shape[1 - k] - 1)
        for k in (0, 1)
    ]
    here, there = np.ix_(np.arange(low[1], high[1]), np.arange(low[0], high[0])), np.ix_(places[1], places[0])
    beyond = np.maximum(_beyond(before[here], after[there], 1), _beyond(after[there], before[here], 1))
    marks, _ = label((beyond > MARKED) & outside[here] & outside[there], np.ones((3, 3)))
    sizes = np.bincount(marks.ravel())
    sizes[0] = 0
    found[here] = sizes[marks] > MARK
    return found


def _drawn_alike(before: NDArray[np.int16], after: NDArray[np.int16], texts: Sequence[Text]) -> bool:
    """Say whether most letters have the very same pixels: another version draws all of them otherwise."""
    boxes = [np.maximum(box, 0) for text in texts for box in text.boxes]
    cuts = [(slice(box[0][1], box[1][1]), slice(box[0][0], box[1][0])) for box in boxes]
    equal = [np.array_equal(before[cut], after[cut]) for cut in cuts]
    return bool(equal) and sum(equal) > len(equal) / 2


def _pixels(picture: Image.Image) -> NDArray[np.int16]:
    return np.asarray(picture.convert("RGBA")).astype(np.int16)


def _beyond(picture: NDArray[np.int16], other: NDArray[np.int16], nearby: int) -> NDArray[np.int16]:
    """Return by how many levels each pixel of a figure is outside the colours that the other one has nearby."""
    size = (2 * nearby + 1, 2 * nearby + 1, 1)
    darkest, lightest = minimum_filter(other, size), maximum_filter(other, size)
    found: NDArray[np.int16] = np.maximum(np.maximum(darkest - picture, picture - lightest).max(axis=2), 0)
    return found


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


def compare_markup(was: str, now: str, pictures: Pictures, *, rounded: bool = False) -> Difference | None:
    """Return the first difference of two HTML texts; the pictures in them are compared as pictures."""
    if found := compare_texts(EMBEDDED.sub("(picture)", was), EMBEDDED.sub("(picture)", now), rounded=rounded):
        return found
    pairs = zip(EMBEDDED.findall(was), EMBEDDED.findall(now), strict=True)
    for number, (old, new) in enumerate(pairs, 1):
        if old != new and (found := pictures(unpacked(old), unpacked(new))):
            return found.within(f"picture {number}")
    return None


def unpacked(text: str) -> bytes:
    """Return the bytes of a picture in a text, as our writers pack it.

    Raises
    ------
    ValueError
        It is packed another way: with characters that a reader skips, there could be anything among them.
    """
    content = b64decode(text, validate=True)
    if b64encode(content).decode() != text.removesuffix("\n"):
        raise ValueError("a picture that is not packed as our writers do it")
    return content
