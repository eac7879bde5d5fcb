"""The ten rules that the notebooks keep, and that their stored outputs are a reference worth having."""

import ast
import base64
import re
import runpy
import shutil
import subprocess
import sys
from copy import deepcopy
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from iris_lab.serving.display import SENTENCE, live_html
from iris_lab.workflow.normalization import normalize, problems
from iris_lab.workflow.steps import STEPS

FOLDER = Path(__file__).parent.parent / "notebooks"
NOTEBOOKS = {path.stem: nbformat.read(path, as_version=4) for path in sorted(FOLDER.glob("*.ipynb"))}
DECLARATION = re.compile(r'^(\w+): (int|float|str|bool) = (".*"|[\w.+-]+)  # (\S.*)$')
OF_IRIS = re.compile(r"iris|petal|sepal|species|setosa|fisher|flower", re.IGNORECASE)
LIVE_DISPLAY: str = runpy.run_path(str(FOLDER / "conftest.py"))["LIVE_DISPLAY"]
each = pytest.mark.parametrize("name", NOTEBOOKS)


def code(name: str) -> list[NotebookNode]:
    return [cell for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]


def declared(name: str) -> dict[str, tuple[str, str, str]]:
    lines = [DECLARATION.match(line) for line in code(name)[0].source.splitlines()]
    return {found[1]: (found[2], found[3], found[4]) for found in lines if found}


def test_each_is_a_step_of_the_report() -> None:
    assert sorted(NOTEBOOKS) == sorted(step.name for step in STEPS)


@each
def test_it_opens_with_what_it_asks_reads_and_writes(name: str) -> None:
    opening = NOTEBOOKS[name].cells[0]
    assert opening.cell_type == "markdown"
    assert opening.source.startswith(f"# {int(name[:2])} · ")
    assert all(word in opening.source for word in ("**Question.**", "**Reads**", "**Writes**"))


@each
def test_it_closes_with_what_was_done_and_what_that_does_not_show(name: str) -> None:
    closing = NOTEBOOKS[name].cells[-1]
    assert closing.cell_type == "markdown"
    assert re.match(r"## What was (found|done)\n", closing.source)
    assert re.search(r"None of this|does not show|took no part", closing.source)


@each
def test_its_first_code_cell_is_the_parameters_and_nothing_else(name: str) -> None:
    first = code(name)[0]
    assert first.metadata.tags == ["parameters"]
    assert len(declared(name)) == len(first.source.splitlines())
    for kind, default, _ in declared(name).values():
        assert type(ast.literal_eval(default)).__name__ == kind
    assert [cell for cell in code(name)[1:] if cell.metadata.get("tags")] == []


def test_a_parameter_is_the_same_in_every_notebook() -> None:
    known: dict[str, tuple[str, str, str]] = {}
    for name in NOTEBOOKS:
        for parameter, line in declared(name).items():
            assert known.setdefault(parameter, line) == line, parameter


@each
def test_its_imports_come_next_and_once(name: str) -> None:
    imports = [
        number for number, cell in enumerate(code(name))
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(ast.parse(cell.source)))
    ]  # fmt: skip
    assert imports == [1]


@each
def test_it_imports_nothing_that_runs_notebooks(name: str) -> None:
    modules = [node.module for node in ast.walk(ast.parse(code(name)[1].source)) if isinstance(node, ast.ImportFrom)]
    assert not [module for module in modules if re.match(r"iris_lab\.(workflow|cli)|papermill|nb", module or "")]


@each
def test_prose_stands_before_every_code_cell_and_after_every_figure(name: str) -> None:
    for one, other in pairwise(NOTEBOOKS[name].cells):
        assert other.cell_type == "markdown" or one.cell_type == "markdown", other.source
        if one.cell_type == "code" and "publish(" in one.source:
            assert other.cell_type == "markdown", one.source
    assert "".join(map(str, NOTEBOOKS[name].cells)).count("*What to see.*") >= 2


