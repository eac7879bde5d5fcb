"""Sweeps: every combination has its run, and one that fails does not take the others along."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pandas as pd
import pytest

from iris_lab.data import load_dataset
from iris_lab.errors import InputError, IrisLabError
from iris_lab.workflow.crate import read_crate
from iris_lab.workflow.report import Job
from iris_lab.workflow.steps import Step
from iris_lab.workflow.sweep import Outcome, combinations, sweep

NOTEBOOKS = Path(__file__).parent / "notebooks"


def test_every_combination_is_run_once():
    assert combinations(["model=lda,knn", "seed=0,1"]) == [
        ("model=lda", "seed=0"),
        ("model=lda", "seed=1"),
        ("model=knn", "seed=0"),
        ("model=knn", "seed=1"),
    ]


def test_each_run_has_a_folder_and_a_row(tmp_path):
    steps = [Step(NOTEBOOKS / "writes.ipynb")]
    table = pd.read_csv(sweep(["seed=3,4"], Job(output=tmp_path / "runs", steps=steps), jobs=2))
    assert list(table["seed"]) == [3, 4]
    assert [read_crate(tmp_path / "runs" / run).values for run in table["run"]] == [{"seed": 3}, {"seed": 4}]
    assert table["error"].isna().all()


def test_a_failed_run_is_named_and_the_others_stay(tmp_path):
    steps = [Step(NOTEBOOKS / "refuses_four.ipynb")]
    with pytest.raises(IrisLabError, match=r"1 of 2 runs failed \(seed=4\): see sweep.csv"):
        sweep(["seed=3,4"], Job(output=tmp_path, steps=steps), jobs=2)
    table = pd.read_csv(tmp_path / "sweep.csv")
    assert "four is refused" in table["error"][1]
    assert read_crate(tmp_path / "seed=3").values == {"seed": 3}


def test_the_values_of_a_row_have_the_types_that_the_notebooks_declare():
    assert Outcome({"seed": 3}, "seed=3").row == {"seed": 3, "run": "seed=3", "error": ""}


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["seed=1,abc"], "parameter seed='abc'"),
        (["seed=1,1"], "two combinations are the same"),
        (["sead=1"], "did you mean"),
    ],
)
def test_a_combination_that_cannot_be_run_is_refused_before_any_starts(tmp_path, assignments, message):
    with pytest.raises(InputError, match=message):
        sweep(assignments, Job(output=tmp_path / "runs", steps=[Step(NOTEBOOKS / "writes.ipynb")]))
    assert not (tmp_path / "runs").exists()


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
        url = f"data=http://127.0.0.1:{server.server_port}/mine.csv"
        steps = [Step(NOTEBOOKS / "reads.ipynb")]
        table = pd.read_csv(sweep([url, "seed=1,2,3"], Job(output=tmp_path / "runs", steps=steps), jobs=2))
        server.shutdown()
    assert table["error"].isna().all()
    assert Counting.requested == ["/mine.csv"]
    assert [(tmp_path / "runs" / run / "read.txt").read_text() for run in table["run"]] == ["150"] * 3
