"""Faults of every class are planted; verify names the class, and the first cell that shows it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from tampering import edit, edit_json, edit_record, forge

from iris_lab.workflow.crate import digest_of

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).parents[1]
PER_CLASS = int(os.environ.get("FAULTS_PER_CLASS", "2"))  # 9 for the measurement of 63
LAB = """
import sys
from pathlib import Path
import iris_lab.workflow.steps as steps
steps.STEPS = tuple(steps.Step(path) for path in sorted(Path("steps").glob("*.ipynb")))
from iris_lab.cli import main
sys.exit(main(sys.argv[1:]))
"""
HEAD = ['data: str = "iris"  # a table', "seed: int = 0  # seed of the draw", 'run_dir: str = ""  # folder']
FIRST = [
    "import numpy as np\n\nfrom iris_lab.data import load_dataset\nfrom iris_lab.exploration import summarize",
    "dataset = load_dataset(data)\nlen(dataset.target)",
    "summarize(dataset).round(3)",
    "np.random.default_rng(seed).integers(0, 1000, 5)",
]
SECOND = [
    "from iris_lab.data import load_dataset\nfrom iris_lab.modeling import describe_split, make_split",
    "split = make_split(load_dataset(data), 0.25, seed)\nprint(describe_split(split, 0.25))",
    "split.test[:10]",
    "split.train_features.mean().round(2)",
]
Fault = Callable[[Path, int], tuple[str, str]]  # plants fault number n, returns the class and the start of the cell


def write_steps(lab: Path, first: list[str] = FIRST, second: list[str] = SECOND) -> None:
    (lab / "steps").mkdir(exist_ok=True)
    for name, cells in (("1_table", first), ("2_split", second)):
        head = new_code_cell("\n".join(HEAD), metadata={"tags": ["parameters"]}, id="parameters")
        named = [new_code_cell(source, id=f"c{number}") for number, source in enumerate(cells)]
        nbformat.write(new_notebook(cells=[head, *named]), lab / "steps" / f"{name}.ipynb")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab with a copy of the package, its two steps, a table, and a run of them."""
    lab = tmp_path_factory.mktemp("lab")
    shutil.copytree(PROJECT / "iris_lab", lab / "iris_lab", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "requirements.lock"):
        shutil.copy(PROJECT / name, lab / name)
    (lab / "notebooks").mkdir()
    write_steps(lab)
    rows = [f"{n % 7}.{n % 10},{n % 3}.5,{'ab'[n % 2]}" for n in range(60)]
    (lab / "mine.csv").write_text("x,y,kind\n" + "\n".join(rows) + "\n")
    iris_lab(lab, "report", "-p", "data=mine.csv", "-o", "run")
    return lab


def iris_lab(lab: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(lab), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", LAB, *arguments]
    return subprocess.run(command, cwd=lab, env=environment, capture_output=True, text=True, check=False)


def data(lab: Path, number: int) -> tuple[str, str]:
    table = lab / "run/data/mine.csv"
    lines = table.read_text().splitlines()
    lines[number + 1] = lines[number + 1].replace(".", "1.", 1)
    table.write_text("\n".join(lines) + "\n")
    if number % 2:
        forge(lab / "run")  # the table's own digest, of its content, stays
    return "data", "1_table, cell"


def parameter(lab: Path, number: int) -> tuple[str, str]:
    def change(entities: dict[str, dict[str, object]]) -> None:
        for step in ("1_table", "2_split"):
            entities[f"#{step}-seed"]["value"] = number + 1

    def inject(document: dict[str, list[dict[str, list[str]]]]) -> None:
        document["cells"][1]["source"] += ["\n", f"seed = {number + 1}"]

    if number % 2:
        edit_record(lab / "run", change)
    else:
        edit_json(lab / "run/1_table.ipynb", inject)
        forge(lab / "run")
    return "parameter", "1_table, cell"


def notebook(lab: Path, number: int) -> tuple[str, str]:
    step, cells, where = [("1_table", FIRST, 2), ("2_split", SECOND, 3), ("1_table", FIRST, 3)][number % 3]
    changed = list(cells)
    changed[where] += f"\n{number}"
    write_steps(lab, *((changed, SECOND) if step == "1_table" else (FIRST, changed)))
    return "notebook", f"{step}, cell {where + 3}"  # the cell of the parameters, and the injected one, come first


def code(lab: Path, number: int) -> tuple[str, str]:
    name, was, now, cell = [
        ("exploration.py", '["min", "median", ', '["min", ', "1_table, cell 5"),
        ("modeling/splits.py", "distinct samples: ", "samples that differ: ", "2_split, cell 4"),
        ("exploration.py", 'f"mean of {name}"', 'f"average of {name}"', "1_table, cell 5"),
    ][number % 3]
    edit(lab / "iris_lab" / name, was, now)
    return "package code", cell


def software(lab: Path, number: int) -> tuple[str, str]:
    name = ["matplotlib", "pandas", "seaborn", "scikit-learn", "papermill"][number % 5]
    forge(lab / "run", **{name: f"0.{number}.1"})
    return "software version", ""


def cpu(lab: Path, number: int) -> tuple[str, str]:
    name, value = [("openblas core", "Haswell"), ("platform", "Linux riscv64"), ("openblas core", "SkylakeX")][
        number % 3
    ]
    forge(lab / "run", **{name: value})
    return "CPU", ""


def unrecorded(lab: Path, number: int) -> tuple[str, str]:
    source = ["import os; os.urandom(3)", "import uuid; uuid.uuid4().hex[:5]", "import time; time.monotonic_ns()"][
        number % 3
    ]
    where = number % 2 + 2
    changed = list(FIRST)
    changed[where] = source
    write_steps(lab, changed)
    shutil.rmtree(lab / "run")
    assert iris_lab(lab, "report", "-p", "data=mine.csv", "-o", "run").returncode == 0
    return "none of these", f"1_table, cell {where + 3}, output 1"


@pytest.mark.parametrize("plant", [data, parameter, notebook, code, software, cpu, unrecorded])
def test_the_cause_of_a_planted_fault_is_named(tmp_path: Path, honest: Path, plant: Fault) -> None:
    right = 0
    for number in range(PER_CLASS):
        lab = tmp_path / str(number)
        shutil.copytree(honest, lab)
        kind, cell = plant(lab, number)
        said = iris_lab(lab, "verify", "run", "--json", *(["--repeat", "2"] if plant is unrecorded else []))
        cause = json.loads(said.stdout)["cause"]
        right += cause is not None and cause["kind"] == kind and cause["cell"].startswith(cell)
    assert right == PER_CLASS


def test_an_untouched_run_has_no_cause(honest: Path) -> None:
    found = json.loads(iris_lab(honest, "verify", "run", "--json").stdout)
    assert (found["verdict"], found["cause"]) == ("identical", None)
    assert digest_of(honest / "run/data/mine.csv") == digest_of(honest / "mine.csv")
