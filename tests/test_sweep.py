"""Sweeps: a whole run for each combination, done once; what is there is not done again, and never mixed with others."""

import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pandas as pd
import pytest

from iris_lab.data import load_dataset
from iris_lab.errors import InputError, IrisLabError
from iris_lab.workflow.crate import artifacts_of, read_crate
from iris_lab.workflow.report import Job as Report
from iris_lab.workflow.report import report
from iris_lab.workflow.steps import Step
from iris_lab.workflow.sweep import run_sweep, runs_of, sweep
from iris_lab.workflow.sweeps.jobs import Job
from iris_lab.workflow.sweeps.journal import HIDDEN, JOURNAL, Journal
from iris_lab.workflow.sweeps.outcomes import Outcome, ranked, table_of
from iris_lab.workflow.sweeps.pages import frame_of

NOTEBOOKS = Path(__file__).parent / "notebooks"
STEPS = [Step(NOTEBOOKS / "no_parameters.ipynb"), Step(NOTEBOOKS / "writes.ipynb")]


@dataclass
class Heard:
    """A listener that remembers what it was told."""

    runs: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    before: int = 0

    def started(self, done: int, total: int) -> None:
        self.before = done

    def noted(self, text: str) -> None:
        self.notes.append(text)

    def ran(self, outcome: Outcome) -> None:
        self.runs.append(outcome.run)


def job(folder: Path, steps=STEPS, **choices) -> Job:
    return Job(runs_of(choices), folder, steps=steps, jobs=1)


def run(job: Job) -> tuple[list[Outcome], Heard]:
    heard = Heard()
    return run_sweep(job, heard), heard


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sweep") / "runs"
    run(replace(job(folder, seed=[3, 4]), jobs=2))
    return folder


@pytest.fixture
def copy(done, tmp_path) -> Path:
    return Path(shutil.copytree(done, tmp_path / "runs", copy_function=shutil.copy2))


def files(folder: Path) -> dict[str, str]:
    """Return the digest of every file of a sweep that is shown, records included."""
    found = artifacts_of(folder)
    records = {f"{path.parent.name}/record": path.read_text() for path in folder.glob("*/ro-crate-metadata.json")}
    return {name: digest for name, digest in found.items() if not name.startswith(HIDDEN)} | records


def test_every_run_is_the_run_that_a_report_makes(done, tmp_path):
    made = report(Report({"seed": 4}, tmp_path / "report", steps=STEPS))
    assert artifacts_of(done / "seed=4") == artifacts_of(made)
    assert read_crate(done / "seed=4") == read_crate(made)
    assert len(list((done / HIDDEN / "steps").iterdir())) == 1, "both runs have the same first step"


def test_one_job_makes_the_same_files_as_two(done, tmp_path):
    run(job(tmp_path / "runs", seed=[3, 4]))
    assert files(tmp_path / "runs") == files(done)


def test_what_is_done_is_not_done_again_and_a_value_more_runs_only_its_own(copy):
    before = files(copy)
    outcomes, heard = run(job(copy, seed=[3, 4]))
    assert (heard.runs, heard.before) == ([], 2)
    assert [outcome.values for outcome in outcomes] == [{"seed": 3}, {"seed": 4}]
    assert files(copy) == before
    assert run(job(copy, seed=[3, 4, 5]))[1].runs == ["seed=5"]
    assert list(pd.read_parquet(copy / "runs.parquet")["seed"]) == [3, 4, 5]


def test_from_python_a_sweep_is_a_table(copy):
    heard: list[Outcome] = []
    table = sweep({"seed": range(3, 5)}, output=copy, steps=STEPS, on_run=heard.append)
    assert heard == []
    assert table.to_dict("list") == {"seed": [3, 4], "run": ["seed=3", "seed=4"], "error": ["", ""]}


def test_a_finished_sweep_is_told_so_without_the_heavy_imports(copy):
    script = (
        "import sys; from pathlib import Path; from iris_lab.workflow.steps import Step\n"
        "from iris_lab.workflow.sweep import run_sweep; from iris_lab.workflow.sweeps.jobs import Job\n"
        "from iris_lab.progress import ShownRuns\n"
        "steps = [Step(Path(path)) for path in sys.argv[2:]]\n"
        "job = Job({f'seed={n}': {'seed': n} for n in (3, 4)}, Path(sys.argv[1]), steps=steps)\n"
        "print(len(run_sweep(job, ShownRuns(print))), {'pandas', 'sklearn', 'joblib', 'papermill'} & {*sys.modules})\n"
    )
    command = [sys.executable, "-c", script, str(copy), *(str(step.notebook) for step in STEPS)]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "2 set()\n"


def test_a_damaged_run_is_run_again(copy):
    before = files(copy)
    (copy / "seed=3" / "seed.txt").write_text("5")
    heard = run(job(copy, seed=[3, 4]))[1]
    assert (heard.runs, heard.notes) == (["seed=3"], ["seed=3: not as it was recorded; it is run again"])
    assert files(copy) == before


def test_a_copied_sweep_and_runs_that_a_killed_one_did_not_note_are_taken_as_done(copy):
    journal = copy / HIDDEN / JOURNAL
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text(lines[0] + '["run", {"run": "seed=')  # as the system leaves it at a power failure
    for path in copy.rglob("*.ipynb"):
        path.touch()
    heard = run(job(copy, seed=[3, 4]))[1]
    assert (heard.runs, heard.before) == ([], 2)
    assert run(job(copy, seed=[3, 4]))[1].before == 2, "the torn line did not spoil the next"


def test_a_lost_table_or_page_is_written_again(copy):
    before = files(copy)
    (copy / "runs.csv").unlink()
    assert run(job(copy, seed=[3, 4]))[1].runs == []
    assert files(copy) == before