@each
def test_its_cells_are_short_and_define_nothing(name: str) -> None:
    lengths = [len([line for line in cell.source.splitlines() if line.strip()]) for cell in code(name)]
    assert max(lengths[2:]) <= 10  # the first two are lists, of the parameters and of the imports
    assert sorted(lengths[2:])[len(lengths[2:]) // 2] <= 3
    for cell in code(name):
        defined = ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.For | ast.While | ast.Try | ast.With
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, defined)], cell.source
        assert max(map(len, cell.source.splitlines())) <= 95


@each
def test_its_prose_types_in_no_result(name: str) -> None:
    """Percentages and decimal numbers come from cells; those that say what a number means are written out here."""
    general = {"95 %", "80 %"}  # the level of an interval, an example of a probability
    for cell in NOTEBOOKS[name].cells:
        if cell.cell_type == "markdown":
            assert set(re.findall(r"\d+ ?%|\d+\.\d+", cell.source)) <= general, cell.source


@each
def test_it_names_no_file_but_through_its_parameters(name: str) -> None:
    for cell in code(name)[1:]:
        for text in re.findall(r'"([^"]*)"', cell.source):
            if "/" in text and "/json" not in text:
                assert text.startswith("figures/"), text


@each
def test_its_randomness_comes_from_the_seed_and_its_warnings_are_not_silenced(name: str) -> None:
    for cell in code(name)[1:]:
        used = {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
        used |= {node.attr for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Attribute)}
        assert not used & {"random", "shuffle", "sample", "warnings", "filterwarnings", "simplefilter"}


@each
def test_its_stored_outputs_would_be_the_same_in_another_run_and_are_small(name: str) -> None:
    """Run All and save in Jupyter may change metadata and where the counts begin, which `normalize` takes back."""
    notebook = NOTEBOOKS[name]
    nbformat.validate(notebook)
    counts = [cell.execution_count for cell in code(name)]
    assert counts == list(range(counts[0], counts[0] + len(counts)))
    assert problems(normalize(deepcopy(notebook))) == []
    assert (FOLDER / f"{name}.ipynb").stat().st_size < 500_000
    assert [cell.id for cell in notebook.cells if cell.id.startswith("cell-")] == []


@each
def test_every_figure_is_stored_with_words_for_those_who_cannot_see_it(name: str) -> None:
    for cell in code(name):
        if "publish(" in cell.source:
            (shown,) = cell.outputs
            reason = shown.data.get("text/markdown", "")  # in place of a figure that would say nothing
            assert len(reason or shown.metadata["image/png"]["alt"]) > 20, cell.source


def test_nothing_is_said_about_iris_but_by_the_function_that_knows_iris() -> None:
    for name, notebook in NOTEBOOKS.items():
        for cell in notebook.cells:
            if "parameters" not in cell.metadata.get("tags", []):
                words = re.sub(r"iris[_-]lab(\.iris)?|about_iris", "", cell.source)
                assert not OF_IRIS.search(words), (name, cell.id)


def test_the_last_cell_shows_the_table_and_the_report_of_the_answers() -> None:
    report, table, shown = code("03_evaluate")[-1].outputs
    printed = [output.text for cell in code("03_evaluate")[:-1] for output in cell.outputs if "text" in output]
    assert report.text in printed
    assert "predicted" in table.data["text/html"]
    visible = re.sub(LIVE_DISPLAY, "", shown.data["text/html"], flags=re.DOTALL)
    assert (shown.data["text/plain"], visible) == (SENTENCE, f"<p>{SENTENCE}</p>")


