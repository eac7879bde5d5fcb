"""Comparison of SVG figures drawn by two versions of the drawing libraries: all the same but where text stands.

Another version of matplotlib measures text otherwise, and the layout moves the axes to make room. Measured between 3.10
and 3.11.2: axes move by up to 2.7 points; within them, every coordinate is the same to the sixth decimal; text and
legends move by at most 0.9 points; the outlines of letters are equal. So all elements, colours and texts have to be the
same, coordinates relative to their axes too, and text may move a little.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from xml.etree import ElementTree

import numpy as np

from iris_lab.workflow.comparison.findings import Difference, excerpts
from iris_lab.workflow.comparison.outlines import (
    HREF,
    NUMBER,
    REFERENCE,
    Points,
    close_points,
    corners_of,
    kind_of,
    letters_of,
    misnamed,
    numbers_of,
    parse,
    same_ink,
    same_outline,
)

SHIFTED = 4.0  # points that axes may move: more where labels are longer
MOVED = 2.0  # points that text, legends and images may move
EXACT = 2e-5  # points; coordinates are written with six decimals
ADVANCE = 1.0  # hundredths of a letter's height that the next letter may move
DIGITS = "0123456789"
VERSIONED = "{http://purl.org/dc/elements/1.1/}title"  # matplotlib writes its version there
VERSION = re.compile(r"Matplotlib v[\d.]+(?:rc\d+)?, https://matplotlib\.org/\|")
NAME = re.compile(r"[A-Za-z][\w-]{,40}")
GLYPH = re.compile(r"[A-Z][A-Za-z]+-")  # how matplotlib names an outline of a font
LETTERS = {"defs": set(), "g": {"style", "transform"}, "path": {"id", "d", "transform"}, "use": {HREF, "transform"}}
SHARP, INKED = 4.0, 0.9  # pixels to a point; share of two texts' ink that is one and the same
Shapes = dict[str, ElementTree.Element]
GEOMETRY = {"d", "x", "y", "width", "height", "transform"}
Images = Callable[[str, str], Difference | None]


@dataclass(frozen=True)
class _Place:
    """Where an element stands: in which axes, and in what kind of group."""

    box: tuple[Points, Points] | None = None  # corners of the axes: recorded, ours
    kind: str = ""  # "text", "legend", "defs"

    def moved(self, points: Points) -> Points:
        """Return recorded points where our axes would have them."""
        if self.box is None:
            return points
        was, now = self.box
        moved: Points = (points - was[0]) / np.maximum(np.ptp(was, 0), EXACT) * np.ptp(now, 0) + now[0]
        return moved


@dataclass
class _Comparison:
    images: Images
    free: float
    shapes: tuple[Shapes, Shapes]
    height: float = 0.0
    boxes: list[tuple[Points, Points]] = field(default_factory=list)
    names: set[tuple[str, str]] = field(default_factory=set)

    @property
    def shifted(self) -> float:
        """Return by how many points the axes may be moved: their labels are measured otherwise."""
        return SHIFTED if self.free > EXACT else EXACT

    def elements(self, was: ElementTree.Element, now: ElementTree.Element, place: _Place) -> Iterator[Difference]:
        """Yield the differences of two elements, first things first."""
        place = self._entered(was, now, place)
        texts = [(e.text or "").strip() + "|" + (e.tail or "").strip() for e in (was, now)]
        if self._same_letters(was, now, place) or self._outlines(was, now, place):
            return
        if was.tag != now.tag or was.keys() != now.keys() or len(was) != len(now):
            yield Difference(kind_of(now), *excerpts(_shown(was), _shown(now)))
            return
        if texts[0] != texts[1] and not (now.tag == VERSIONED and self.free > EXACT and VERSION.fullmatch(texts[0])):
            yield Difference(kind_of(now), *excerpts(*texts))
        for key in dict(now.items()):
            if not self._same(key, was, now, place):
                yield Difference(f"{key} of {kind_of(now)}", *excerpts(was.get(key, ""), now.get(key, "")))
        for old, new in zip(was, now, strict=True):
            yield from self.elements(old, new, place)

    def _outlines(self, was: ElementTree.Element, now: ElementTree.Element, place: _Place) -> bool:
        """Say whether two groups only define letters, as many as were not yet; each is compared where it is drawn."""
        return (
            place.kind == "text" and kind_of(was) == kind_of(now) == "defs" and self.free > EXACT and _plain(was, now)
        )

    def _same_letters(self, was: ElementTree.Element, now: ElementTree.Element, place: _Place) -> bool:
        """Say whether two texts are drawn alike with another number of letters: "fl" may be one."""
        alike = was.tag == now.tag and was.attrib.keys() == now.attrib.keys() and place.kind == "text"
        if not alike or "transform" not in now.attrib or len(was) == len(now) or self.free <= EXACT:
            return False
        if not _plain(was, now) or not all(self._same(key, was, now, place) for key in now.attrib):
            return False
        was_drawn, now_drawn = (
            letters_of(element, shapes, np.diag([SHARP, SHARP, 1.0]))
            for element, shapes in zip((was, now), self.shapes, strict=True)
        )
        return same_ink(was_drawn, now_drawn) >= INKED

    def _entered(self, was: ElementTree.Element, now: ElementTree.Element, place: _Place) -> _Place:
        name = now.get("id", "")
        if kind_of(now) == "defs":
            return replace(place, kind=place.kind or "defs")
        if name.startswith("axes_"):
            corners = [corners_of(element) for element in (was, now)]
            shift = np.inf if corners[0] is None or corners[1] is None else np.abs(corners[0] - corners[1]).max()
            if corners[0] is not None and corners[1] is not None and shift <= self.shifted:
                self.boxes.append((corners[0], corners[1]))
                return _Place(self.boxes[-1])
        for kind in ("text", "legend"):
            if name.startswith(f"{kind}_"):
                return replace(place, kind=place.kind or kind)
        return place

    def _same(self, key: str, was: ElementTree.Element, now: ElementTree.Element, place: _Place) -> bool:
        old, new = was.get(key, ""), now.get(key, "")
        if key == "id" and kind_of(now) == "g":
            # Numbers in a row: not every version counts hidden ticks.
            return old.rstrip(DIGITS) == new.rstrip(DIGITS) and len(old) <= len(new) + 1
        if key == "id":
            self.names.add((old, new))
            return NAME.fullmatch(old) is not None
        if key == HREF and new.startswith("data:"):
            return old == new or (self.free > EXACT and self.images(old, new) is None)
        if key in (HREF, "clip-path"):
            was_named, now_named = REFERENCE.fullmatch(old), REFERENCE.fullmatch(new)
            if was_named and now_named:
                self.names.add((was_named[1], now_named[1]))
            return bool(was_named and now_named)
        if old == new or key not in GEOMETRY:
            return old == new
        if NUMBER.sub("#", old) != NUMBER.sub("#", new):
            return False
        return self._near(key, was, now, place)

    def _near(self, key: str, was: ElementTree.Element, now: ElementTree.Element, place: _Place) -> bool:
        old, new = (numbers_of(element.get(key, "")) for element in (was, now))
        kind, tag = place.kind, kind_of(now)
        if key == "transform" and kind == "text" and tag == "use":
            return close_points(old, new, ADVANCE)
        if key == "transform" and kind == "text" and tag == "g":
            return close_points(old[2:], new[2:], EXACT) and (
                close_points(place.moved(old[:2]), new[:2], self.free) or close_points(old[:2], new[:2], self.free)
            )
        if kind == "legend" or tag == "image":
            return close_points(old, new, self.free)
        if key == "d" and len(new) % 2 == 0:
            old, new = old.reshape(-1, 2), new.reshape(-1, 2)
            down = np.array(
                [0.0, self.height if kind == "defs" else 0.0]
            )  # a collection's paths stand on the figure's foot
            return close_points(old, new, EXACT) or close_points(place.moved(old + down), new + down, EXACT)
        if key in ("x", "y", "width", "height"):
            return self._near_corner(was, now, place)
        return close_points(old, new, EXACT)

    def _near_corner(self, was: ElementTree.Element, now: ElementTree.Element, place: _Place) -> bool:
        """Compare a rectangle, or a place: in its axes, or, where it clips one of them, in any."""
        (old, new) = (np.array([[_number(e, "x"), _number(e, "y")]]) for e in (was, now))
        sizes = [np.array([[_number(e, "width"), _number(e, "height")]]) for e in (was, now)]
        places = [place] if place.box else [_Place(box) for box in self.boxes]
        return any(
            close_points(at.moved(old), new, EXACT) and close_points(at.moved(old + sizes[0]), new + sizes[1], EXACT)
            for at in places
        )


def compare_drawings(was: str, now: str, images: Images, *, redrawn: bool) -> Difference | None:
    """Return the first difference of two SVG files that other versions don't explain.

    Parameters
    ----------
    was, now
        The files' texts. Only the first may be of unknown origin.
    images
        How to compare the pictures in them.
    redrawn
        Versions of the drawing libraries differ: text may have moved. Else only the last decimals may.
    """
    # What may define entities, and what no tree holds.
    around = [text.partition("<svg")[0] + text.rpartition("</svg>")[2] for text in (was, now)]
    if around[0] != around[1]:
        return Difference("its first and last lines", *excerpts(*around))
    old, new = parse(was), parse(now)
    if name := misnamed(old, new):
        return Difference("its names", name, "names of our writer, each once")
    height = float(new.get("viewBox", "0 0 0 0").split()[3])
    shapes = (_shapes(old), _shapes(new))
    comparison = _Comparison(images, MOVED if redrawn else EXACT, shapes, height)
    if found := next(comparison.elements(old, new, _Place()), None):
        return found
    for was_named, now_named in comparison.names:
        if GLYPH.match(now_named) and not same_outline(shapes[0].get(was_named), shapes[1].get(now_named), EXACT):
            return Difference("its letters", f"another outline for {was_named:.40}", now_named)
    for names in zip(*comparison.names, strict=True) if comparison.names else ():
        if len(set(names)) < len(comparison.names):
            return Difference("its references", "another shape", "the one that is drawn there")
    return None


def _plain(*elements: ElementTree.Element) -> bool:
    """Say whether elements hold nothing but what letters are made of."""
    inside = [element for outer in elements for element in outer.iter()]
    return all(kind_of(e) in LETTERS and not e.attrib.keys() - LETTERS[kind_of(e)] for e in inside)


def _shapes(root: ElementTree.Element) -> Shapes:
    return {element.get("id", ""): element for element in root.iter() if kind_of(element) == "path"}


def _number(element: ElementTree.Element, key: str) -> float:
    return float(element.get(key, "0"))


def _shown(element: ElementTree.Element) -> str:
    return f"{kind_of(element)} {' '.join(sorted(map(str, element.keys())))} with {len(element)} elements in it"
