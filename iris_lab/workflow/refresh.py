"""``python -m iris_lab.workflow.refresh`` renews the outputs stored in ``notebooks/``, the reference of nbval.

With ``--check FILE …`` it only lists which notebooks are not normalized, and why, as the pre-commit hook does.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import nbformat
from papermill import execute_notebook

from iris_lab.errors import IrisLabError
from iris_lab.place import INSTALLED
from iris_lab.workflow.normalization import problems
from iris_lab.workflow.steps import STEPS, Step
from iris_lab.workflow.warm import WarmParent, warm_kernels


def main(arguments: Sequence[str] | None = None) -> int:
    """Renew the notebooks, or check those that are named; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m iris_lab.workflow.refresh", description=__doc__)
    parser.add_argument("--check", nargs="+", type=Path, metavar="FILE", help="check these notebooks instead")
    given = parser.parse_args(arguments)
    if INSTALLED and not given.check:
        parser.exit(2, f"{parser.prog}: this is an installed package; expected a checkout, whose notebooks it renews\n")
    lines = check(given.check) if given.check else refresh(STEPS)
    print("\n".join(lines))  # noqa: T201 (a command)
    return int(bool(given.check and lines))


def check(notebooks: Sequence[Path]) -> list[str]:
    """Return a line for each reason why a notebook is not normalized."""
    return [f"{path}: {line}" for path in notebooks for line in problems(nbformat.read(path, as_version=4))]


def refresh(steps: Sequence[Step]) -> list[str]:
    """Execute the steps with their defaults, store the outputs in them, and return a line for each step.

    Raises
    ------
    IrisLabError
        An output would differ in the next run.
    """
    with warm_kernels() as (warm_parent, scratch):
        return [_refresh(step, scratch, warm_parent) for step in steps]


def _refresh(step: Step, scratch: Path, warm_parent: WarmParent | None) -> str:
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        executed = Path(folder) / step.notebook.name
        notebook = execute_notebook(
            str(step.notebook), str(executed), engine_name="iris-lab", progress_bar=False, warm_parent=warm_parent
        )
    if found := problems(notebook):
        raise IrisLabError(f"{step.name} would differ in the next run: {'; '.join(found)}")
    old, new = step.notebook.read_text(encoding="utf-8"), nbformat.writes(notebook) + "\n"
    step.notebook.write_text(new, encoding="utf-8", newline="\n")
    return f"{step.name}: {'unchanged' if old == new else 'renewed'}"


if __name__ == "__main__":
    sys.exit(main())
