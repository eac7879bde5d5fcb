"""Checks of a run that need no re-run: its files against their digests, its environment against this one."""

import os
import stat
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from iris_lab.errors import ArtifactError, InputError
from iris_lab.workflow import provenance
from iris_lab.workflow.comparison.findings import ALTERED, EXTRA, MISSING, NO_FILE, Difference, Finding
from iris_lab.workflow.crate import SHA256, Record, digest_of
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.notebooks import read_notebook
from iris_lab.workflow.steps import STEPS

CHANGED = "changed"
MOST_FILES = 100_000  # in a run; one with more is refused


def files_of(run: Path) -> dict[str, bool]:
    """Return the paths of all files and empty folders of a run, and whether each is an ordinary file.

    Nothing is opened or followed: a link could lead out of the run, and reading a pipe would never end.

    Raises
    ------
    ArtifactError
        The run has too many files.
    """
    found: dict[str, bool] = {}
    folders = [""]
    while folders:
        prefix = folders.pop()
        with os.scandir(run / prefix) as entries:
            inside = list(islice(entries, MOST_FILES))
        if not inside and prefix:
            found[prefix] = False
        for entry in inside:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{name}/")
            else:
                found[name] = stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
        if len(found) + len(folders) >= MOST_FILES:
            raise ArtifactError(f"run {run.name!r} has over {MOST_FILES} files: expected those of its record")
    return dict(sorted(found.items()))


def remove_empty_folders(run: Path) -> None:
    """Remove empty folders: the record does not name them, and not every archive keeps them."""
    while empty := [name for name in files_of(run) if name.endswith("/")]:
        for name in empty:
            (run / name).rmdir()


def check_files(run: Path, record: Record, files: Mapping[str, bool]) -> list[Finding]:
    """Return a finding for every file that is not what the record says."""
    found = []
    for name, ordinary in files.items():
        if name.endswith("/"):
            found.append(Finding(name, EXTRA, Difference("", "not in the record", "an empty folder")))
        elif not ordinary:
            found.append(Finding(name, NO_FILE, Difference("", "a file", "a link or a device; it was not opened")))
        elif name in record.artifacts:
            if finding := _check_digest(run, name, record):
                found.append(finding)
        elif name != CRATE_FILE:
            found.append(Finding(name, EXTRA, Difference("", "not in the record", "there")))
    gone = [name for name in record.artifacts if name not in files]
    return sorted(found + [Finding(name, MISSING) for name in gone], key=lambda finding: finding.name)


def _check_digest(run: Path, name: str, record: Record) -> Finding | None:
    recorded = record.artifacts[name]
    try:
        size = (run / name).stat().st_size
        if size != record.sizes[name]:
            return Finding(name, ALTERED, Difference("size", f"{record.sizes[name]} bytes", f"{size} bytes"))
        digest = digest_of(run / name)
    except OSError as error:
        return Finding(name, ALTERED, Difference("", "a file", f"cannot be read: {error.strerror}"))
    if digest == recorded:
        return None
    return Finding(name, ALTERED, Difference("SHA-256", f"{recorded[:12]}…", f"{digest[:12]}…"))


def check_environment(record: Record) -> list[Finding]:
    """Return a finding for every version, notebook and module that differs from the record."""
    found = _changes(record.software, provenance.software(), "not recorded", "not installed")
    try:
        here = [step for step in STEPS if step.name in record.parameters]
        sources = provenance.sources({step.name: read_notebook(step.notebook) for step in here})
    except (InputError, OSError) as error:
        return [*found, Finding("notebooks", CHANGED, Difference("", "recorded", f"cannot be read: {error}"))]
    return found + _changes(record.sources, sources, "not recorded", "not there")


def _changes(was: Mapping[str, str], now: Mapping[str, str], unrecorded: str, gone: str) -> list[Finding]:
    return [
        Finding(name, CHANGED, Difference("", *_short(was.get(name, unrecorded), now.get(name, gone))))
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    ]


def _short(was: str, now: str) -> tuple[str, str]:
    """Return two digests shortened, unless they are then equal; versions are returned whole."""
    short = [f"{text[:12]}…" if SHA256.fullmatch(text) else text for text in (was, now)]
    return (short[0], short[1]) if short[0] != short[1] else (was, now)
