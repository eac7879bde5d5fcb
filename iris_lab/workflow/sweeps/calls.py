"""What a sweep sends to its workers: functions that import what a run needs there, and not where the sweep is."""

import pickle
from pathlib import Path

from iris_lab.workflow.done import Done
from iris_lab.workflow.output_directory import OutputDirectory
from iris_lab.workflow.sweeps.tasks import Result, Task


def warm_up() -> None:
    """Make a worker ready, while another one executes the steps that runs share."""
    from iris_lab.workflow.sweeps import workers

    workers.warm_up()


def release() -> None:
    """End what a worker keeps for the next run."""
    from iris_lab.workflow.sweeps import workers

    workers.release()


def run_first(task: Task) -> Done | str:
    """Execute the first step of a run, and return what it wrote, or why it failed."""
    from iris_lab.workflow.sweeps import workers

    return workers.run_first(task)


def run_first_away(packed: bytes) -> Done | str:
    """Execute the first step of a pickled `Task`, as `run_first`."""
    return run_first(pickle.loads(packed))  # noqa: S301 (from our own sweep, as the call itself)


def run_here(task: Task, place: OutputDirectory, first: Path | None) -> Result:
    """Execute a run beside its place and, if it did not fail, put it there.

    Parameters
    ----------
    task
        The run.
    place
        Where it belongs.
    first
        Folder of its first step, if that was executed before.
    """
    from iris_lab.workflow.sweeps import workers

    return workers.run_here(task, place, first)


def run_away(packed: bytes) -> Result:
    """Execute a run on a machine that does not share a file system with the sweep, and return it with its files.

    Parameters
    ----------
    packed
        A pickled `Task`, and its first step or None. As bytes it travels with the call: Dask would scatter it as an
        object, and what is scattered is lost with the worker that holds it.
    """
    from iris_lab.workflow.sweeps import workers

    task, first = pickle.loads(packed)  # noqa: S301 (from our own sweep, as the call itself)
    return workers.run_away(task, first)
