"""What a step may leave in the folder of a run."""

from pathlib import Path

from iris_lab.errors import StepError
from iris_lab.workflow.crate import LARGEST_NOTEBOOK, LARGEST_RUN
from iris_lab.workflow.integrity import files_of
from iris_lab.workflow.layout import CRATE_FILE, PAGE_FILE


def check_left(step: str, folder: Path) -> None:
    """Refuse what a step left that nobody could verify, before it is opened: reading a pipe would never end.

    Raises
    ------
    StepError
        It left a link, a file with a name that is not its own to use or that not every system can read, or too much.
    """
    if folder.is_symlink():
        raise StepError(step, None, "it left a link in the place of the run's folder; change the cell that makes it")
    for name, ordinary in files_of(folder).items():
        if name.endswith("/"):
            continue
        if name in (CRATE_FILE, PAGE_FILE):
            problem = "a name that the run itself writes"
        elif not ordinary:
            problem = "a link, a pipe, a socket or a device: expected ordinary files"
        elif "\\" in name or not name.isprintable():
            problem = "a name that not every system can read: expected printable characters other than \\"
        else:
            continue
        raise StepError(step, None, f"it left {name[:80]!r}, {problem}; change the cell that makes it")
    size = (folder / f"{step}.ipynb").stat().st_size
    if size > LARGEST_NOTEBOOK:
        most = f"expected at most {LARGEST_NOTEBOOK}, for `iris-lab verify` reads no more"
        raise StepError(step, None, f"its outputs make a notebook of {size} bytes: {most}; let it print less")
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if total > LARGEST_RUN:
        raise StepError(step, None, f"the run has {total} bytes: expected at most {LARGEST_RUN}; write less")
