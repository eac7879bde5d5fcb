"""Reads the text in a raster figure: each letter has to be the one that the figure's SVG says.

Versions of matplotlib draw the same letter with other pixels. So its outline, from the SVG, is laid over the picture
where the SVG has it, and moved a little until it fits best. Measured on 3.10.8 and 3.11.2: the correlation of a letter
with its own outline is mostly over 0.79, of a mark 0.6; a digit's own outline fits better than those of other digits,
by at least 0.06.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from iris_lab.workflow.comparison.findings import Difference
from iris_lab.workflow.comparison.outlines import Letter, Points, ink, kind_of, letters_of, parse

FITS, FITS_MARK = 0.65, 0.45  # least correlation of a letter, or of a mark such as a point, with its outline
FINE = 4  # subpixels, in each direction
FAR = 24  # subpixels that a text is moved at most
REACH, MARGIN = 10, 1.5  # subpixels that a letter is moved at most; pixels around it that are looked at
SURE, STRAY = 0.65, 1.0  # correlation from which the place is certain; pixels that a letter adds to the drift at most
DRIFT = 0.03  # of the way from a text's middle, by which the place of a letter may be off
CONTRAST, FAINT = 128, 0.3  # levels of 255 by which a text may stand out more or less; share of that for a letter
Grey = NDArray[np.float64]
Pixels = NDArray[np.int16]


@dataclass(frozen=True)
class Text:
    """A text of a figure, and its letters but for the spaces; without letters, where they are not one for one."""

    text: str
    letters: list[Letter]

    @property
    def middle(self) -> Points:
        """Where the middle of the text is."""
        corners = np.concatenate([letter.corners for letter in self.letters])
        middle: Points = (corners.min(0) + corners.max(0)) / 2
        return middle

    @property
    def boxes(self) -> list[NDArray[np.int64]]:
        """The corners of the pixels that each letter may touch: those far from the middle may have drifted."""
        found = []
        for letter in self.letters if self.letters else ():
            corners = letter.corners
            margin = 1 + DRIFT * np.abs(corners.mean(0) - self.middle).max()
            low, high = np.floor(corners[0] - margin), np.ceil(corners[1] + margin)
            found.append(np.array([low, high]).astype(np.int64))
        return found


def texts_of(svg: str, width: int) -> list[Text]:
    """Return the texts of a figure whose raster version is `width` pixels wide."""
    root = parse(svg)
    shapes = {e.get("id", ""): e for e in root.iter() if kind_of(e) == "path"}
    scale = width / float(root.get("viewBox", "0 0 0 0").split()[2])
    groups = (g for g in root.iter() if g.get("id", "").startswith("text_"))
    return [text for group in groups for text in _texts(group, shapes, np.diag([scale, scale, 1.0]))]


def _texts(group: ElementTree.Element, shapes: dict[str, ElementTree.Element], matrix: Points) -> Iterator[Text]:
    said = ""
    for child in group:
        if kind_of(child) == "comment":
            said = (child.text or "").strip()
        elif kind_of(child) == "g":
            yield Text(said, letters_of(child, shapes, matrix, "".join(said.split())))


def misread(picture: Pixels, ours: Pixels, texts: Sequence[Text]) -> Difference | None:
    """Return the first text in a picture, where it is not as in `ours`, that is not the one that it should be.

    Parameters
    ----------
    picture, ours
        Two pictures of one size.
    texts
        Of the figure that the first one shows.
    """
    digits = {letter.character: letter.outline for text in texts for letter in text.letters}
    digits = {name: outline for name, outline in digits.items() if name.isdecimal()}
    for text in texts:
        if found := _misread(picture, ours, text, digits):
            return found
    return None


def _misread(picture: Pixels, ours: Pixels, text: Text, digits: dict[str, str]) -> Difference | None:
    """Read a text from its middle to both ends: the further, the more other advances of letters have added up."""
    if not text.letters:
        return None
    (left, top), (right, bottom) = np.min(text.boxes, axis=0)[0], np.max(text.boxes, axis=0)[1]
    whole = slice(max(0, top), bottom), slice(max(0, left), right), slice(0, 3)
    contrast = [np.ptp(pixels[whole], (0, 1)) for pixels in (picture, ours)]
    if np.abs(contrast[0] - contrast[1]).max() > CONTRAST:
        return Difference(f"text {text.text!r:.60}", "another colour", "as re-run")
    start, middle = _start(picture, text), len(text.letters) // 2
    for half in (range(middle, len(text.letters)), range(middle - 1, -1, -1)):
        drift = start
        for number in half:
            near = [letter.moved(drift.tolist()) for letter in text.letters[max(0, number - 1) : number + 2]]
            letter = near[min(number, 1)]
            window = _Window.around([letter], [other for other in near if other is not letter], ours.shape)
            if window is None or np.array_equal(window.cut(picture), window.cut(ours)):
                continue
            seen = window.cut(picture).mean(axis=2)
            wrong, move = _wrong(letter, window, seen, digits)
            if letter.character.isalnum() and np.ptp(seen) < FAINT * contrast[0].max():
                wrong = "hardly to be seen"
            if wrong:
                return Difference(f"text {text.text!r:.60}, letter {number + 1}", wrong, letter.character)
            drift = drift - move
    return None


def _start(picture: Pixels, text: Text) -> Points:
    """Return by how many pixels a text as a whole stands elsewhere: one that is set to its end, for one."""
    window = _Window.around(text.letters, text.letters[1:], picture.shape)
    if window is None:
        return np.zeros(2)
    moves = [(x, y) for y in range(-FAR, FAR + 1, 2) for x in range(-FAR, FAR + 1, 2)]
    return -np.array(window.best(text.letters[0], window.cut(picture).mean(axis=2), moves)[1]) / FINE


def _wrong(letter: Letter, window: "_Window", seen: Grey, digits: dict[str, str]) -> tuple[str, Points]:
    """Say what stands in the place of a letter, if another one does; and how far, in pixels, its place is off."""
    reach = range(-REACH, REACH + 1)
    own, place = window.best(letter, seen, [(x, y) for y in reach[::2] for x in reach])
    move = np.clip(np.array(place) / FINE, -STRAY, STRAY) if own > SURE else np.zeros(2)
    if own < (FITS if letter.character.isalnum() else FITS_MARK):
        return "no such letter", move
    if letter.character not in digits:
        return "", move
    near = [(place[0] + x, place[1] + y) for y in (-4, -2, 0, 2, 4) for x in (-4, -2, 0, 2, 4)]
    others = {name: outline for name, outline in digits.items() if name != letter.character}
    fits = {name: window.best(replace(letter, outline=outline), seen, near)[0] for name, outline in others.items()}
    rival = max(fits, key=lambda name: fits[name], default="")
    return (rival if rival and fits[rival] > own else ""), move


@dataclass(frozen=True)
class _Window:
    """A part of a picture around a letter, and what else is drawn in it."""

    corner: tuple[int, int]
    size: tuple[int, int]
    neighbours: list[Points]

    @classmethod
    def around(cls, letters: Sequence[Letter], others: Sequence[Letter], shape: tuple[int, ...]) -> "_Window | None":
        """Return what is around letters, with what others leave there; nothing, where that is not in the picture."""
        corners = np.concatenate([letter.corners for letter in letters])
        low, high = np.floor(corners.min(0) - MARGIN).astype(int), np.ceil(corners.max(0) + MARGIN).astype(int)
        if np.any(low < 0) or high[0] > shape[1] or high[1] > shape[0]:
            return None
        beside = [contour for other in others for contour in other.contours]
        return cls((int(low[0]), int(low[1])), (int(high[0] - low[0]), int(high[1] - low[1])), beside)

    def cut(self, picture: Pixels) -> Pixels:
        """Return its part of a picture, without transparency."""
        (x, y), (width, height) = self.corner, self.size
        return picture[y : y + height, x : x + width, :3]

    def best(self, letter: Letter, seen: Grey, moves: Sequence[tuple[int, int]]) -> tuple[float, tuple[int, int]]:
        """Return the best correlation of what is seen with a letter that is moved by subpixels, and the move."""
        pad = 1 + max(abs(way) for move in moves for way in move) // FINE
        (width, height), corner = self.size, np.array(self.corner) - pad
        contours = [(contour - corner) * FINE for contour in [*self.neighbours, *letter.contours]]
        drawn = ink(contours, np.zeros(2), ((width + 2 * pad) * FINE, (height + 2 * pad) * FINE))
        sums = np.pad(drawn.cumsum(0).cumsum(1), ((1, 0), (1, 0)))  # so that each pixel's coverage is four look-ups
        seen = seen - seen.mean()
        found = (0.0, (0, 0))
        for x, y in moves:
            rows = np.arange(height + 1)[:, None] * FINE + pad * FINE + y
            columns = np.arange(width + 1)[None, :] * FINE + pad * FINE + x
            corners = sums[rows, columns]
            cover = np.diff(np.diff(corners, axis=0), axis=1).astype(float)
            cover -= cover.mean()
            spread = float(np.sqrt((cover**2).sum() * (seen**2).sum()))
            fit = abs(float((cover * seen).sum())) / spread if spread > 0 else 0.0
            found = max(found, (fit, (x, y)))
        return found
