"""Letters as an SVG figure draws them: outlines, and the ink that they leave."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

HREF = "{http://www.w3.org/1999/xlink}href"
NUMBER = re.compile(r"-?\d+(?:\.\d*)?(?:e[-+]?\d+)?")
TRANSFORM = re.compile(r"(translate|rotate|scale)\(([^)]*)\)")
COMMAND = re.compile(r"([MLQC])([^A-Za-z]*)")
CURVE = (0.25, 0.5, 0.75, 1.0)
HASHED = re.compile(r"[0-9a-f]{10}$|(?<=-)[0-9a-f]{1,6}$")  # what versions write otherwise in a name: hashes, glyphs
NOTHING_DRAWN = re.compile(r"[A-Za-z][A-Za-z0-9.]{,23}_\d{1,4}")  # name of a group that may be without content
REFERENCE = re.compile(r"(?:url\()?#([\w.-]+)\)?")
Points = NDArray[np.float64]


def kind_of(element: ElementTree.Element) -> str:
    """Return an element's name without its name space."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else "comment"


def parse(text: str) -> ElementTree.Element:
    """Return an SVG file as a tree, without groups that draw nothing and say nothing."""
    builder = ElementTree.TreeBuilder(insert_comments=True, insert_pis=True)
    root = ElementTree.XML(text, ElementTree.XMLParser(target=builder))  # noqa: S314 (the head defines no entity)
    _prune(root)
    return root


def _prune(element: ElementTree.Element) -> None:
    """Remove groups that draw nothing: not every version writes those of hidden ticks."""
    for child in list(element):
        _prune(child)
        said = "".join(filter(None, (child.text, child.tail))).strip()
        empty = kind_of(child) == "g" and not len(child) and not said and [*child.attrib] == ["id"]
        if empty and NOTHING_DRAWN.fullmatch(child.get("id", "")):
            element.remove(child)


def misnamed(was: ElementTree.Element, now: ElementTree.Element) -> str:
    """Say which name of a figure is not of the kind that our figure has; empty if each is, and stands for one thing.

    Of two things with one name a viewer shows the first, wherever it hides.
    """
    old, new = ([e for e in root.iter() if "id" in e.attrib and kind_of(e) != "g"] for root in (was, now))
    names = [e.get("id", "") for e in was.iter() if "id" in e.attrib]
    known = {HASHED.sub("#", e.get("id", "")) for e in new}
    drawn = {found[1] for e in was.iter() for value in e.attrib.values() if (found := REFERENCE.fullmatch(value))}
    for element in old:
        name = element.get("id", "")
        if HASHED.sub("#", name) not in known:
            return f"{name:.40}, which is none of ours"
        if kind_of(element) == "path" and name not in drawn:
            return f"{name:.40}, which is not drawn"
    return next((f"{name:.40} twice" for name, count in Counter(names).items() if count > 1), "")


def numbers_of(text: str) -> Points:
    """Return the numbers in an attribute."""
    return np.array([float(number) for number in NUMBER.findall(text)])


def close_points(was: Points, now: Points, by: float) -> bool:
    """Return whether as many numbers differ by no more than `by`."""
    return was.shape == now.shape and bool(np.all(np.abs(was - now) <= by))


def corners_of(group: ElementTree.Element) -> Points | None:
    """Return the corners of the first path in a group: of axes and legends, their background."""
    numbers = numbers_of(next((e.get("d", "") for e in group.iter() if kind_of(e) == "path"), ""))
    if len(numbers) < 4 or len(numbers) % 2:
        return None
    points = numbers.reshape(-1, 2)
    return np.array([points.min(0), points.max(0)])


def groups_of(svg: str, kind: str) -> list[Points]:
    """Return the corners of a figure's groups of a kind, such as "axes"; without a background, they are infinite."""
    groups = [e for e in parse(svg).iter() if e.get("id", "").startswith(f"{kind}_")]
    found = [corners_of(group) for group in groups]
    return [np.full((2, 2), np.inf) if corners is None else corners for corners in found]


def same_outline(was: ElementTree.Element | None, now: ElementTree.Element | None, by: float) -> bool:
    """Return whether two definitions of a letter draw the same one: points may be off by `by`."""
    if was is None or now is None or was.keys() != now.keys() or was.get("transform") != now.get("transform"):
        return was is now
    old, new = was.get("d", ""), now.get("d", "")
    return NUMBER.sub("#", old) == NUMBER.sub("#", new) and close_points(numbers_of(old), numbers_of(new), by)


