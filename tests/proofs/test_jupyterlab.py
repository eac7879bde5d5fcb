"""Run All and save in JupyterLab, and what the saved notebooks are worth then."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
import requests
from playwright.sync_api import Page, expect, sync_playwright

from iris_lab.serving.display import SENTENCE

pytestmark = pytest.mark.slow
PROJECT = Path(__file__).parents[2]
SECONDS = 180


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the package, its notebooks without outputs, and their tests."""
    for name in ("iris_lab", "notebooks"):
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    (tmp_path / "tests").mkdir()
    for name in ("pyproject.toml", "tests/test_notebooks.py"):
        shutil.copy(PROJECT / name, tmp_path / name)
    for path in (tmp_path / "notebooks").glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)
    return tmp_path


@pytest.fixture
def environment(project: Path) -> dict[str, str]:
    folders = {f"JUPYTER_{name}_DIR": str(project / "jupyter" / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return kept | folders | {"PYTHONPATH": str(project)}


@pytest.fixture
def lab(project: Path, environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/"
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--IdentityProvider.token="]
    command += ["--ServerApp.disable_check_xsrf=True"]
    command += [f"--ServerApp.port={url.split(':')[2][:-1]}", f"--ServerApp.root_dir={project / 'notebooks'}"]
    with (project / "log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        for _ in range(480):
            with suppress(requests.ConnectionError):
                requests.get(f"{url}api", timeout=10).raise_for_status()
                break
            time.sleep(0.25)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=90)


def run_all_and_save(page: Page, url: str, notebook: Path) -> None:
    page.goto(f"{url}lab/tree/{notebook.name}?reset")
    expect(page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first).to_be_attached(timeout=60_000)
    page.wait_for_timeout(3000)
    page.locator(".jp-Notebook .jp-MarkdownOutput").first.click()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_timeout(1000)
    until = time.monotonic() + SECONDS
    while [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.get("execution_count", 1) is None]:
        assert time.monotonic() < until, f"{notebook.name} was not run"
        page.wait_for_timeout(2000)
        page.keyboard.press("Control+s")


def test_a_notebook_that_was_run_and_saved_passes_its_tests_and_claims_no_endpoint(
    project: Path, environment: dict[str, str], lab: str
) -> None:
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        for notebook in sorted((project / "notebooks").glob("*.ipynb")):
            run_all_and_save(page, lab, notebook)
        verdict = page.frame_locator("iframe[title='Demo page of the endpoint']").locator("#verdict-name")
        verdict.scroll_into_view_if_needed(timeout=60_000)
        expect(verdict).to_have_text("versicolor", timeout=60_000)
        page.screenshot(path=project / "live.png")
        for kernel in requests.get(f"{lab}api/kernels", timeout=60).json():
            requests.delete(f"{lab}api/kernels/{kernel['id']}", timeout=60).raise_for_status()
        page.close()
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        page.goto(f"{lab}lab/tree/03_evaluate.ipynb?reset")
        shown = page.get_by_text(SENTENCE)
        shown.scroll_into_view_if_needed(timeout=60_000)
        page.wait_for_timeout(3000)
        page.screenshot(path=project / "later.png")
        assert page.locator("iframe[title='Demo page of the endpoint']").count() == 0
        assert page.get_by_text("It answers now at").count() == 0
        browser.close()
    pytest_again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    for more in (["-m", "not slow", "tests"], ["--nbval", "--nbval-current-env", "notebooks"]):
        ran = subprocess.run([*pytest_again, *more], cwd=project, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout
