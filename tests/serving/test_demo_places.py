"""The demo page where it has to live: in a notebook's frame, behind a prefix, in a browser without scripts."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests
from demo_page import TIMEOUT_MS, Visit, expect_answer
from playwright.sync_api import Browser, expect

from iris_lab.serving import Server
from iris_lab.serving.display import SENTENCE

pytestmark = pytest.mark.slow


def test_without_scripts_the_page_leads_to_the_documentation(
    iris_server: Server, chromium: Callable[..., Browser]
) -> None:
    page = chromium("--blink-settings=scriptEnabled=false").new_page(java_script_enabled=False)
    page.goto(f"{iris_server.url}/")
    expect(page.locator("noscript .notice")).to_be_visible()
    expect(page.locator("noscript a")).to_have_attribute("href", "docs")
    expect(page.locator("#form")).to_be_hidden()


@pytest.fixture
def notebook_page(iris_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A web page with what a cell shows; the port where it is."""
    monkeypatch.delenv("PYTEST_VERSION")
    shown = f"<!doctype html><link rel=icon href=data:,><body>{iris_server._repr_mimebundle_()['text/html']}".encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(shown)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_notebook_shows_the_page_in_a_frame(notebook_page: int, browser: Browser, host: str) -> None:
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.goto(f"http://{host}:{notebook_page}/")
        inside = page.frame_locator("iframe")
        expect(inside.locator("#verdict-name")).to_have_text("versicolor")
        expect(inside.locator("footer a").first).to_have_attribute("target", "_blank")
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        inside.locator("#copy").click()
        expect(inside.locator("#copied")).to_have_text("Copied.")


def test_without_its_endpoint_a_notebook_shows_the_sentence_alone(
    iris_server: Server, notebook_page: int, browser: Browser
) -> None:
    iris_server.stop()
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        with page.expect_event("requestfailed", lambda failed: "/launched/" in failed.url):
            page.goto(f"http://localhost:{notebook_page}/")
        assert page.inner_text("body") == SENTENCE
        assert page.locator("iframe").count() == 0


def test_a_foreign_page_does_not_get_it_into_a_frame(notebook_page: int, iris_server: Server, browser: Browser) -> None:
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"http://other.example:{notebook_page}/")
        assert page.inner_text("body") == SENTENCE  # its own script does not even try
        page.evaluate(
            "url => { document.body.appendChild(document.createElement('iframe')).src = url }", iris_server.url
        )
        for _ in range(TIMEOUT_MS // 50):
            if any("frame-ancestors" in text for text in said):
                break
            page.wait_for_timeout(50)
        assert any("frame-ancestors" in text for text in said), said
        assert page.frame_locator("iframe").locator("#verdict").count() == 0


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[str]:
    """A Jupyter server under a prefix, as a hub starts one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folders = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    command += ["--ServerApp.base_url=/user/ada/", "--IdentityProvider.token=", f"--ServerApp.root_dir={tmp_path}"]
    command += ["--ServerApp.allow_remote_access=True"]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, env=os.environ | folders, stdout=log, stderr=log)
    try:
        yield wait_for_answer(f"http://127.0.0.1:{port}/user/ada/", tmp_path / "log")
    finally:
        process.terminate()
        process.wait(timeout=90)


def wait_for_answer(url: str, log: Path) -> str:
    for _ in range(480):
        with contextlib.suppress(requests.ConnectionError):
            if requests.get(f"{url}api", timeout=10).ok:
                return url
        time.sleep(0.25)
    raise AssertionError(log.read_text())


def test_the_page_works_behind_jupyter_server_proxy(iris_server: Server, hub: str, visit: Visit) -> None:
    page = visit(f"{hub}proxy/{iris_server.port}/")
    expect_answer(page)
    page.fill("#number-2", "1.4")
    page.fill("#number-3", "0.2")
    expect(page.locator("#verdict-name")).to_have_text("setosa")
    expect(page.locator("#curl")).to_contain_text(f"curl {hub}proxy/{iris_server.port}/predict_species ")
    assert page.get_by_role("link", name="Model").evaluate("one => one.href") == f"{hub}proxy/{iris_server.port}/model"


CONFIG = '<script id="jupyter-config-data" type="application/json">{"baseUrl": "/user/ada/"}</script>'


@pytest.mark.parametrize(("given", "config"), [("", CONFIG), ("/user/ada/", "")])
def test_in_a_jupyterlab_on_another_machine_the_page_comes_through_the_proxy(
    iris_server: Server, hub: str, browser: Browser, monkeypatch: pytest.MonkeyPatch, given: str, config: str
) -> None:
    monkeypatch.delenv("PYTEST_VERSION")
    iris_server._prefix = given
    lab = hub.replace("127.0.0.1", "other.example")  # to the browser, a name of another machine
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{lab}a-page-of-the-lab")
        page.set_content(config + iris_server._repr_mimebundle_()["text/html"])
        expect(page.frame_locator("iframe").locator("#verdict-name")).to_have_text("versicolor")
        assert page.get_by_role("link").first.get_attribute("href") == f"/user/ada/proxy/{iris_server.port}/"
        assert page.get_by_text("Or ask it from a terminal of the machine on which the notebook runs").is_visible()
        assert all(url.startswith(("http://other.example:", "data:")) for url in asked), asked


def test_through_a_tunnel_the_page_comes_through_the_proxy(
    iris_server: Server, hub: str, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser sees the JupyterLab at its own 127.0.0.1, but not the endpoint."""
    monkeypatch.delenv("PYTEST_VERSION")
    with contextlib.closing(browser.new_context()) as context:
        page = context.new_page()
        page.route(f"{iris_server.url}/**", lambda route: route.abort())
        page.goto(f"{hub}a-page-of-the-lab")
        page.set_content(CONFIG + iris_server._repr_mimebundle_()["text/html"])
        expect(page.frame_locator("iframe").locator("#verdict-name")).to_have_text("versicolor")
