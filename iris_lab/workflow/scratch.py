"""Private folders for the time of a run, even if containers share the temporary folder or its path is long."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from iris_lab.errors import InputError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # checked before it is used

PREFIX, NEWBORN = "iris-lab-", "iris-lab.new-"
NEWBORN_SECONDS = 60  # by then a new folder is locked and has its name
ALIVE = ".alive"  # a file that the folder's owner keeps locked
# A socket's path has at most 107 bytes (unix(7)); the folder's own name and the socket's take up to 48 of them.
SHORT = 107 - 48
ROOTS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 (only for folders that mkdtemp makes there)


@contextmanager
def scratch_folder(root: Path | None = None) -> Iterator[Path]:
    """Yield a private folder, removed at the end; folders that killed processes left are removed first.

    Parameters
    ----------
    root
        Where to create it; None for the system's temporary folder.

    Raises
    ------
    InputError
        Nothing can be written there.
    """
    root = root or Path(tempfile.gettempdir())
    for old in [*root.glob(f"{PREFIX}*"), *root.glob(f"{NEWBORN}*")]:
        if is_abandoned(old):
            remove(old)
    try:
        newborn = Path(tempfile.mkdtemp(prefix=NEWBORN, dir=root))
    except OSError as error:
        raise InputError(
            f"cannot write in {root}, the folder for temporary files: {error.strerror}; set TMPDIR to another one"
        ) from error
    folder = newborn.with_name(newborn.name.replace(NEWBORN, PREFIX))
    try:
        with (newborn / ALIVE).open("w") as alive:
            if fcntl:
                fcntl.flock(alive, fcntl.LOCK_EX)
            newborn.rename(folder)
            yield folder
    finally:
        for each in (folder, newborn):
            remove(each)


def remove(folder: Path) -> None:
    """Remove a folder and its content, even if an interrupt arrives meanwhile."""
    try:
        _remove(folder)
    except KeyboardInterrupt:
        _remove(folder)
        raise


def _remove(folder: Path) -> None:
    """Remove a folder's lock last, so that the next run can finish what a killed one began."""
    with suppress(OSError):
        if folder.is_symlink():
            folder.unlink()  # not what it leads to
            return
        for inside in folder.iterdir():
            if inside.is_dir() and not inside.is_symlink():
                shutil.rmtree(inside, ignore_errors=True)
            elif inside.name != ALIVE:
                inside.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def is_abandoned(folder: Path) -> bool:
    """Return whether a folder of ours has a lock that no process holds, which shows even those of another container.

    A folder without a lock is not ours, whatever its name: people call folders iris-lab-something, too.
    """
    if not fcntl:
        return False
    with suppress(OSError):  # including that of a lock that is held
        if folder.name.startswith(NEWBORN):
            if time.time() - folder.stat().st_mtime < NEWBORN_SECONDS:
                return False
            if not any(folder.iterdir()):  # its owner was killed before the lock was there
                return True
        with (folder / ALIVE).open("r+") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


@contextmanager
def socket_folder(scratch: Path) -> Iterator[Path | None]:
    """Yield a folder whose path is short enough for sockets: `scratch`, another one, or None if there is none."""
    roots = (root for root in (scratch.parent, *ROOTS) if len(os.fsencode(root)) <= SHORT and _is_writable(root))
    short = next(roots, None)
    if os.name != "posix" or short is None:
        yield None
    elif short == scratch.parent:
        yield scratch
    else:
        with scratch_folder(short) as folder:
            yield folder


def _is_writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK | os.X_OK)
