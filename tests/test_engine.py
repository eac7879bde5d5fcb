"""The papermill engine: the same environment and bytes everywhere, and a failed run that says so."""

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
import pytest

from iris_lab.errors import StepError
from iris_lab.workflow.normalization import problems
from iris_lab.workflow.warm import warm_kernels

NOTEBOOKS = Path(__file__).parent / "notebooks"


@pytest.fixture(scope="module")
def warm_parent():
    with warm_kernels() as (parent, _scratch):
        yield parent


@pytest.fixture(params=["plain", "warm"])
def kernel(request):
    """An ordinary kernel, then one forked from the warm parent."""
    if request.param == "plain":
        return None
    parent = request.getfixturevalue("warm_parent")
    return parent or pytest.skip("this system cannot fork kernels")


def run(name: str, folder: Path, **options):
    output = folder / f"{name}.ipynb"
    papermill.execute_notebook(
        str(NOTEBOOKS / f"{name}.ipynb"),
        str(output),
        {"seed": 3, "run_dir": "."},
        engine_name="iris-lab",
        cwd=str(folder),
        progress_bar=False,
        **options,
    )
    return output


@pytest.mark.parametrize("name", ["adds", "shows"])
def test_both_kernels_and_papermills_own_command_write_the_same_bytes(tmp_path, warm_parent, name):
    for folder in ("plain", "warm", "command"):
        (tmp_path / folder).mkdir()
    plain = run(name, tmp_path / "plain")
    warm = run(name, tmp_path / "warm", warm_parent=warm_parent)
    command = tmp_path / "command" / f"{name}.ipynb"
    arguments = ["--engine", "iris-lab", "-p", "seed", "3", "-p", "run_dir", ".", "--cwd", str(command.parent)]
    papermills = [sys.executable, "-m", "papermill", str(NOTEBOOKS / f"{name}.ipynb"), str(command), *arguments]
    subprocess.run(papermills, check=True, capture_output=True)
    assert plain.read_bytes() == warm.read_bytes() == command.read_bytes()


def test_an_executed_notebook_is_valid_and_normalized(tmp_path, kernel):
    notebook = nbformat.read(run("adds", tmp_path, warm_parent=kernel), as_version=4)
    nbformat.validate(notebook)
    assert problems(notebook) == []
    assert notebook.cells[-1].outputs[0].data["text/plain"] == "4"


def test_the_kernel_sees_the_pinned_environment_and_none_of_the_callers(tmp_path, kernel, monkeypatch):
    startup = tmp_path / "startup.py"
    startup.write_text("raise SystemExit('a startup file ran')")
    (tmp_path / "matplotlibrc").write_text("figure.dpi: 33")
    for name, value in {
        "PYTHONHASHSEED": "7",
        "OPENBLAS_CORETYPE": "Haswell",
        "OMP_NUM_THREADS": "2",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "COLUMNS": "40",
        "MPLBACKEND": "svg",
        "PYTHONSTARTUP": str(startup),
        "JOBLIB_TEMP_FOLDER": "x",
        "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"),
    }.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "run"
    folder.mkdir()
    shown = [
        output.data["text/plain"]
        for cell in nbformat.read(run("environment", folder, warm_parent=kernel), as_version=4).cells
        for output in cell.get("outputs", [])
    ]
    environment = eval(shown[0])
    assert environment.pop("OPENBLAS_CORETYPE") in {"Prescott", "ARMV8", None}
    assert environment == {
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "80",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONSTARTUP": None,
        "JOBLIB_TEMP_FOLDER": None,
    }
    hashed, zone, encoding, dpi, history = eval(shown[1])
    pinned = [sys.executable, "-c", "print(hash('petal'))"]
    expected = subprocess.run(pinned, env=os.environ | {"PYTHONHASHSEED": "0"}, capture_output=True, check=True)
    assert hashed == int(expected.stdout)
    assert (zone, encoding.lower(), dpi, history) == ("UTC", "utf-8", 100.0, ":memory:")


@pytest.mark.parametrize(
    ("name", "options", "error", "reason"),
    [
        ("raises", {}, "ValueError", "no petals"),
        ("exits", {}, "SystemExit", r"the cell ended the notebook with sys.exit\(0\)"),
        ("dies", {}, "DeadKernelError", "the kernel was killed by SIGKILL while the cell was running"),
        ("sleeps", {"execution_timeout": 2}, "CellTimeoutError", "the cell was still running after 2 s"),
    ],
)
def test_whatever_ends_a_notebook_early_is_an_error_of_the_right_cell(tmp_path, kernel, name, options, error, reason):
    with pytest.raises(papermill.PapermillExecutionError, match=reason) as caught:
        run(name, tmp_path, warm_parent=kernel, **options)
    assert (caught.value.cell_index, caught.value.ename) == (3, error)
    written = nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)
    failed = [cell for cell in written.cells if any(o.output_type == "error" for o in cell.get("outputs", []))]
    assert [cell.id for cell in failed] == ["cell-2"]
    assert written.cells[-1].execution_count is None, "later cells did not run and don't say so"


def test_a_killed_kernel_takes_its_children_along(tmp_path, kernel):
    with pytest.raises(papermill.PapermillExecutionError, match="still running after 2 s"):
        run("spawns", tmp_path, warm_parent=kernel, execution_timeout=2)
    child = int((tmp_path / "child.txt").read_text())
    deadline = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, "the kernel's child is still there"
        time.sleep(0.1)


def test_a_kernel_that_never_starts_fails_the_step_before_its_first_cell(tmp_path):
    with pytest.raises(StepError, match="adds: the kernel did not start: No such kernel named no-such-kernel"):
        run("adds", tmp_path, kernel_name="no-such-kernel")
