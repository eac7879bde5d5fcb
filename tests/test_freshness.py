"""Nothing is done twice: a run that is up to date, the steps that a change concerns, and steps side by side."""

import json
import shutil
import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from iris_lab.cli import main
from iris_lab.errors import StepError
from iris_lab.workflow import provenance, runs, warm
from iris_lab.workflow.branches import branches_of
from iris_lab.workflow.dependence import affected
from iris_lab.workflow.freshness import Freshness, examine
from iris_lab.workflow.output_directory import OutputDirectory
from iris_lab.workflow.report import Job, report
from iris_lab.workflow.steps import STEPS, Step

PARAMETERS = '{}: int = {}  # a number\nrun_dir: str = ""  # folder for artifacts'
ADDS = """
from pathlib import Path
from iris_lab.by_step import read_metrics, write_by_step
write_by_step(Path(run_dir, "metrics.json"), read_metrics(Path(run_dir)) | {NUMBERS})
"""
FIRST = ADDS.replace("NUMBERS", '"first.width": width') + "Path(run_dir, 'first.txt').write_text('first')"
SECOND = ADDS.replace("NUMBERS", '"second.depth": depth') + "Path(run_dir, 'second.txt').write_text('second')"
THIRD = ADDS.replace("NUMBERS", '"third.length": len(Path(run_dir, "second.txt").read_text())')


@pytest.fixture(autouse=True)
def plain_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks that import next to nothing start sooner in ordinary kernels."""
    monkeypatch.setattr(warm, "CAN_FORK", False)


def notebook(path: Path, parameters: str, code: str) -> None:
    cells = [new_code_cell(parameters, metadata={"tags": ["parameters"]}), new_code_cell(code.strip())]
    nbformat.write(new_notebook(cells=cells), path)


@pytest.fixture
def three(tmp_path: Path) -> list[Step]:
    """Two steps that need no other, and one that needs the second."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook(folder / "first.ipynb", PARAMETERS.format("width", 1), FIRST)
    notebook(folder / "second.ipynb", PARAMETERS.format("depth", 2), SECOND)
    notebook(folder / "third.ipynb", PARAMETERS.format("height", 3), THIRD)
    return [Step(folder / "first.ipynb"), Step(folder / "second.ipynb"), Step(folder / "third.ipynb", ("second",))]


def made(place: Path, steps: list[Step], fresh: Freshness | None = None, **values: int) -> list[str]:
    """Make a report, and return the steps that were executed."""
    executed: list[str] = []
    report(Job(values, place, steps=steps), fresh=fresh, on_progress=lambda step, *_: executed.append(step))
    return sorted(set(executed))


def examined(place: Path, steps: list[Step], **values: int) -> Freshness:
    found = examine(place, values, steps)
    assert found is not None
    return found


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit(step: Step, old: str, new: str) -> None:
    text = step.notebook.read_text(encoding="utf-8")
    assert old in text
    step.notebook.write_text(text.replace(old, new), encoding="utf-8")


def test_a_run_of_which_nothing_has_changed_is_up_to_date(tmp_path: Path, three: list[Step]) -> None:
    made(tmp_path / "run", three)
    assert examined(tmp_path / "run", three).is_up_to_date


@pytest.mark.slow
def test_a_changed_notebook_is_executed_with_what_depends_on_it_as_in_a_whole_run(
    tmp_path: Path, three: list[Step]
) -> None:
    run = tmp_path / "run"
    made(run, three)
    for step, words, expected in (
        (three[0], ("width}", "width + 1}"), ["first"]),
        (three[1], ("depth}", "depth + 1}"), ["second", "third"]),
        (three[2], ("read_text())", "read_text() * 2)"), ["third"]),
    ):
        edit(step, *words)
        fresh = examined(run, three)
        assert fresh.reasons[step.name][0] == f"{step.name}.ipynb has changed"
        assert made(run, three, fresh) == expected
        made(tmp_path / "whole", three)
        assert bytes_of(run) == bytes_of(tmp_path / "whole")
        shutil.rmtree(tmp_path / "whole")
        assert examined(run, three).is_up_to_date


@pytest.mark.parametrize(
    ("name", "concerned"),
    [("second.txt", ["second", "third"]), ("index.html", [])],
)
def test_a_damaged_run_is_never_up_to_date_and_is_mended(
    name: str, concerned: list[str], tmp_path: Path, three: list[Step]
) -> None:
    run = tmp_path / "run"
    made(run, three)
    before = bytes_of(run)
    (run / name).write_text("changed by hand", encoding="utf-8")
    fresh = examined(run, three)
    assert sorted(fresh.reasons) == concerned
    assert not fresh.is_up_to_date
    assert any(name in line for line in fresh.explained(three))
    assert made(run, three, fresh) == concerned
    assert bytes_of(run) == before


def test_other_parameters_and_a_damaged_record_have_nothing_to_take(tmp_path: Path, three: list[Step]) -> None:
    run = tmp_path / "run"
    made(run, three)
    assert examine(run, {"width": 7}, three) is None
    assert examine(tmp_path / "none", {}, three) is None
    (run / "ro-crate-metadata.json").write_text("{}", encoding="utf-8")
    assert examine(run, {}, three) is None


