"""A step that was executed before: a run that takes it is the run that executes it."""

from pathlib import Path

from iris_lab.workflow.crate import artifacts_of
from iris_lab.workflow.done import MANIFEST, Done
from iris_lab.workflow.layout import CRATE_FILE
from iris_lab.workflow.plans import make_plan
from iris_lab.workflow.runs import execute, execute_step
from iris_lab.workflow.steps import Step

NOTEBOOKS = Path(__file__).parent / "notebooks"
STEPS = [Step(NOTEBOOKS / "no_parameters.ipynb"), Step(NOTEBOOKS / "writes.ipynb")]


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_run_that_takes_a_step_equals_the_run_that_executes_it(tmp_path):
    plan, seen = make_plan({"seed": 3}, STEPS), []
    execute(plan, made(tmp_path / "whole"))
    taken = execute_step(make_plan({}, STEPS), STEPS[0], made(tmp_path / "first"))
    execute(plan, made(tmp_path / "run"), done={"no_parameters": taken}, on_progress=lambda step, *_: seen.append(step))
    assert set(seen) == {"writes"}
    assert artifacts_of(tmp_path / "run") == artifacts_of(tmp_path / "whole")
    assert (tmp_path / "run" / CRATE_FILE).read_bytes() == (tmp_path / "whole" / CRATE_FILE).read_bytes()


def test_a_stored_step_is_read_back_and_half_a_step_is_none(tmp_path):
    step = Done({"figures/a.png": b"1", "b.txt": b"2"}, ["cell 3: a memory address"])
    step.store(tmp_path)
    assert Done.stored(tmp_path) == step
    (tmp_path / "files/b.txt").write_bytes(b"3")
    assert Done.stored(tmp_path) is None, "it is not as it was stored"
    step.store(tmp_path)
    (tmp_path / MANIFEST).unlink()
    assert Done.stored(tmp_path) is None
