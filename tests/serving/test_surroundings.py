"""``iris-lab serve`` where a supervisor, a container or a broken terminal starts and ends it."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from services import COMMAND, is_running, serving, wait_until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_answer(port: int, process: subprocess.Popen[bytes]) -> int:
    for _ in range(600):
        with suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{port}/health/ready", timeout=10).status_code
        assert process.poll() is None, "it has ended"
        time.sleep(0.1)
    raise AssertionError("no answer")


@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_it_serves_and_ends_where_its_standard_streams_are_closed_or_full(iris_run: Path, closed: str) -> None:
    port = free_port()
    line = f'exec "$@" {closed}'
    process = subprocess.Popen(["sh", "-c", line, "sh", *COMMAND, str(iris_run), "--port", str(port)])
    try:
        assert wait_for_answer(port, process) == 200
        process.terminate()
        assert process.wait(timeout=90) == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_log_that_nobody_reads_holds_up_neither_answers_nor_the_end(iris_run: Path) -> None:
    command = [*COMMAND, str(iris_run), "--port", "0", "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split(" at ")[1].split()[0]
        with requests.Session() as client:
            for _ in range(3000):  # lines of more than the 64 KiB that a pipe holds
                assert client.get(f"{url}/health/live", timeout=30).ok
        process.terminate()
        assert process.wait(timeout=45) == 0  # workers that do not end are killed after 60 s
    finally:
        process.kill()
        process.communicate()


STOPPED_EARLY = """
import os, signal, sys
from iris_lab.cli import main
class Finder:
    def find_spec(name, *_):
        if name == "flask":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Finder)
main(["serve", "anything"])
"""


def test_a_signal_at_the_start_ends_it_where_nobody_hears_what_it_says() -> None:
    with open("/dev/full", "w") as full:
        ran = subprocess.run([sys.executable, "-c", STOPPED_EARLY], stderr=full, timeout=60, check=False)
    assert ran.returncode == 130


WITHOUT_PLACE = """
import sys, tempfile
tempfile.tempdir = "/nowhere"
from iris_lab.cli import main
sys.exit(main(["serve", sys.argv[1], "--port", "0", "--workers", "2"]))
"""


def test_several_workers_where_nothing_can_be_written_are_refused_in_one_line(iris_run: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_PLACE, str(iris_run)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("iris-lab: cannot create a folder for the metrics of 2 workers (No such file")
    assert ran.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_terminal_that_is_closed_right_at_the_start_leaves_nothing_behind(iris_run: Path, tmp_path: Path) -> None:
    command = [*COMMAND, str(iris_run), "--port", "0", "--workers", "2"]
    for _ in range(3):
        environment = os.environ | {"TMPDIR": str(tmp_path)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        process.stdout.readline()  # the workers start only now
        process.send_signal(signal.SIGHUP)
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, "iris-lab: stopped\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_workers_whose_parent_was_killed_take_its_folder_with_them(
    iris_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(iris_run, "--workers", "2") as service:
        assert len(list(tmp_path.iterdir())) == 1
        workers = service.workers()
        service.end(signal.SIGKILL)
        wait_until(lambda: not any(map(is_running, workers)))
    assert list(tmp_path.iterdir()) == []