@pytest.mark.parametrize("what", ["requirements.lock", "iris_lab/scores.py"])
def test_a_sweep_of_another_lock_or_code_is_refused_by_name(copy, what):
    journal = copy / HIDDEN / JOURNAL
    digest = Journal(copy).identity["sources"][what]
    journal.write_text(journal.read_text().replace(digest, "0" * 64))
    with pytest.raises(InputError, match=f"sweep 'runs' was begun with other inputs .*another .*{what}.*--restart"):
        run(job(copy, seed=[3, 4, 5]))


def test_an_edited_notebook_is_refused_by_name_and_a_restart_runs_all(tmp_path):
    for step in STEPS:
        shutil.copy(step.notebook, tmp_path)
    steps = [Step(tmp_path / step.notebook.name) for step in STEPS]
    run(job(tmp_path / "runs", steps, seed=[3, 4]))
    edited = steps[1].notebook.read_text().replace("str(seed)", "str(seed + 1)")
    steps[1].notebook.write_text(edited)
    with pytest.raises(InputError, match=r"another text of writes\.ipynb"):
        run(job(tmp_path / "runs", steps, seed=[3, 4]))
    assert (tmp_path / "runs/seed=3/seed.txt").read_text() == "3"
    assert run(replace(job(tmp_path / "runs", steps, seed=[3, 4]), restart=True))[1].runs == ["seed=3", "seed=4"]
    assert (tmp_path / "runs/seed=3/seed.txt").read_text() == "4"


def test_another_content_of_the_table_is_refused_by_name(tmp_path):
    table = tmp_path / "mine.csv"
    load_dataset("iris").frame.to_csv(table, index=False)
    mine = job(tmp_path / "runs", [Step(NOTEBOOKS / "reads.ipynb")], data=[str(table)], seed=[1])
    run(mine)
    assert run(mine)[1].runs == []
    load_dataset("iris").frame.iloc[:149].to_csv(table, index=False)
    with pytest.raises(InputError, match=r"another content of .*mine.csv"):
        run(mine)


def test_a_folder_with_a_run_of_something_else_is_refused(copy):
    shutil.rmtree(copy / HIDDEN)
    assert run(job(copy, seed=[3, 4]))[1].before == 2, "those are the runs that this sweep would make"
    shutil.rmtree(copy / HIDDEN)
    shutil.copytree(copy / "seed=3", copy / "seed=4", dirs_exist_ok=True)
    with pytest.raises(InputError, match="'runs' holds 'seed=4', which is no run of this lock, table and code"):
        run(job(copy, seed=[3, 4]))


def test_two_sweeps_do_not_write_in_one_place(copy):
    from filelock import FileLock

    with FileLock(copy / HIDDEN / "lock"), pytest.raises(IrisLabError, match="another sweep is writing 'runs'"):
        run(job(copy, seed=[3, 4, 5]))


def test_a_failed_run_is_told_and_the_others_stay(tmp_path):
    steps = [STEPS[0], Step(NOTEBOOKS / "refuses_four.ipynb")]
    outcomes, heard = run(job(tmp_path / "runs", steps, seed=[3, 4]))
    assert heard.runs == ["seed=3", "seed=4"]
    assert "four is refused" in outcomes[1].error
    assert (tmp_path / "runs/seed=4.failed/refuses_four.ipynb").is_file()
    assert "four is refused" in pd.read_csv(tmp_path / "runs/runs.csv")["error"][1]
    assert run(job(tmp_path / "runs", steps, seed=[3, 4]))[1].runs == ["seed=4"], "the same command runs it again"
    fast = replace(job(tmp_path / "runs", steps, seed=[3, 4, 5]), fail_fast=True)
    assert run(fast)[1].runs == ["seed=4"]


def test_the_table_has_the_parameters_that_differ_and_exact_numbers():
    third = {"train.accuracy_mean": 1 / 3}
    outcomes = [Outcome(f"seed={n}", {"model": "svm", "seed": n}, third) for n in (0, 1)]
    table = frame_of(outcomes)
    assert list(table.columns) == ["seed", "train.accuracy_mean", "run", "error"]
    assert list(table["train.accuracy_mean"]) == [1 / 3, 1 / 3]


def test_the_best_is_the_best_by_cross_validation_never_by_the_held_out_score():
    scores = {"svm": (0.9, 0.99), "lda": (0.95, 0.8)}
    outcomes = [
        Outcome(f"{m}{n}", {"model": m, "seed": n}, {"train.accuracy_mean": cv + n / 100, "evaluate.accuracy": held})
        for m, (cv, held) in scores.items()
        for n in (0, 1)
    ]
    assert [group.values for group in ranked(outcomes)] == [{"model": "lda"}, {"model": "svm"}]
    assert table_of(outcomes).splitlines() == [
        "model  cross-validated  held out      runs",
        "lda    95.5 % ± 0.7     80.0 % ± 0.0  2",
        "svm    90.5 % ± 0.7     99.0 % ± 0.0  2",
    ]


class Counting(SimpleHTTPRequestHandler):
    """Serves a folder, and lists the paths that were requested."""

    requested: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.requested.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


def test_a_table_from_a_url_is_fetched_once_for_the_whole_sweep(tmp_path):
    load_dataset("iris").frame.to_csv(tmp_path / "mine.csv", index=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Counting, directory=str(tmp_path))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/mine.csv"
        run(job(tmp_path / "runs", [Step(NOTEBOOKS / "reads.ipynb")], data=[url], seed=[1, 2]))
        server.shutdown()
    assert Counting.requested == ["/mine.csv"]
    assert [path.read_text() for path in (tmp_path / "runs").glob("*/read.txt")] == ["150"] * 2
