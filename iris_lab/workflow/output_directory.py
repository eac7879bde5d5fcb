"""Where a run is written: first beside its final place, then moved there in one step; one run at a time."""

import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from iris_lab.errors import InputError, IrisLabError
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.scratch import remove

ENOUGH_DISK = 32 * 2**20  # bytes; a run of the bundled data takes a tenth of it
TIMINGS = ".timings.json"
RENAME_EXCHANGE, AT_FDCWD = 2, -100  # linux/fs.h, fcntl.h


class OutputDirectory:
    """The final folder of a run, and the helper folders beside it.

    Parameters
    ----------
    output
        The final folder.
    helpers
        Another folder on the same file system for the helpers that are hidden; None for beside the run.

    Attributes
    ----------
    final
        The folder of the complete run.
    partial, failed, previous
        The run while it is written; the last run that failed; the old run during the exchange.
    timings
        File with the seconds of each step: beside the run and not in it, so that equal runs have equal files.
    """

    def __init__(self, output: Path, helpers: Path | None = None) -> None:
        self.final = Path(os.path.abspath(output))
        self._helpers = helpers or self.final.parent
        self.partial, self.previous = self._helper(".{}.partial"), self._helper(".{}.previous")
        self._lock = self._helper(".{}.lock")
        self.failed, self.timings = (self.final.with_name(f"{self.final.name}{end}") for end in (".failed", TIMINGS))

    def _helper(self, pattern: str) -> Path:
        return self._helpers / pattern.format(self.final.name)

    def check(self) -> None:
        """Refuse a place where a run cannot be written, before anything is written.

        Raises
        ------
        InputError
            The place is a file or a folder without a run, may not be written, or has too little free space.
        """
        if self.final.exists() and not self.final.is_dir():
            raise InputError(f"output {self.final.name!r} is a file: expected a folder, or a name that is free")
        if self.final.is_dir() and any(self.final.iterdir()) and not (self.final / CRATE_FILE).is_file():
            raise InputError(f"output {self.final.name!r} is a folder that holds no run: name another place")
        parent = next(folder for folder in self.final.parents if folder.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise InputError(
                f"cannot write in {parent}: expected a folder with permission to write; name another place"
            )
        if (free := shutil.disk_usage(parent).free) < ENOUGH_DISK:
            raise InputError(f"{free // 2**20} MiB free in {parent}: expected {ENOUGH_DISK // 2**20}; make room")

    @contextmanager
    def reserved(self, *, patience: float = 0) -> Iterator[Path]:
        """Lock the place for one run, and yield the empty folder to write in.

        Leftovers of a killed run are removed first; a run that is not published is removed at the end.

        Parameters
        ----------
        patience
            Seconds to wait for another run that is writing there.

        Raises
        ------
        InputError
            The folder cannot be created.
        IrisLabError
            Another run is writing there.
        """
        lock = FileLock(self._lock)
        try:
            for folder in (self.final.parent, self._helpers):
                folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=patience)
        except Timeout:
            raise IrisLabError(
                f"another run is writing {self.final.name!r}: wait for it, or name another place"
            ) from None
        except OSError as error:
            raise InputError(f"cannot write in {self.final.parent}: {error.strerror}; name another place") from error
        try:
            self._recover()
            self.partial.mkdir()
            yield self.partial
        finally:
            remove(self.partial)
            lock.release()

    def _recover(self) -> None:
        if self.previous.is_dir() and not self.final.exists():
            self.previous.rename(self.final)  # killed between the two renames of `publish`
        for left in (self.partial, self.previous):
            shutil.rmtree(left, ignore_errors=True)

    def publish(self) -> None:
        """Put the whole run in its place; the final path always holds exactly one complete run."""
        if not self.final.exists():
            self.partial.rename(self.final)
        elif not _exchange(self.partial, self.final):
            self.final.rename(self.previous)
            self.partial.rename(self.final)
            shutil.rmtree(self.previous, ignore_errors=True)
        remove(self.failed)

    def keep_failed(self) -> Path | None:
        """Rename the folder of a failed run to ``NAME.failed``, and return it; None if a cell removed it."""
        shutil.rmtree(self.failed, ignore_errors=True)
        try:
            self.partial.rename(self.failed)
        except OSError:
            return None
        return self.failed


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders atomically, and return whether the system can (renameat2(2), Linux 3.15)."""
    if sys.platform != "linux":
        return False
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:  # a C library without it
        return False
    return bool(rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0)
