"""The command line: one line for bad input, the right exit code, progress where it belongs."""

import os
import pty
import random
import shlex
import signal
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from iris_lab.cli import main
from iris_lab.data import load_dataset
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
    assert sorted(line.split(":")[0] for line in lines) == [step.name for step in STEPS]  # some run side by side
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


RUN = str(Path(__file__).parents[1] / "reports/iris")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (f"verify --quick {RUN}", {0, 1}),
        pytest.param("verify /nowhere", {2}, marks=pytest.mark.slow),
        pytest.param("report -p sead=1", {2}, marks=pytest.mark.slow),
        ("no-such-command", {2}),
        ("--help", {0}),
        (f"predict {RUN} nowhere.csv", {2}),
        pytest.param("serve /nowhere", {2}, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("streams", ["<&- >&- 2>&-", ">/dev/full 2>/dev/full", "2>&1 | true"])
def test_closed_full_or_unread_streams_change_no_exit_code_and_cause_no_traceback(tmp_path, arguments, code, streams):
    command = f"{shlex.quote(sys.executable)} -m iris_lab {arguments} {streams}; exit ${{PIPESTATUS[0]}}"
    ran = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode in code
    assert (ran.stdout, ran.stderr) == ("", "")


def test_predictions_that_cannot_be_printed_fail_and_a_reader_that_has_seen_enough_does_not(tmp_path):
    load_dataset("iris").frame.to_csv(tmp_path / "iris.csv", index=False)
    command = f"{shlex.quote(sys.executable)} -m iris_lab predict {RUN} {shlex.quote(str(tmp_path / 'iris.csv'))}"
    full = subprocess.run(["bash", "-c", f"{command} > /dev/full"], capture_output=True, text=True)
    assert full.returncode == 2
    assert full.stderr.startswith("iris-lab: cannot write standard output: No space left on device")
    head = subprocess.run(
        ["bash", "-c", f"{command} | head -1; exit ${{PIPESTATUS[0]}}"], capture_output=True, text=True
    )
    assert (head.returncode, head.stderr, head.stdout.count("\n")) == (0, "", 1)


TINY = """
import sys
from pathlib import Path
import iris_lab.workflow.steps as steps
steps.STEPS = (steps.Step(Path(sys.argv[1])),)
from iris_lab.cli import main
from iris_lab.data import load_dataset
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("twice", [False, True])
def test_the_last_line_after_a_signal_at_any_instant_is_true_and_nothing_is_left_behind(tmp_path, number, code, twice):
    output, notebook = tmp_path / "lab", Path(__file__).parent / "notebooks/writes.ipynb"
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def start(seed: int) -> subprocess.Popen:
        command = [sys.executable, "-c", TINY, notebook, "report", "-p", f"seed={seed}", "-o", output, "--force"]
        environment = os.environ | {"TMPDIR": str(scratch)}
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    started = time.monotonic()
    first = start(0)
    assert first.communicate()[1] and first.returncode == 0
    lasts = time.monotonic() - started
    dice, known = random.Random(int(number)), 0
    for seed in range(1, 6):
        process = start(seed)
        time.sleep(dice.uniform(0.2, 1) * lasts)
        process.send_signal(number)
        if twice:
            time.sleep(dice.uniform(0, 0.2))
            process.send_signal(number)
        _out, said = process.communicate(timeout=60)
        found = int((output / "seed.txt").read_text())
        assert process.returncode in (0, code, -number), said  # -number: it arrived before our handler was set
        assert "Traceback" not in said, said
        if "nothing was changed" in said:
            assert found == known
        elif process.returncode == 0 or "the report was replaced" in said:
            assert found == seed
        known = found
        assert {path.name for path in tmp_path.iterdir()} <= {"lab", "lab.timings.json", ".lab.lock", "scratch"}
        assert list(scratch.iterdir()) == []