def nbval(notebook: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-current-env", "--nbval-cell-timeout", "60"]
    return subprocess.run(
        [*command, "-c", "/dev/null", notebook.name], cwd=notebook.parent, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_a_tampered_picture_fails(tmp_path: Path) -> None:
    pixel = base64.b64encode(b"\x89PNG the picture as it was").decode()
    source = (
        f'from base64 import b64decode\nfrom IPython.display import Image\nImage(b64decode("{pixel}"), format="png")'
    )
    notebook = NotebookClient(new_notebook(cells=[new_code_cell(source)])).execute()
    shutil.copy(FOLDER / "conftest.py", tmp_path)
    nbformat.write(notebook, tmp_path / "picture.ipynb")
    untouched = nbval(tmp_path / "picture.ipynb")
    assert untouched.returncode == 0, untouched.stdout
    (data,) = [output.data for output in notebook.cells[0].outputs]
    data["image/png"] = base64.b64encode(b"\x89PNG the picture as it is now").decode()
    nbformat.write(notebook, tmp_path / "picture.ipynb")
    tampered = nbval(tmp_path / "picture.ipynb")
    assert tampered.returncode == 1
    assert "1 failed" in tampered.stdout
    assert "image/png" in tampered.stdout


SHOW = """
from IPython.display import HTML
from iris_lab.serving.display import static_html
HTML(static_html())
"""


@pytest.mark.parametrize(("sentence", "failures"), [(SENTENCE, 0), ("The endpoint answers for ever.", 1)])
def test_an_endpoint_shown_in_jupyter_equals_one_of_an_unattended_run(
    tmp_path: Path, sentence: str, failures: int
) -> None:
    notebook = NotebookClient(new_notebook(cells=[new_code_cell(SHOW)])).execute()
    (data,) = [output.data for output in notebook.cells[0].outputs]
    shown = live_html(port=5001, token="0a1b", prefix="", curl="predict_species -d '{\"a > b\": 1}'")
    data["text/html"] = shown.replace(SENTENCE, sentence)
    shutil.copy(FOLDER / "conftest.py", tmp_path)
    nbformat.write(notebook, tmp_path / "shown.ipynb")
    compared = nbval(tmp_path / "shown.ipynb")
    assert compared.returncode == failures, compared.stdout


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["wine", "breast_cancer"])
def test_other_data_run_through_without_a_word_on_stderr(tmp_path: Path, dataset: str) -> None:
    for name in NOTEBOOKS:
        notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
        parameters = next(cell for cell in notebook.cells if cell.cell_type == "code")
        parameters.source += f'\ndata, run_dir = "{dataset}", "."'
        done = NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
        outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
        assert [output.text for output in outputs if output.get("name") == "stderr"] == []
        texts = [output.get("text", "") + output.get("data", {}).get("text/markdown", "") for output in outputs]
        assert not OF_IRIS.search(" ".join(texts))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameter", "value", "expected"),
    [
        ("02_train", "seed", "None", "seed=None: expected a whole number"),
        ("02_train", "folds", "2.0", "folds=2.0: expected a whole number"),
        ("02_train", "model", "None", "model=None: expected text"),
        ("02_train", "test_size", "half", "test_size='half': expected a number"),
        ("01_eda", "data", "3", "data=3: expected text"),
        ("01_eda", "keep", "True", "keep=True: expected text"),
        ("03_evaluate", "run_dir", "7", "run_dir=7: expected text"),
    ],
)
def test_what_papermill_injects_of_another_type_is_refused_by_the_cell_in_one_line(
    tmp_path: Path, name: str, parameter: str, value: str, expected: str
) -> None:
    command = [sys.executable, "-m", "papermill", "--cwd", str(tmp_path), "-p", parameter, value]
    ran = subprocess.run([*command, str(FOLDER / f"{name}.ipynb"), str(tmp_path / "done.ipynb")], capture_output=True)
    assert ran.returncode == 1
    done = nbformat.read(tmp_path / "done.ipynb", as_version=4)
    (error,) = [o for cell in done.cells for o in cell.get("outputs", []) if o.output_type == "error"]
    assert error.evalue.startswith(expected)
    assert len(error.traceback) == 1
