"""A step of a plan, executed into a folder, and what it wrote there."""

import errno
import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from papermill import execute_notebook
from papermill.exceptions import PapermillExecutionError

from iris_lab.by_step import added_by_step, read_by_step
from iris_lab.data import parsed
from iris_lab.errors import StepError
from iris_lab.place import DATA_FOLDER
from iris_lab.workflow import crate
from iris_lab.workflow.aside import table_aside
from iris_lab.workflow.branches import Kernels
from iris_lab.workflow.done import Done
from iris_lab.workflow.leftovers import check_left
from iris_lab.workflow.normalization import volatile_outputs
from iris_lab.workflow.plans import Plan
from iris_lab.workflow.scratch import scratch_folder
from iris_lab.workflow.steps import Progress, Step
from iris_lab.workflow.warm import WarmParent

NAMED = 20  # unstable outputs of a step that the record names
LONGEST = 1000  # characters of an error in the line that names the cell; the notebook has all


@dataclass(frozen=True)
class Performed:
    """What is known of a step that was executed.

    Attributes
    ----------
    results
        The files that it wrote or changed.
    unstable
        Its outputs that would differ in another run.
    seconds
        How long it took.
    added
        What it added to each of the files that all steps add to.
    """

    results: Sequence[str]
    unstable: Sequence[str]
    seconds: float
    added: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Performer:
    """Executes steps of a plan.

    Attributes
    ----------
    plan
        The plan.
    warm_parent, timeout, allow_unstable, on_progress
        As for `runs.execute`.
    environment
        Variables of the kernels that say where the data are.
    kernels
        Takes note of each kernel.
    on_notebook
        Called with each executed notebook.
    """

    plan: Plan
    warm_parent: WarmParent | None
    timeout: int | None
    allow_unstable: bool
    on_progress: Progress
    environment: Mapping[str, str]
    kernels: Kernels
    on_notebook: Callable[[Path], object] = lambda path: None

    def perform(self, steps: Sequence[Step], folder: Path, *, known: Mapping[str, str]) -> dict[str, Performed]:
        """Execute steps one after another, and return what is known of each.

        Parameters
        ----------
        steps
            What to execute.
        folder
            The working folder, from `prepare`.
        known
            Digests of the files in it that no step wrote.

        Raises
        ------
        StepError
            A step failed, an output would differ in another run, or the artifacts could not be written.
        """
        performed = {}
        for step in steps:
            started, before = time.perf_counter(), read_by_step(folder)
            try:
                unstable = self._perform(step, folder)
                self.on_notebook(folder / step.notebook.name)
                found = crate.artifacts_of(folder)
            except OSError as error:
                raise cannot_write(step, error) from error
            results = [name for name, digest in found.items() if known.get(name) != digest]
            seconds = round(time.perf_counter() - started, 3)
            performed[step.name] = Performed(results, unstable, seconds, added_by_step(before, folder))
            known = found
        return performed

    def _perform(self, step: Step, folder: Path) -> Sequence[str]:
        """Execute a step, check what it left, and return its outputs that would differ in another run."""
        found = self._execute(step, folder)
        if found and not self.allow_unstable:
            raise _will_not_verify(step, *found[0])
        check_left(step.name, folder)
        return [f"cell {cell}: {what}" for cell, what, _ in found[:NAMED]]

    def _execute(self, step: Step, folder: Path) -> list[tuple[int, str, str]]:
        """Execute a notebook, and return what of its outputs would differ in another run: cell, what, what it shows."""
        parameters = self.plan.injected(step)
        notebook = nbformat.reads(self.plan.texts[step.name], as_version=4)
        kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook.metadata.setdefault("kernelspec", kernelspec)
        notebook.metadata.kernelspec.setdefault("language", "python")
        self.on_progress(step.name, 0, len(notebook.cells) + bool(parameters))  # the step starts
        try:
            done = execute_notebook(
                notebook,
                str(folder / step.notebook.name),
                parameters,
                engine_name="iris-lab",
                progress_bar=False,
                # Not papermill's cwd, which changes that of this process: other steps may be running in it.
                kernel_cwd=str(folder),
                step=step.name,
                warm_parent=self.warm_parent,
                execution_timeout=self.timeout,
                environment=self.environment,
                on_progress=functools.partial(self.on_progress, step.name),
                on_kernel=self.kernels.add,
            )
        except PapermillExecutionError as error:
            # papermill counts from 0, and counts the cell that it injects after the parameters cell
            number = error.cell_index + 1 - (1 if parameters and error.cell_index > 0 else 0)
            reason = " ".join(str(error.evalue).split())
            raise StepError(step.name, number, f"{error.ename}: {reason}"[:LONGEST]) from error
        return list(volatile_outputs(done))


def prepare(plan: Plan, folder: Path, *, first: bool) -> dict[str, str]:
    """Write the table, and for the first step the images of the prose, and return the digests of what is no result."""
    if plan.table and not plan.is_private:
        (folder / DATA_FOLDER).mkdir()
        (folder / DATA_FOLDER / plan.table.file_name).write_bytes(plan.table.content)
    known = crate.artifacts_of(folder)  # without the images, which count as results of the first step
    for name, image in plan.images.items() if first else ():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(image)
    return known


@contextmanager
def what_kernels_read(plan: Plan) -> Iterator[Mapping[str, str]]:
    """Keep a large table, parsed, and that of a private run in scratch folders; yield the variables that say so."""
    with scratch_folder() as scratch, table_aside(plan):
        if plan.dataset:
            parsed.store(plan.dataset, scratch)
        yield {parsed.VARIABLE: str(plan.parsed or scratch)}


def cannot_write(step: Step, error: OSError) -> StepError:
    """Return the error for a run that cannot be written."""
    gone = os.strerror(errno.ENOENT) if isinstance(error, FileNotFoundError) else ""  # papermill's own names a path
    return StepError(step.name, None, f"cannot write the run: {error.strerror or gone or error}")


def _will_not_verify(step: Step, cell: int, what: str, shown: str) -> StepError:
    return StepError(
        step.name,
        cell,
        f"{what}: {shown}: expected the same outputs in every run; change what it prints, or publish it with "
        "--allow-unstable",
    )


def taken(performed: Performed, folder: Path) -> Done:
    """Return what a step wrote into a folder, to be put into another."""
    return Done.taken(folder, performed.results, performed.unstable)
