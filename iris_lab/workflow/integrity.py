"""Checks of a run that need no execution: its files against their digests, its environment against this one."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from iris_lab.errors import InputError
from iris_lab.workflow import provenance
from iris_lab.workflow.comparison.findings import ALTERED, EXTRA, MISSING, NO_FILE, Difference, Finding
from iris_lab.workflow.crate import Record, digest_of
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.notebooks import read_notebook
from iris_lab.workflow.steps import STEPS

CHANGED = "changed"


def files_of(run: Path) -> dict[str, bool]:
    """Return the path of everything in a run but folders, and whether it is an ordinary file.

    Nothing is opened or followed: a link could lead out of the run, and reading a pipe would never end.
    """
    found, folders = {}, [""]
    while folders:
        prefix = folders.pop()
        with os.scandir(run / prefix) as entries:
            for entry in entries:
                name = prefix + entry.name
                if entry.is_dir(follow_symlinks=False):
                    folders.append(f"{name}/")
                else:
                    found[name] = stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
    return dict(sorted(found.items()))


def check_files(run: Path, record: Record, files: Mapping[str, bool]) -> list[Finding]:
    """Return a finding for every file that is not what the record says."""
    found = []
    for name, ordinary in files.items():
        if not ordinary:
            found.append(Finding(name, NO_FILE, Difference("", "a file", "a link or a device; it was not opened")))
        elif name in record.artifacts:
            if finding := _check_digest(run, name, record.artifacts[name]):
                found.append(finding)
        elif name != CRATE_FILE:
            found.append(Finding(name, EXTRA, Difference("", "not in the record", "there")))
    gone = [name for name in record.artifacts if name not in files]
    return sorted(found + [Finding(name, MISSING) for name in gone], key=lambda finding: finding.name)


def _check_digest(run: Path, name: str, recorded: str) -> Finding | None:
    try:
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
    was, now = ({name: f"{sha[:12]}…" for name, sha in shas.items()} for shas in (record.sources, sources))
    return found + _changes(was, now, "not recorded", "not there")


def _changes(was: Mapping[str, str], now: Mapping[str, str], unrecorded: str, gone: str) -> list[Finding]:
    return [
        Finding(name, CHANGED, Difference("", was.get(name, unrecorded), now.get(name, gone)))
        for name in sorted(was.keys() | now.keys())
        if was.get(name) != now.get(name)
    ]
