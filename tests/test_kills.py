"""Runs killed at random instants: the previous report is whole after each kill."""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from iris_lab.workflow.crate import artifacts_of, read_crate
from iris_lab.workflow.report import Job, report
from iris_lab.workflow.scratch import PREFIX, is_abandoned
from iris_lab.workflow.steps import STEPS, Step

TINY = [Step(Path(__file__).parent / "notebooks" / f"{name}.ipynb") for name in ("adds", "writes")]
SCRIPT = """
import sys
from pathlib import Path
from iris_lab.workflow import warm
from iris_lab.workflow.report import Job, report
from iris_lab.workflow.steps import Step
output, can_fork, *notebooks = sys.argv[1:]
warm.CAN_FORK = can_fork == "warm"
report(Job(output=Path(output), steps=[Step(Path(path)) for path in notebooks]))
"""


def kill_one(output: Path, steps, kernels: str, seconds: float) -> None:
    command = [sys.executable, "-c", SCRIPT, str(output), kernels, *(str(step.notebook) for step in steps)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "kernels", "kills"), [(TINY, "plain", 15), (STEPS, "warm", 12)], ids=["tiny", "iris"]
)
def test_the_previous_report_is_whole_after_every_kill(tmp_path, steps, kernels, kills):
    output = tmp_path / "lab"
    started, started_at = time.monotonic(), time.time()
    report(Job(output=output, steps=steps))
    longest = (time.monotonic() - started) * 1.2
    dice = random.Random(0)
    for _ in range(kills):
        kill_one(output, steps, kernels, dice.uniform(0, longest))
        assert read_crate(output).artifacts == artifacts_of(output)
    report(Job(output=output, steps=steps))
    left = {path.name for path in tmp_path.iterdir()} - {".lab.lock", "lab.timings.json"}
    assert left == {"lab"}, "the next run cleans up"
    recent = (path for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*") if path.stat().st_mtime > started_at)
    assert [path for path in recent if is_abandoned(path)] == []
