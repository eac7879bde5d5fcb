"""The table of a private run: its steps read it, and its folder does not hold it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from iris_lab.data.sources import ASIDE
from iris_lab.workflow.scratch import scratch_folder

if TYPE_CHECKING:
    from iris_lab.workflow.plans import Plan


@contextmanager
def table_aside(plan: "Plan") -> Iterator[None]:
    """Let the kernels that start meanwhile find the table of a private run by its bare name, in a scratch folder."""
    if not (plan.is_private and plan.table):
        yield
        return
    before = os.environ.get(ASIDE)
    with scratch_folder() as folder:
        (folder / plan.table.file_name).write_bytes(plan.table.content)
        os.environ[ASIDE] = str(folder)
        try:
            yield
        finally:
            if before is None:
                del os.environ[ASIDE]
            else:
                os.environ[ASIDE] = before
