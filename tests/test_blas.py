"""The same last digits in Jupyter as in a report."""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from iris_lab.blas import blas_core, blas_environment

PROJECT = Path(__file__).parent.parent
UNPINNED = {name: value for name, value in os.environ.items() if name not in blas_environment()}


@pytest.mark.slow
def test_a_model_trained_by_hand_is_the_published_one_to_the_byte_whatever_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = json.loads((PROJECT / "reports/iris/model.json").read_text())
    notebook = nbformat.read(PROJECT / "notebooks/02_train.ipynb", as_version=4)
    for name in blas_environment():
        monkeypatch.delenv(name, raising=False)
    if blas_core() == "Prescott":
        monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")  # as OpenBLAS would choose on most machines
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    parameters = next(cell for cell in notebook.cells if cell.cell_type == "code")
    parameters.source += '\nrun_dir = "."'
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    by_hand = json.loads((tmp_path / "model.json").read_text())
    assert by_hand["sha256"] == published["sha256"]


def python(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=UNPINNED | environment, capture_output=True, text=True, check=True)
    return ran.stdout + ran.stderr


def test_openblas_takes_the_pinned_core_and_one_thread() -> None:
    """OpenBLAS may call the core by another name than the one it was asked for."""
    show = "import numpy, threadpoolctl; print([(p['architecture'], p['num_threads']) for p in threadpoolctl."
    show += "threadpool_info() if p['internal_api'] == 'openblas'])"
    pinned = python(f"from iris_lab.blas import pin_blas; pin_blas(); {show}")
    assert pinned == python(show, **blas_environment())
    if blas_core() == "Prescott":
        assert pinned != python(show, OPENBLAS_CORETYPE="Haswell", OPENBLAS_NUM_THREADS="1")


def test_pinning_after_numpy_was_loaded_is_said() -> None:
    said = python("import numpy; from iris_lab.blas import pin_blas; pin_blas()")
    assert "NumPy was loaded before pin_blas()" in said
    assert "restart the kernel" in said


def test_pinning_where_it_is_done_already_says_nothing() -> None:
    assert python("from iris_lab.blas import pin_blas; pin_blas(); import numpy; pin_blas()") == ""
