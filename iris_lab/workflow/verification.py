"""Verification: a run against its record, and against a re-run."""

import os
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from iris_lab.errors import ArtifactError, RecordError
from iris_lab.workflow.comparison.findings import printable
from iris_lab.workflow.consistency import check_record, claims
from iris_lab.workflow.crate import Record, read_crate
from iris_lab.workflow.integrity import check_environment, check_files, files_of
from iris_lab.workflow.steps import Progress
from iris_lab.workflow.verdict import Verification
from iris_lab.workflow.warm import Kernels, warm_kernels


def verify(
    run: Path,
    *,
    quick: bool = False,
    trust: bool = False,
    timeout: int | None = None,
    repeat: int = 1,
    kernels: Kernels | None = None,
    data: str = "",
    on_progress: Progress = lambda step, done, total: None,
) -> Verification:
    """Check a run against its record, then re-run it in a scratch folder and compare; the run itself is only read.

    Parameters
    ----------
    run
        The run directory.
    quick
        Don't re-run it.
    trust
        If the recorded model has other bytes, load it and compare its predictions: that can run code in it.
    timeout
        Seconds that one cell may take; None for no limit.
    repeat
        Number of re-runs; with two or more, the first place where they differ is found.
    kernels
        From `warm_kernels`, if the caller has started them.
    data
        Path or URL of the table of a private run, which does not hold it.
    on_progress
        Called after every cell.

    Raises
    ------
    ArtifactError
        There is no run, it cannot be read, or it is private and its table is not given.
    RecordError
        What should be its record is none, so the run is different.
    """
    started = time.perf_counter()
    run, record = read_record(run, data=None if quick else data)
    try:
        files = files_of(run)
    except OSError as error:
        raise ArtifactError(f"cannot read run {run.name!r}: {error.strerror}") from error
    altered = check_files(run, record, files) or check_record(run, record)
    found = Verification(run, record, altered, check_environment(record), claims=claims(record))
    if not quick:
        there = {name for name, ordinary in files.items() if ordinary}
        from iris_lab.workflow.reexecution import compare_again  # here: it imports for seconds

        try:
            with nullcontext(kernels) if kernels else warm_kernels() as those:
                found = compare_again(
                    found, there, those, trust=trust, timeout=timeout, repeat=repeat, on_progress=on_progress, data=data
                )
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            found = replace(found, problem=f"it could not be re-run: {where}{error.strerror or error}")
    return replace(found, seconds=time.perf_counter() - started)


def read_record(run: Path, *, data: str | None = None) -> tuple[Path, Record]:
    """Return the absolute path of a run and its record, if they can be verified.

    Parameters
    ----------
    run, data
        As for `verify`; None for `data` if nothing is to be re-run.

    Raises
    ------
    ArtifactError
        There is no run, it cannot be read, or `data` is missing or too much.
    RecordError
        What should be its record is none.
    """
    run = Path(os.path.abspath(run))  # so that "." has a name
    if not run.is_dir():
        what = "is a file" if run.exists() else "does not exist"
        raise ArtifactError(f"run {str(run)!r} {what}: give the folder of a run, such as reports/iris")
    try:
        record = read_crate(run)
    except RecordError as error:
        raise RecordError(f"{error}; the run is different") from error
    if data == "" and record.private_table:
        raise ArtifactError(
            f"run {run.name!r} is private and holds no table: give it with --data, such as --data "
            f"{printable(record.private_table)}, or check the files alone with --quick"
        )
    if data and not record.private_table:
        raise ArtifactError(f"run {run.name!r} is not private and holds its data: leave out --data")
    return run, record
