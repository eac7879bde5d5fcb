import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import requests
from conftest import save_run
from services import SETOSA
from waitress.trigger import trigger

from iris_lab.data.datasets import load_dataset
from iris_lab.errors import ArtifactError, InputError
from iris_lab.evaluation import request_bodies
from iris_lab.modeling import load_model
from iris_lab.serving import Server, launch
from iris_lab.serving.display import SENTENCE
from iris_lab.serving.launcher import _free_socket


def ask(server: Server) -> list[int]:
    answer = requests.post(f"{server.url}/predict_species", json={"data": [SETOSA]}, timeout=60)
    answer.raise_for_status()
    result: list[int] = answer.json()["result"]
    return result


@pytest.fixture
def attended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_VERSION", raising=False)
    monkeypatch.delenv("IRIS_LAB_UNATTENDED", raising=False)
    monkeypatch.delenv("JUPYTERHUB_SERVICE_PREFIX", raising=False)


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_model_is_served_within_a_second(iris_run: Path) -> None:
    model = load_model(iris_run)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        with launch(model) as server:
            seconds.append(time.perf_counter() - began)
            assert server.is_running
            assert ask(server) == [0]
        assert not server.is_running
    assert min(seconds) < 1  # not all of them, on a busy machine


def test_a_run_is_served(iris_run: Path) -> None:
    with launch(iris_run) as server:
        assert ask(server) == [0]


def test_a_stopped_server_answers_no_more(iris_run: Path) -> None:
    server = launch(iris_run)
    server.stop()
    server.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=5)