def test_without_what_each_step_added_all_steps_are_executed(tmp_path: Path, three: list[Step]) -> None:
    run = tmp_path / "run"
    made(run, three)
    place = OutputDirectory(run)
    known = json.loads(place.timings.read_text())
    assert known["added"]["third"] == {"metrics.json": {"third.length": 6}}
    place.timings.unlink()
    edit(three[2], "read_text())", "read_text() * 2)")
    assert made(run, three, examined(run, three)) == ["first", "second", "third"]


def test_another_version_or_lock_concerns_every_step(
    tmp_path: Path, three: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path / "run", three)
    software = provenance.software()
    monkeypatch.setattr(provenance, "software", lambda: software | {"numpy": "0.1"})
    fresh = examined(tmp_path / "run", three)
    assert sorted(fresh.reasons) == ["first", "second", "third"]
    assert fresh.reasons["first"] == [f"numpy was {software['numpy']}, is 0.1"]


def test_a_table_that_has_changed_concerns_the_steps_that_read_it(tmp_path: Path) -> None:
    table = tmp_path / "flowers.csv"
    table.write_text("a,b,kind\n" + "1,2,x\n3,5,y\n" * 8, encoding="utf-8")
    steps = [Step(Path(__file__).parent / "notebooks" / "reads.ipynb"), Step(tmp_path / "apart.ipynb")]
    notebook(tmp_path / "apart.ipynb", PARAMETERS.format("width", 1), "width")
    run = tmp_path / "run"
    report(Job({"data": str(table)}, run, steps=steps))
    fresh = examine(run, {"data": str(table)}, steps)
    assert fresh is not None
    assert fresh.is_up_to_date
    table.write_text("a,b,kind\n" + "1,2,x\n3,4,y\n" * 9, encoding="utf-8")
    fresh = examine(run, {"data": str(table)}, steps)
    assert fresh is not None
    assert dict(fresh.reasons) == {"reads": ["the table has changed"]}


TEXTS = {step.name: step.notebook.read_text(encoding="utf-8") for step in STEPS}
EVERY = {"01_eda", "02_train", "03_evaluate"}


@pytest.mark.parametrize(
    ("source", "concerned"),
    [
        ("iris_lab/data/schema.py", EVERY),
        ("iris_lab/pitfalls/models.py", {"01_eda", "02_train"}),
        ("iris_lab/evaluation.py", {"03_evaluate"}),
        ("iris_lab/serving/app.py", {"03_evaluate"}),
        ("iris_lab/workflow/engine.py", {""}),
        ("iris_lab/workflow/report_page.py", set()),
        ("iris_lab/cli/predict.py", set()),
        ("requirements.lock", {""}),
        ("02_train.ipynb", {"02_train"}),
    ],
)
def test_a_module_concerns_the_steps_that_import_it(source: str, concerned: set[str]) -> None:
    assert affected(source, TEXTS) == concerned


def test_steps_that_need_none_of_each_other_form_branches() -> None:
    a, b, c, d = (Step(Path(name), needs) for name, needs in (("a", ()), ("b", ()), ("c", ("b",)), ("d", ("a", "c"))))
    assert branches_of([a, b, c, d]) == [[a, b, c, d]]
    assert branches_of([a, b, c]) == [[a], [b, c]]
    assert branches_of([]) == []


def test_steps_side_by_side_write_the_bytes_of_steps_in_a_row(
    tmp_path: Path, three: list[Step], monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path / "beside", three)
    monkeypatch.setattr(runs, "branches_of", lambda steps: [list(steps)])
    made(tmp_path / "in a row", three)
    assert bytes_of(tmp_path / "beside") == bytes_of(tmp_path / "in a row")


@pytest.mark.parametrize("failing", [0, 1])
def test_a_step_that_fails_ends_the_one_beside_it(failing: int, tmp_path: Path, three: list[Step]) -> None:
    beside = three[1 - failing]
    edit(three[failing], "from pathlib", "1 / 0\\nfrom pathlib")
    edit(beside, "from pathlib", "import time; time.sleep(600)\\nfrom pathlib")
    started = time.monotonic()
    with pytest.raises(StepError, match=rf"{three[failing].name}.*ZeroDivisionError"):
        report(Job({}, tmp_path / "run", steps=three))
    assert time.monotonic() - started < 300
    assert (tmp_path / "run.failed" / f"{three[failing].name}.ipynb").is_file()
    assert not (tmp_path / "run").exists()


def test_the_command_says_that_a_run_is_up_to_date_and_what_it_executes_else(
    tmp_path: Path, three: list[Step], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("iris_lab.workflow.steps.STEPS", three)
    command = ["report", "--explain", "--output", str(tmp_path / "run")]
    assert main(command) == 0
    assert capsys.readouterr().err.startswith("all steps: no run of these parameters is there")
    assert main(command) == 0
    said = capsys.readouterr()
    assert said.out.startswith("up to date: --force executes it all the same\nreport    ")
    assert said.err == "first: unchanged\nsecond: unchanged\nthird: unchanged\n"
    edit(three[2], "read_text())", "read_text() * 2)")
    assert main(command) == 0
    said = capsys.readouterr()
    assert said.err.startswith("first: unchanged\nsecond: unchanged\nthird: third.ipynb has changed\nthird: 3 cells")
    assert "up to date" not in said.out