@dataclass(frozen=True)
class Letter:
    """A letter of a figure: its character, its outline in its own units, and the way from there to pixels."""

    character: str
    outline: str
    matrix: Points

    def moved(self, by: Sequence[float]) -> "Letter":
        """Return it a little further to the right and down."""
        shift = np.eye(3)
        shift[:2, 2] = by
        return replace(self, matrix=shift @ self.matrix)

    @property
    def corners(self) -> Points:
        """Its upper left and its lower right corner, in pixels."""
        points = np.concatenate(self.contours)
        return np.array([points.min(0), points.max(0)])

    @property
    def contours(self) -> list[Points]:
        """Its outline as polygons, in pixels."""
        found: list[list[Points]] = []
        for command, text in COMMAND.findall(self.outline):
            points = np.array([float(n) for n in NUMBER.findall(text)]).reshape(-1, 2)
            if command == "M":
                found.append([points[0]])
                continue
            hull = [found[-1][-1], *points]  # Bézier's points, by de Casteljau
            found[-1] += [points[-1]] if len(hull) == 2 else [_at(hull, t) for t in CURVE]
        return [(np.c_[np.array(c), np.ones(len(c))] @ self.matrix.T)[:, :2] for c in found]


def _at(hull: Sequence[Points], t: float) -> Points:
    while len(hull) > 1:
        hull = [(1 - t) * a + t * b for a, b in pairwise(hull)]
    return hull[0]


def letters_of(
    text: ElementTree.Element, shapes: Mapping[str, ElementTree.Element], matrix: Points, names: str = ""
) -> list[Letter]:
    """Return the letters that a group of an SVG draws.

    Parameters
    ----------
    text
        The group.
    shapes
        The outlines of the figure, by their ids.
    matrix
        What is done to the points of the group.
    names
        The characters; where they are not one for one, which one a letter is stays unknown: ``"?"``.

    Raises
    ------
    LookupError
        An outline is not there.
    """
    here = matrix @ matrix_of(text)
    drawn = [(shapes[use.get(HREF, "")[1:]], use) for use in text.iter() if kind_of(use) == "use"]
    seen = [(shape, use) for shape, use in drawn if re.search("[LQC]", shape.get("d", ""))]
    known = names if len(names) == len(seen) else "?" * len(seen)
    return [
        Letter(name, shape.get("d", ""), here @ matrix_of(use) @ matrix_of(shape))
        for name, (shape, use) in zip(known, seen, strict=True)
    ]


def ink(contours: Sequence[Points], corner: Points, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels of a picture, so wide and high, are inside of outlines; holes are not."""
    drawn = np.zeros((size[1], size[0]), dtype=bool)
    for contour in contours:
        filled = Image.new("1", size)
        ImageDraw.Draw(filled).polygon([(x, y) for x, y in contour - corner], fill=1)
        drawn ^= np.asarray(filled)
    return drawn


def same_ink(was: Sequence[Letter], now: Sequence[Letter]) -> float:
    """Return which share of the ink of two texts, laid over each other, is that of both."""
    contours = [[contour for letter in letters for contour in letter.contours] for letters in (was, now)]
    if not all(contours):
        return 0.0
    boxes = [np.array([np.concatenate(c).min(0), np.concatenate(c).max(0)]) for c in contours]
    sizes = [np.ceil(np.ptp(box, axis=0)).astype(int) for box in boxes]
    if np.abs(sizes[0] - sizes[1]).max() > 0.1 * sizes[1].max():
        return 0.0
    width, height = np.maximum(*sizes) + 1
    drawn = [ink(c, box[0], (int(width), int(height))) for c, box in zip(contours, boxes, strict=True)]
    return float((drawn[0] & drawn[1]).sum()) / max(1.0, float((drawn[0] | drawn[1]).sum()))


def matrix_of(element: ElementTree.Element) -> Points:
    """Return what an element's transformations do to points."""
    matrix = np.eye(3)
    for kind, arguments in TRANSFORM.findall(element.get("transform", "")):
        numbers = [float(n) for n in NUMBER.findall(arguments)]
        step = np.eye(3)
        if kind == "translate":
            step[:2, 2] = numbers[0], numbers[1] if len(numbers) > 1 else 0.0
        elif kind == "scale":
            step[0, 0], step[1, 1] = numbers[0], numbers[-1]
        else:
            cosine, sine = np.cos(np.deg2rad(numbers[0])), np.sin(np.deg2rad(numbers[0]))
            step[:2, :2] = [[cosine, -sine], [sine, cosine]]
        matrix = matrix @ step
    return matrix
