"""A step that was executed before: a run with the same inputs takes what it wrote, and does not execute it."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from iris_lab.by_step import BY_STEP, add_by_step

MANIFEST = "done.json"  # beside the files of a stored step; a folder without one was not stored to its end
FILES = "files"


@dataclass(frozen=True)
class Done:
    """What a step wrote, as it was when the step ended.

    Attributes
    ----------
    files
        Content of every file that it wrote or changed, by the path in the run.
    unstable
        Its outputs that differ in every run.
    """

    files: "dict[str, bytes]"
    unstable: Sequence[str] = ()

    @classmethod
    def taken(cls, folder: Path, names: Collection[str], unstable: Sequence[str] = ()) -> Self:
        """Return what a step left in the folder of a run: the files `names`."""
        return cls({name: (folder / name).read_bytes() for name in sorted(names)}, unstable)

    def put(self, folder: Path, keep: Collection[str] = ()) -> None:
        """Write the files into the folder of a run, as the step would have done.

        Parameters
        ----------
        folder
            The run's.
        keep
            Files that a later step wrote, so that they stay.

        Raises
        ------
        ValueError
            A file to which each step adds what is its own is none here or there.
        """
        for name, content in self.files.items():
            path = folder / name
            if name in BY_STEP and path.exists():
                add_by_step(path, content)
            elif name not in keep:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)

    def store(self, folder: Path) -> None:
        """Write the step into a folder of its own, last the list of its files with their digests."""
        self.put(folder / FILES)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        text = json.dumps({"files": digests, "unstable": list(self.unstable)}, indent=1) + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")

    @classmethod
    def stored(cls, folder: Path) -> "Self | None":
        """Return the step that a folder holds; None if it holds none, or not to its end, or not as it was stored."""
        try:
            known = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            found = cls.taken(folder / FILES, known["files"], known["unstable"])
        except (OSError, ValueError, LookupError, TypeError):
            return None
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in found.files.items()}
        return found if digests == known["files"] else None


def written_later(step: str, results: Mapping[str, Collection[str]]) -> set[str]:
    """Return the files that the steps behind one wrote, given the files of each step in their order."""
    names = list(results)
    return {file for name in names[names.index(step) + 1 :] for file in results[name]}
