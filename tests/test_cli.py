"""The command line: one line for bad input, the right exit code, progress where it belongs."""

import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from iris_lab.cli import main
from iris_lab.workflow.steps import STEPS

COMMAND = [sys.executable, "-m", "iris_lab"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "sead=1"], "unknown parameter 'sead': did you mean seed?"),
        (["-p", "seed=abc"], "parameter seed='abc': expected a whole number, such as 0"),
        (["-p", "test_size=1.5"], "test_size=1.5: expected a fraction of the samples between 0 and 1, such as 0.25"),
        (["-p", "folds=1"], "folds=1: expected 2 or more"),
        (["-p", "model=logistc"], "unknown model 'logistc': did you mean logistic?"),
        (["-p", "data=irs"], "unknown dataset 'irs': did you mean iris?"),
        (["-p", "data=nowhere.csv"], "data file 'nowhere.csv' does not exist: give a CSV, TSV or Parquet file"),
        (["--output", __file__], "output 'test_cli.py' is a file: expected a folder, or a name that is free"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments, message, capsys):
    assert main(["report", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"iris-lab: {message}") and err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--timeout", "0"], ["--no-such-option"], ["extra"]])
def test_a_wrong_option_is_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["report", *arguments])
    assert "expected" in (err := capsys.readouterr().err) or "unrecognized" in err


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("report", "verify", "serve", "predict"))


def run_report(folder: Path, **options) -> subprocess.CompletedProcess:
    command = [*COMMAND, "report", "--output", str(folder / "run"), "-p", "model=lda"]
    return subprocess.run(command, cwd=folder, text=True, timeout=120, **options)


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reported")
    return run_report(folder, capture_output=True), folder / "run"


def test_a_report_says_where_to_look_how_good_the_model_is_and_how_to_serve_it(reported):
    finished, _run = reported
    assert finished.returncode == 0, finished.stderr
    place, accuracy, serve, verify = finished.stdout.splitlines()
    assert place == f"report    {Path('run/index.html')}"
    assert accuracy.startswith("accuracy  ") and "95 % interval" in accuracy
    assert (serve, verify) == ("serve     iris-lab serve run", "verify    iris-lab verify run")


def test_in_a_pipe_progress_is_a_plain_line_for_each_step(reported):
    finished, _run = reported
    lines = finished.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == [step.name for step in STEPS]
    assert "\r" not in finished.stderr and "\x1b" not in finished.stderr


def test_on_a_terminal_progress_is_a_bar_and_ctrl_c_stops_in_one_line(tmp_path):
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))
    command = [*COMMAND, "report", "--output", str(tmp_path / "run")]
    process = subprocess.Popen(command, stdin=follower, stdout=follower, stderr=follower, start_new_session=True)
    os.close(follower)
    shown = b""
    while b"01_eda" not in shown:
        shown += os.read(leader, 4096)
    process.send_signal(signal.SIGINT)
    try:
        while block := os.read(leader, 4096):
            shown += block
    except OSError:  # the terminal is closed
        pass
    assert process.wait(timeout=30) == 130
    assert b"\r" in shown and b"cell/s" in shown
    assert shown.replace(b"\r", b"\n").strip().splitlines()[-1].endswith(b"iris-lab: stopped; nothing was changed")
    assert b"Traceback" not in shown
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []
