"""Nothing volatile in a notebook: what normalization strips, and what it can only name."""

from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from iris_lab.workflow.normalization import normalize, problems

STORED = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def notebook(*outputs, **metadata):
    cell = new_code_cell("1", id="one", execution_count=1, outputs=list(outputs))
    return normalize(new_notebook(cells=[cell], metadata=metadata))


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_the_stored_notebooks_are_normalized(path):
    assert problems(nbformat.read(path, as_version=4)) == []


def test_normalizing_twice_changes_nothing():
    once = notebook(printed("fine"), papermill={"duration": 1})
    assert normalize(deepcopy(once)) == once
    assert problems(once) == []


def test_what_differs_between_runs_and_machines_is_stripped():
    cell = new_code_cell(
        "1", id="0a1b2c3d", execution_count=7, metadata={"papermill": {"duration": 1}, "tags": ["keep"]}
    )
    cell.outputs = [new_output("execute_result", {"text/plain": "1"}, execution_count=7)]
    dirty = new_notebook(
        cells=[cell], metadata={"papermill": {}, "language_info": {"name": "python", "version": "3.11.7"}}
    )
    dirty.metadata.kernelspec = {"name": "python3", "display_name": "my own", "language": "python"}
    assert problems(dirty)
    clean = normalize(dirty)
    assert clean.cells[0].id == "cell-1"
    assert (clean.cells[0].execution_count, clean.cells[0].outputs[0].execution_count) == (1, 1)
    assert clean.cells[0].metadata == {"tags": ["keep"]}
    assert clean.metadata.language_info == {"name": "python"}
    assert clean.metadata.kernelspec.display_name == "Python 3 (ipykernel)"
    assert "papermill" not in clean.metadata
    nbformat.validate(clean)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<Figure at 0x7f3a1c2b9d90>", "a memory address"),
        ("2026-03-01 12:30:00", "a time"),
        ("done at 12:30:01", "a time"),
        ("saved to /home/ana/report", "an absolute path"),
        (r"saved to C:\Users\ana", "an absolute path"),
        ("http://127.0.0.1:5001", "a local address"),
        ("id 1b4e28ba-2fa1-41d2-883f-0016d3cca427", "a random id"),
    ],
)
def test_an_output_that_will_be_another_one_next_time_is_named(text, what):
    (line,) = problems(notebook(printed(text)))
    assert line.startswith(f"cell 1: {what} in an output, line 1: ")


@pytest.mark.parametrize(
    "text",
    [
        "accuracy 0.9737",
        "sepal length (cm)",
        "7.9/4.3",
        "and/or",
        "ratio 3:1",
        "https://w3id.org/tmp/x",
        "<td>1/2</td>",
    ],
)
def test_an_ordinary_output_is_fine(text):
    assert problems(notebook(printed(text))) == []


def test_a_warning_of_a_library_and_a_progress_bar_are_named():
    assert problems(notebook(printed("/usr/lib/python3/x.py:1: FutureWarning: soon", name="stderr"))) == [
        "cell 1: an absolute path in an output, line 1: /usr/l"
    ]
    assert problems(notebook(printed("100%|██████████| 3/3 [00:01, 98.5it/s]", name="stderr"))) == [
        "cell 1: a rate in an output, line 1: 5it/s"
    ]


def test_cells_run_out_of_order_are_named():
    cells = [new_code_cell("1", id="one", execution_count=2), new_code_cell("2", id="two", execution_count=1)]
    found = problems(new_notebook(cells=cells))
    assert found[0] == "execution counts are [2, 1]: expected 1 to 2 in order"
