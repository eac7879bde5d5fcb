"""The papermill engine: the same environment and bytes everywhere, and a failed run that says so."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import papermill
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from iris_lab.errors import StepError
from iris_lab.workflow import engine, warm
from iris_lab.workflow.normalization import problems
from iris_lab.workflow.warm import warm_kernels

NOTEBOOKS = Path(__file__).parent / "notebooks"


@pytest.fixture(scope="module")
def warm_parent():
    with warm_kernels() as (parent, _scratch):
        yield parent


@pytest.fixture(params=["plain", "warm"])
def kernel(request, monkeypatch):
    """An ordinary kernel, then one forked from the warm parent."""
    if request.param == "plain":
        monkeypatch.setattr(warm, "CAN_FORK", False)
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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["adds", "shows"])
def test_all_kernels_and_papermills_own_command_write_the_same_bytes(tmp_path, warm_parent, name, monkeypatch):
    for folder in ("plain", "forked", "warm", "command"):
        (tmp_path / folder).mkdir()
    forked = run(name, tmp_path / "forked")
    preloaded = run(name, tmp_path / "warm", warm_parent=warm_parent)
    monkeypatch.setattr(warm, "CAN_FORK", False)
    plain = run(name, tmp_path / "plain")
    command = tmp_path / "command" / f"{name}.ipynb"
    arguments = ["--engine", "iris-lab", "-p", "seed", "3", "-p", "run_dir", ".", "--cwd", str(command.parent)]
    papermills = [sys.executable, "-m", "papermill", str(NOTEBOOKS / f"{name}.ipynb"), str(command), *arguments]
    subprocess.run(papermills, check=True, capture_output=True)
    assert plain.read_bytes() == forked.read_bytes() == preloaded.read_bytes() == command.read_bytes()


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


def of_code(folder: Path, *cells: str, **options) -> nbformat.NotebookNode:
    """Execute a notebook of these cells with our engine, and return it."""
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernelspec})
    nbformat.write(notebook, folder / "given.ipynb")
    papermill.execute_notebook(
        str(folder / "given.ipynb"), str(folder / "done.ipynb"), engine_name="iris-lab", cwd=str(folder),
        progress_bar=False, **options,
    )  # fmt: skip
    return nbformat.read(folder / "done.ipynb", as_version=4)


@pytest.mark.slow
def test_no_output_is_lost_however_often_a_cell_flushes_or_displays(tmp_path, kernel):
    notebook = of_code(
        tmp_path,
        "import sys\nfor i in range(20_000): sys.stdout.write(f'{i} '); sys.stdout.flush()",
        "for i in range(5_000): display(i)",
        warm_parent=kernel,
    )
    written, shown = (cell.outputs for cell in notebook.cells)
    assert [output.text.split() for output in written] == [[str(i) for i in range(20_000)]]
    assert [output.data["text/plain"] for output in shown] == [str(i) for i in range(5_000)]


@pytest.mark.slow
def test_a_hundred_thousand_messages_are_all_in_the_notebook(tmp_path, warm_parent):
    (cell,) = of_code(tmp_path, "for i in range(100_000): display(i)", warm_parent=warm_parent).cells
    assert [output.data["text/plain"] for output in cell.outputs] == [str(i) for i in range(100_000)]


@pytest.mark.slow
def test_output_that_was_not_all_received_fails_the_cell(tmp_path, warm_parent, monkeypatch):
    monkeypatch.setattr(engine, "OUTPUT_SECONDS", 0)
    with pytest.raises(papermill.PapermillExecutionError, match="after 0 s its output had not all been received"):
        of_code(tmp_path, "for i in range(20_000): display(i)", warm_parent=warm_parent)


@pytest.mark.parametrize("code", ["print('x' * 2_000_000)", "print('x' * 1_000_000, end='\\r'); print('done')"])
def test_a_long_line_is_stored_in_seconds(tmp_path, warm_parent, code):
    """nbclient's own handling of carriage returns is quadratic: minutes."""
    (cell,) = of_code(tmp_path, code, warm_parent=warm_parent, execution_timeout=30).cells
    assert cell.outputs[0].text.rstrip("x\n") in ("", "done")


def test_a_progress_bar_is_kept_as_a_terminal_shows_it_at_the_end(tmp_path, warm_parent):
    code = "import sys\nfor c in '|/-': sys.stdout.write(f'\\b{c}'); sys.stdout.flush()\nprint('\\rdone')"
    (cell,) = of_code(tmp_path, code, warm_parent=warm_parent).cells
    assert [output.text for output in cell.outputs] == ["done\n"]


ESCAPES = """
import os, subprocess
children = [subprocess.Popen(["sleep", "600"], start_new_session=True).pid]
children.append(subprocess.Popen(["setsid", "--fork", "sleep", "601"], env={}).pid)
reader, writer = os.pipe()
if os.fork() == 0:
    os.setsid()
    if (grandchild := os.fork()) == 0:
        import time; time.sleep(600)
    os.write(writer, str(grandchild).encode()); os._exit(0)
children.append(int(os.read(reader, 20)))
open("children.txt", "w").write(" ".join(map(str, children)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
@pytest.mark.parametrize("given", [True, False], ids=["report's warm parent", "papermill"])
def test_what_a_cell_starts_in_a_session_of_its_own_ends_with_the_run(tmp_path, given):
    with warm_kernels(preload=False) as (parent, _):
        of_code(tmp_path, ESCAPES, **({"warm_parent": parent} if given else {}))
    for child in (tmp_path / "children.txt").read_text().split():
        assert not Path(f"/proc/{child}").exists()


def test_papermills_own_log_and_files_get_the_output(tmp_path):
    code = "import sys; print('to stdout'); print('to stderr', file=sys.stderr); 'a result'"
    nbformat.write(new_notebook(cells=[new_code_cell(code)]), tmp_path / "given.ipynb")
    files = ["given.ipynb", "done.ipynb", "--stdout-file", "out.txt", "--stderr-file", "err.txt", "-k", "python3"]
    command = [sys.executable, "-m", "papermill", "--engine", "iris-lab", "--log-output", *files]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stderr
    assert (tmp_path / "out.txt").read_text() == "to stdout\n"
    assert (tmp_path / "err.txt").read_text() == "to stderr\n"
    assert all(text in said for text in ("to stdout", "to stderr", "a result"))


def test_a_kernel_specification_can_name_the_provisioner(tmp_path, monkeypatch):
    """Other Jupyter programs find it by its entry point."""
    kernels = KernelSpecManager(kernel_dirs=[str(tmp_path)], ensure_native_kernel=False)
    (tmp_path / "pinned").mkdir()
    metadata = {"kernel_provisioner": {"provisioner_name": "iris-lab"}}
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {"argv": argv, "display_name": "Pinned", "language": "python", "metadata": metadata}
    (tmp_path / "pinned/kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    manager = AsyncKernelManager(kernel_name="pinned", kernel_spec_manager=kernels)
    code = new_code_cell("import os; os.environ['TZ'], os.environ['OMP_NUM_THREADS']")
    done = NotebookClient(new_notebook(cells=[code]), km=manager).execute(cleanup_kc=True)
    assert done.cells[0].outputs[0].data["text/plain"] == "('UTC', '1')"
