"""Sweeps on a Dask cluster: its workers have the package alone, get plans, and give back bytes."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from test_sweep import NOTEBOOKS, STEPS, files, job, run

from iris_lab import __file__ as package
from iris_lab.errors import InputError
from iris_lab.workflow.steps import Step

pytest.importorskip("distributed", reason="of the extra dask")
pytestmark = pytest.mark.slow
WORKER = ["dask_worker", "--nthreads", "1", "--no-nanny"]


@contextmanager
def started(folder: Path, *arguments: str, path: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program of Dask in a folder of its own, with the package from `path` if one is given."""
    folder.mkdir(exist_ok=True)
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    with (folder / "log").open("wb") as log:
        command = [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:], "--no-dashboard"]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def joined(scheduler: str, count: int) -> None:
    """Wait until workers have joined a scheduler."""
    from distributed import Client

    with Client(scheduler, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=120)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("dask"), free_port()
    with started(folder / "scheduler", "dask_scheduler", "--host", "127.0.0.1", "--port", str(port)):
        yield f"tcp://127.0.0.1:{port}"


def test_a_scheduler_without_workers_and_one_that_is_silent_are_refused_within_seconds(scheduler, tmp_path):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for address, message in (
            (scheduler, "has no workers: start some with `dask worker tcp://"),
            (f"tcp://127.0.0.1:{silent.getsockname()[1]}", "does not answer within 10 s"),
            ("nonsense://x", "does not answer within 10 s .*expected the address of a Dask scheduler"),
        ):
            asked = time.monotonic()
            with pytest.raises(InputError, match=message):
                run(replace(job(tmp_path / "runs", seed=[3]), scheduler=address))
            assert time.monotonic() - asked < 25
    assert not (tmp_path / "runs").exists()


@pytest.fixture(scope="module")
def workers(scheduler, tmp_path_factory) -> Iterator[list[subprocess.Popen[bytes]]]:
    folder = tmp_path_factory.mktemp("workers")
    with ExitStack() as stack:
        found = [stack.enter_context(started(folder / str(number), *WORKER, scheduler)) for number in range(2)]
        joined(scheduler, 2)
        yield found


def test_a_cluster_makes_the_same_files_as_this_machine(scheduler, workers, tmp_path):
    run(job(tmp_path / "here/runs", seed=[3, 4, 5]))
    away = replace(job(tmp_path / "away/runs", seed=[3, 4, 5]), scheduler=scheduler)
    outcomes = run(away)[0]
    assert [outcome.error for outcome in outcomes] == [""] * 3
    assert files(tmp_path / "away/runs") == files(tmp_path / "here/runs")
    assert run(away)[1].runs == []


def test_a_failed_run_comes_back_with_its_notebook(scheduler, workers, tmp_path):
    steps = [STEPS[0], Step(NOTEBOOKS / "refuses_four.ipynb")]
    outcomes, _ = run(replace(job(tmp_path / "runs", steps, seed=[3, 4]), scheduler=scheduler))
    assert ["four is refused" in outcome.error for outcome in outcomes] == [False, True]
    assert (tmp_path / "runs/seed=4.failed/refuses_four.ipynb").is_file()


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("iris_lab/scores.py", r"another text of iris_lab/scores\.py"),
        ("requirements.lock", r"another requirements\.lock"),
    ],
)
def test_a_worker_with_other_code_or_another_lock_is_refused_by_name(scheduler, workers, tmp_path, file, message):
    other = tmp_path / "other"
    shutil.copytree(Path(package).parent, other / "iris_lab")
    for name in ("notebooks", "requirements.lock"):
        source = Path(package).parents[1] / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, other / name)
    with (other / file).open("a") as changed:
        changed.write("# another version\n")
    refusal = pytest.raises(InputError, match=rf"worker tcp://127.* is not as this machine: {message}")
    with started(tmp_path / "worker", *WORKER, scheduler, path=other), refusal:
        joined(scheduler, 3)
        run(replace(job(tmp_path / "runs", seed=[3]), scheduler=scheduler))
    assert not (tmp_path / "runs").exists()


def test_a_lost_worker_loses_no_run(scheduler, workers, tmp_path):
    class Killing:
        """Kills a worker after the first run."""

        started = noted = lambda self, *_: None

        def ran(self, outcome):
            workers[0].kill()

    from iris_lab.workflow.sweep import run_sweep

    outcomes = run_sweep(replace(job(tmp_path / "runs", seed=list(range(5))), scheduler=scheduler), Killing())
    assert [outcome.error for outcome in outcomes] == [""] * 5
