"""Private folders for the time of a run, also where the folder for temporary files is long, or shared."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # asked for before it is used

PREFIX, NEWBORN = "iris-lab-", "iris-lab.new-"
NEWBORN_SECONDS = 60  # by then a new folder is locked and has its name
ALIVE = ".alive"  # the file that the folder's owner holds locked
# A socket's path has at most 107 bytes (unix(7)); the folder's own name and the socket's take up to 48 of them.
SHORT = 107 - 48
ROOTS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))  # noqa: S108 (only for folders that mkdtemp makes there)


@contextmanager
def scratch_folder(root: Path | None = None) -> Iterator[Path]:
    """Give a private folder, removed at the end, and remove those that killed processes left.

    Parameters
    ----------
    root
        Where to make it; None for the folder for temporary files.
    """
    root = root or Path(tempfile.gettempdir())
    for old in [*root.glob(f"{PREFIX}*"), *root.glob(f"{NEWBORN}*")]:
        if is_abandoned(old):
            shutil.rmtree(old, ignore_errors=True)
    newborn = Path(tempfile.mkdtemp(prefix=NEWBORN, dir=root))
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
    """Remove a folder with all that is in it, also where an interrupt comes in between."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def is_abandoned(folder: Path) -> bool:
    """Say whether nobody holds a folder; a process number would say nothing of another container's processes."""
    if not fcntl:
        return False
    with suppress(OSError):  # also that of a lock which is held
        if folder.name.startswith(NEWBORN) and time.time() - folder.stat().st_mtime < NEWBORN_SECONDS:
            return False
        with (folder / ALIVE).open("a") as alive:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


@contextmanager
def socket_folder(scratch: Path) -> Iterator[Path | None]:
    """Give a folder whose path is short enough for sockets: `scratch`, one elsewhere, or None where there is none."""
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
