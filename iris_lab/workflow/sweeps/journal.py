"""The journal of a sweep: a line for each run that is done, so that the same command does only what is missing.

A line is written once a run is in its place. A run without a line, because the sweep was killed in between, is found by
its record. What a line says of a run's files is their sizes and times of change, as version control does it: a run is
read and digested again only if one of those is another.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iris_lab.errors import ArtifactError
from iris_lab.workflow.crate import Record, digest_of, read_crate
from iris_lab.workflow.integrity import check_files, files_of
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.parameters import Value
from iris_lab.workflow.sweeps.identity import Identity, differences

if TYPE_CHECKING:
    from iris_lab.workflow.plans import Plan

HIDDEN = ".sweep"  # folder for what is no run: the journal, steps that runs share, runs that are being written
JOURNAL = "journal.jsonl"


@dataclass(frozen=True)
class Entry:
    """A run that is done.

    Attributes
    ----------
    run
        Its folder.
    values
        The parameters that were given.
    table
        SHA-256 of the user's table, as it was read; empty for a bundled dataset.
    metrics
        Its numbers.
    record
        SHA-256 of its record.
    files
        Size and time of change of each of its files.
    """

    run: str
    values: Mapping[str, Value]
    table: str
    metrics: Mapping[str, float]
    record: str = ""
    files: Mapping[str, list[int]] = field(default_factory=dict)


def sizes_and_times(folder: Path) -> dict[str, list[int]]:
    """Return the size and the time of change of every file in a folder, without opening one."""
    found: dict[str, list[int]] = {}
    folders = [""]
    while folders:
        prefix = folders.pop()
        with os.scandir(folder / prefix) as inside:
            for entry in inside:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{prefix}{entry.name}/")
                else:
                    found[prefix + entry.name] = stamp(entry.stat(follow_symlinks=False))
    return found


def stamp(facts: os.stat_result) -> list[int]:
    """Return the size and the time of change of a file, as JSON can write them."""
    return [facts.st_size, facts.st_mtime_ns]


class Journal:
    """What a sweep has done.

    Attributes
    ----------
    identity
        What all its runs have in common; None if it has not begun.
    entries
        The runs that are done, by folder.
    shown
        What its tables and page were written for, and their sizes and times.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / HIDDEN / JOURNAL
        self.identity: Identity | None = None
        self.entries: dict[str, Entry] = {}
        self.shown: Mapping[str, Any] = {}
        try:
            text = self._path.read_text(encoding="utf-8")
        except OSError:
            text = ""
        for line in text.split("\n")[:-1]:  # what follows the last line break was not written to its end
            self._read(line)

    def _read(self, line: str) -> None:
        try:
            kind, content = json.loads(line)
            if kind == "sweep":
                self.identity, self.entries, self.shown = content, {}, {}
            elif kind == "run":
                self.entries[content["run"]] = Entry(**content)
            elif kind == "shown":
                self.shown = content
        except (ValueError, TypeError, LookupError):
            return  # a line that two parts of the disk disagree about: its run is found by its record

    def begin(self, identity: Identity) -> None:
        """Begin the sweep, again if it was begun: nothing counts as done."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._write("sweep", identity, mode="w")
        self.identity, self.entries, self.shown = identity, {}, {}

    def add(self, run: str, values: Mapping[str, Value], table: str, metrics: Mapping[str, float]) -> Entry:
        """Note that a run is in its place."""
        folder = self.folder / run
        entry = Entry(run, values, table, metrics, digest_of(folder / CRATE_FILE), sizes_and_times(folder))
        self._write("run", asdict(entry))
        self.entries[run] = entry
        return entry

    def show(self, shown: Mapping[str, Any]) -> None:
        """Note what the tables and the page were written for."""
        self._write("shown", shown)
        self.shown = shown

    def _write(self, kind: str, content: Any, *, mode: str = "a") -> None:
        line = json.dumps([kind, content]) + "\n"
        torn = mode == "a" and not self._ends_whole()
        with self._path.open(mode, encoding="utf-8") as file:
            file.write(f"\n{line}" if torn else line)

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            if not file.tell():
                return True
            file.seek(-1, os.SEEK_END)
            return file.read() == b"\n"

    def is_done(self, entry: Entry) -> bool:
        """Return whether a run is as it was noted, by the sizes and times of its files and the digest of its record."""
        folder = self.folder / entry.run
        try:
            return sizes_and_times(folder) == entry.files and digest_of(folder / CRATE_FILE) == entry.record
        except OSError:
            return False


def journalled(record: Record) -> dict[str, Mapping[str, str]]:
    """Return what a run's record says of what the runs of a sweep have in common."""
    return {"software": record.software, "sources": record.sources}


def is_intact(folder: Path, plan: "Plan", identity: Identity) -> bool:
    """Return whether a folder holds the whole run of a plan, by this code, with every file as recorded.

    Parameters
    ----------
    folder
        Where the run should be.
    plan
        Its plan.
    identity
        From `identity_of`.
    """
    try:
        record = read_crate(folder)
        planned = {name: plan.recorded(name) for name in plan.values}
        if (record.values, record.data, record.date) != (planned, plan.data, plan.date):
            return False
        return not differences(journalled(record), identity) and not check_files(folder, record, files_of(folder))
    except (ArtifactError, OSError):
        return False