def test_a_request_in_the_moment_of_the_stop_does_no_harm(iris_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = launch(iris_run)
    pull = trigger._physical_pull

    def held_up(itself: trigger) -> None:  # as by a busy machine; the request wakes the loop meanwhile
        with suppress(requests.RequestException):
            requests.get(server.url, timeout=0.5)
        time.sleep(0.2)
        pull(itself)

    monkeypatch.setattr(trigger, "_physical_pull", held_up)
    server.stop()
    assert not server.is_running


def test_an_answer_in_the_moment_of_the_stop_does_no_harm(iris_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = launch(iris_run)
    pull = trigger._physical_pull

    def pull_late(itself: trigger) -> None:
        monkeypatch.setattr(trigger, "_physical_pull", pull)
        pull(itself)  # as the thread does that has just answered: it wakes the loop, which may end by now
        time.sleep(0.5)
        pull(itself)

    monkeypatch.setattr(trigger, "_physical_pull", pull_late)
    server.stop()
    assert not server.is_running


AFTER_FORK = """
import multiprocessing, sys, time
from iris_lab.serving import launch
first = launch(sys.argv[1], port=0)
child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
child.start()
try:
    second = launch(sys.argv[1], port=first.port)
    print(second.port - first.port)
finally:
    child.terminate()
    child.join()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems keep a port for a process that was forked")
def test_a_process_that_was_forked_does_not_keep_the_port(iris_run: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", AFTER_FORK, str(iris_run)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_VERSION"}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, check=False)
    assert (ran.stdout, ran.stderr) == ("0\n", "")


@pytest.mark.usefixtures("attended")
def test_a_second_launch_replaces_the_first_at_its_port(iris_run: Path) -> None:
    first = launch(iris_run, port=0)  # another test run may be at any port we could name
    ask(first)
    with launch(iris_run, port=first.port) as second:
        assert not first.is_running
        assert second.port == first.port
        assert ask(second) == [0]


@pytest.mark.usefixtures("attended")
def test_a_busy_port_is_stepped_over(iris_run: Path, busy_port: int) -> None:
    with launch(iris_run, port=busy_port) as server:
        assert server.port > busy_port
        assert ask(server) == [0]


@pytest.mark.usefixtures("attended")
def test_of_many_launched_at_once_one_is_left(iris_run: Path) -> None:
    model = load_model(iris_run)
    with ThreadPoolExecutor(8) as pool:
        servers = list(pool.map(lambda port: launch(model, port=port), [5400] * 8))
    running = [server for server in servers if server.is_running]
    assert [ask(server) for server in running] == [[0]]
    running[0].stop()


def test_a_port_is_taken_from_the_moment_it_is_found_free() -> None:
    with _free_socket(5400) as first, _free_socket(first.getsockname()[1]) as second:
        assert first.getsockname() != second.getsockname()


@pytest.mark.usefixtures("attended")
def test_its_repr_gives_a_curl_line_that_works(iris_run: Path) -> None:
    with launch(iris_run, port=5400) as server:
        assert f"The endpoint answers at {server.url}" in repr(server)
        command = repr(server).splitlines()[1]
        answer = subprocess.run(command, shell=True, capture_output=True, check=True, timeout=60)
        assert answer.stdout == b'{"result":[1]}'
    assert repr(server) == "The endpoint is stopped."


@pytest.mark.usefixtures("attended")
def test_what_a_cell_stores_claims_no_endpoint_at_a_port(iris_run: Path) -> None:
    with launch(iris_run, port=5400) as server:
        stored = server._repr_mimebundle_()
        assert stored["text/plain"] == SENTENCE
        assert stored["text/html"].startswith(f'<p>{SENTENCE}</p><div class="iris-lab-endpoint" data-port="')
        assert not re.search(r"(127\.0\.0\.1|localhost):\d", stored["text/html"])
        assert "<iframe" not in stored["text/html"]


@pytest.mark.usefixtures("attended")
def test_only_the_endpoint_that_was_launched_answers_to_its_token(iris_run: Path) -> None:
    def token(server: Server) -> str:
        return re.findall('data-token="(.+?)"', server._repr_mimebundle_()["text/html"])[0]

    with launch(iris_run, port=0) as first:
        given = token(first)
        proof = requests.get(f"{first.url}/launched/{given}", timeout=60)
        assert (proof.status_code, proof.headers["Content-Type"]) == (200, "image/svg+xml")
        assert proof.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert proof.headers["Cache-Control"] == "no-store"
    with launch(iris_run, port=first.port) as second:
        assert token(second) != given
        assert requests.get(f"{second.url}/launched/{given}", timeout=60).status_code == 404


@pytest.mark.usefixtures("attended")
def test_the_host_of_a_jupyterlab_is_known_once_its_page_has_given_the_token(iris_run: Path) -> None:
    def status(path: str, host: str) -> int:
        return requests.get(f"{server.url}{path}", headers={"Host": host}, timeout=60).status_code

    with launch(iris_run, port=0) as server:
        token = re.findall('data-token="(.+?)"', server._repr_mimebundle_()["text/html"])[0]
        assert status("/", "lab.example.org:8888") == 421
        assert status("/launched/" + "0" * 32, "evil.example") == 421
        assert status(f"/launched/{token}", "lab.example.org:8888") == 200
        assert status("/", "lab.example.org:8888") == 200
        assert status("/", "evil.example") == 421


@pytest.mark.usefixtures("attended")
@pytest.mark.parametrize("given", ["/lab7/", "lab7", "/lab7"])
def test_the_prefix_of_a_proxy_can_be_given(iris_run: Path, given: str) -> None:
    with launch(iris_run, port=0, proxy_prefix=given) as server:
        assert server.link == f"/lab7/proxy/{server.port}/"
        assert 'data-prefix="/lab7/"' in server._repr_mimebundle_()["text/html"]
        assert requests.get(server.url, headers={"Host": "evil.example"}, timeout=60).status_code == 421


def test_what_an_unattended_run_shows_is_always_the_same(iris_run: Path) -> None:
    with launch(iris_run) as server:
        assert repr(server) == SENTENCE
        assert server._repr_mimebundle_() == {"text/plain": SENTENCE, "text/html": f"<p>{SENTENCE}</p>"}


def test_behind_a_hub_the_link_goes_through_the_proxy(iris_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    with launch(iris_run) as server:
        assert server.link == f"/user/ada/proxy/{server.port}/"
        monkeypatch.delenv("PYTEST_VERSION")
        assert 'data-prefix="/user/ada/"' in server._repr_mimebundle_()["text/html"]
        answer = requests.get(server.url, headers={"Host": "hub.example.org"}, timeout=60)
        assert answer.ok


def test_it_is_quiet_and_ends_with_its_process(iris_run: Path) -> None:
    code = f"""
from pathlib import Path
import requests
from iris_lab.serving import launch
server = launch(Path({str(iris_run)!r}))
assert requests.get(server.url, timeout=60).ok
assert requests.post(server.url + "/predict_species", data="nonsense", timeout=60).status_code == 415
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_run_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no model"):
        launch(tmp_path)


def test_a_run_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="does not exist"):
        launch(tmp_path / "nowhere")


@pytest.mark.usefixtures("attended")
def test_a_port_beyond_the_last_is_refused(iris_run: Path) -> None:
    with pytest.raises(InputError, match="port=70000: expected 0 to 65535"):
        launch(iris_run, port=70000)


def test_importing_the_package_imports_no_flask() -> None:
    code = "import sys, iris_lab.serving; assert not {'flask', 'sklearn', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_test_set_above_the_body_limit_is_asked_for_in_several_requests(tmp_path: Path) -> None:
    """5,000 samples of 784 features are 70 to 100 MB of JSON; a body is limited to 16 MiB."""
    random = np.random.default_rng(0)
    names = [f"pixel {number}" for number in range(784)]
    table = pd.DataFrame(random.random((60, 784)), columns=names).assign(digit=["one", "two"] * 30)
    table.to_csv(tmp_path / "digits.csv", index=False)
    model, _ = save_run(tmp_path, load_dataset(tmp_path / "digits.csv"))
    features = pd.DataFrame(random.random((5000, 784)), columns=names)
    with launch(model) as server:
        url = f"{server.url}/predict_species"
        replies = [requests.post(url, json=body, timeout=60) for body in request_bodies(features)]
    codes = [code for reply in replies for code in reply.json()["result"]]
    assert len(replies) > 5
    assert codes == model.estimator.predict(features).tolist()
