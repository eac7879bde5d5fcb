"""``iris-lab sweep`` on iris: stopped and started again, it makes the runs that ``iris-lab report`` makes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from iris_lab.workflow.crate import CRATE_FILE, artifacts_of
from iris_lab.workflow.report import Job, report
from iris_lab.workflow.sweeps.journal import HIDDEN

ARGUMENTS = ["-p", "model=lda,knn", "-p", "seed=1", "--jobs", "1", "--output", "runs"]
COMMAND = [sys.executable, "-m", "iris_lab", "sweep", *ARGUMENTS]


def stopped(folder: Path) -> tuple[int, str]:
    """Start the command, press Ctrl-C once the first run is done, and return its exit code and what it told."""
    process = subprocess.Popen(COMMAND, cwd=folder, stderr=subprocess.PIPE, text=True, start_new_session=True)
    told = process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    told += process.communicate(timeout=120)[1]
    return process.returncode, told


@pytest.mark.slow
def test_a_stopped_sweep_goes_on_and_each_run_is_that_of_a_report(tmp_path):
    code, told = stopped(tmp_path)
    assert code == 130
    assert told.startswith("model=lda_seed=1: done (1 of 2, ")
    assert told.endswith("iris-lab: stopped; 1 of 2 runs were done; the same command goes on from there\n")
    again = subprocess.run(COMMAND, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert again.stderr.startswith("1 of 2 runs were done before\nmodel=knn_seed=1: done (2 of 2, 00:00 left)\n")
    assert [line.split()[0] for line in again.stdout.splitlines() if line] == ["model", "lda", "knn", "page", "table"]
    assert sorted(path.name for path in (tmp_path / "runs").iterdir() if path.name != HIDDEN) == [
        "index.html", "model=knn_seed=1", "model=lda_seed=1", "runs.csv", "runs.parquet",
    ]  # fmt: skip
    alone = report(Job({"model": "knn", "seed": 1}, tmp_path / "alone"))
    swept = tmp_path / "runs/model=knn_seed=1"
    assert artifacts_of(swept) == artifacts_of(alone)
    assert (swept / CRATE_FILE).read_bytes() == (alone / CRATE_FILE).read_bytes()
    third = subprocess.run(COMMAND, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert (third.stdout, third.stderr) == (again.stdout, "2 of 2 runs were done before\n")
    told = [sys.executable, "-X", "importtime", *COMMAND[1:]]
    imported = subprocess.run(told, cwd=tmp_path, check=True, capture_output=True, text=True).stderr
    assert not [name for name in ("sklearn", "matplotlib", "papermill", "nbconvert") if f" {name}\n" in imported]
