"""What a verification finds: verdicts, and the first place where two things differ."""

from collections.abc import Mapping
from dataclasses import dataclass

IDENTICAL, EQUIVALENT, DIFFERENT, CLAIMED = "identical", "equivalent", "different", "claimed"
ALTERED, MISSING, EXTRA, NO_FILE = "altered", "missing", "extra", "not a file"
SOURCE_PLACE, PARAMETERS_PLACE = "its source", "its parameters"  # where a cell differs
SHOWN = 120  # characters of a text


@dataclass(frozen=True)
class Difference:
    """The first place where two things differ.

    Attributes
    ----------
    where
        The place, such as ``cell 7, output 1``; empty for the whole.
    was, now
        What was recorded, and what it is now.
    pictures
        For a figure, as PNG: the recorded one, the new one, and, if both have the same size, what differs.
    """

    where: str
    was: str
    now: str
    pictures: tuple[bytes, ...] = ()

    def within(self, where: str) -> "Difference":
        """Return the same difference, with its place inside `where`."""
        return Difference(", ".join(filter(None, (where, self.where))), self.was, self.now, self.pictures)


@dataclass(frozen=True)
class Finding:
    """What was found about an artifact, a package or a module.

    Attributes
    ----------
    name
        The artifact's path, or the name of the package or module.
    verdict
        One word.
    difference
        Where it differs, if it does.
    note
        Why it is equivalent, if it is.
    """

    name: str
    verdict: str
    difference: Difference | None = None
    note: str = ""

    def as_json(self) -> Mapping[str, str]:
        """Return everything but the pictures."""
        shown = {"name": self.name, "verdict": self.verdict, "note": self.note}
        if self.difference:
            shown |= {"where": self.difference.where, "was": self.difference.was, "now": self.difference.now}
        return {key: value for key, value in shown.items() if value or key in ("was", "now")}


def excerpts(was: str, now: str) -> tuple[str, str]:
    """Return two texts, each in one line and cut to the part around their first difference."""
    start = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
    start = max(0, start - SHOWN // 3) if max(len(was), len(now)) > SHOWN else 0
    return _cut(was, start), _cut(now, start)


def _cut(text: str, start: int) -> str:
    cut = ("…" if start else "") + text[start : start + SHOWN] + ("…" if len(text) > start + SHOWN else "")
    return printable(cut)


def printable(text: str) -> str:
    """Return a text in one line, without characters that control a terminal."""
    return "".join(c if c.isprintable() else {"\n": "⏎", "\t": " "}.get(c, "�") for c in text)
