"""``iris-lab serve``: what it says, what it refuses, and that it loses no request when workers die or it ends."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import save_run
from prometheus_client.parser import text_string_to_metric_families
from services import BODY, COMMAND, HEADERS, Load, Service, end_process, is_running, raw, serving, wait_until

from iris_lab.cli import main
from iris_lab.data.datasets import load_dataset
from iris_lab.errors import InputError
from iris_lab.serving.servers.options import Options, openness

CLIENTS = [*[(True, 0.0)] * 3, *[(False, 0.0)] * 3, (True, 0.05), (False, 0.05), (True, 0.2)]
LATE = raw("Host: localhost", "Content-Type: application/json", "Content-Length: 1000", body=b"{")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--workers", "0"], "workers=0: expected 1 to 64"),
        (["--workers", "two"], "workers='two': expected a whole number"),
        (["--port", "99999"], "port=99999: expected 0 to 65535"),
        (["--port", "-1"], "port=-1: expected 0 to 65535"),
        (["--max-body", "0"], "max-body=0: expected 1 to 1073741824"),
        (["--max-body", "16M"], "max-body='16M': expected a whole number"),
        (["--host", "no.such.host.invalid"], "cannot listen on no.such.host.invalid:5000"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1:5000"),
        (["--allow-host", "https://iris.example.org"], "allow-host=https://iris.example.org: expected a name"),
        (["--allow-origin", "example.org"], "allow-origin=example.org: expected an origin such as https://example.org"),
        (["--allow-origin", "https://example.org/"], "allow-origin=https://example.org/: expected an origin such as"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    iris_run: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(iris_run), *options]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"iris-lab: {message}")


def test_a_busy_port_is_refused_in_one_line(iris_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert main(["serve", str(iris_run), "--port", port]) == 2
    assert capsys.readouterr().err == f"iris-lab: port {port} of 127.0.0.1 is busy: give another with --port\n"


@pytest.fixture
def changed_run(iris_run: Path, tmp_path: Path) -> Path:
    shutil.copytree(iris_run, tmp_path / "changed")
    with open(tmp_path / "changed" / "model.joblib", "ab") as model:
        model.write(b"x")
    return tmp_path / "changed"


def test_a_changed_model_is_refused_in_one_line(changed_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(changed_run), "--port", "0"]) == 2
    err = capsys.readouterr().err
    assert "not the model it describes, so it was not loaded" in err and err.count("\n") == 1


def test_a_changed_model_that_is_trusted_is_served_and_that_is_said(changed_run: Path) -> None:
    with serving(changed_run, "--trust") as service:
        assert service.get("/model")[0] == 200
        _, said = service.end(signal.SIGTERM)
    assert said.startswith("iris-lab: model.joblib has SHA-256 ")
    assert "not the model it describes, but loaded" in said and said.count("\n") == 2


def test_listening_on_the_network_is_put_into_words() -> None:
    said = openness("0.0.0.0")
    assert all(word in said for word in ("open to the network", "without a password", "no TLS", "--allow-host"))
    assert said.count("\n") == 1
    assert [openness(host) for host in ("127.0.0.1", "127.0.0.2", "::1", "localhost")] == [""] * 4


def test_on_the_network_addresses_and_our_own_name_are_known_but_no_foreign_name() -> None:
    rules = Options().rules("0.0.0.0")
    assert all(map(rules.knows, ("192.168.1.7:5000", "[fe80::1]", socket.gethostname(), "localhost")))
    assert not any(map(rules.knows, ("evil.example", "192.168.1.7.evil.example", "")))
    assert not Options().rules("127.0.0.1").knows("192.168.1.7")


def test_any_name_and_any_origin_can_be_asked_for() -> None:
    rules = Options(allow_hosts=["*"], allow_origins=["*"]).rules("127.0.0.1")
    assert rules.knows("whatever.example")
    with pytest.raises(InputError, match="allow-origin=https://\\*"):
        Options(allow_origins=["https://*"]).rules("127.0.0.1")


def test_ipv6_is_served_and_the_address_that_is_told_works(iris_run: Path) -> None:
    with serving(iris_run, host="::1") as service:
        assert f"http://[::1]:{service.port} (Ctrl-C stops it)" in service.first_line
        assert service.get("/health/live")[0] == 200


def test_another_program_at_the_same_port_of_ipv6_is_named(iris_run: Path) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        port = other.getsockname()[1]
        with serving(iris_run, command=[*COMMAND, "--host", "localhost", "--port", str(port)]) as service:
            assert f"at http://127.0.0.1:{port} " in service.first_line
            _, said = service.end(signal.SIGTERM)
    warning = f"another program answers at [::1]:{port}: ask http://127.0.0.1:{port}, not localhost"
    assert said == f"iris-lab: {warning}\niris-lab: stopped\n"


def test_the_documentation_names_the_address_also_to_who_asked_for_localhost(iris_run: Path) -> None:
    with serving(iris_run) as service:
        page = service.say(raw(f"Host: localhost:{service.port}", "Connection: close", start="GET /docs HTTP/1.1"))
    assert f"curl http://127.0.0.1:{service.port}/predict_species".encode() in page
    assert b"http://localhost" not in page.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_in_one_line(iris_run: Path, number: int) -> None:
    with serving(iris_run) as service:
        workers = service.workers()
        assert service.end(number) == (0, "iris-lab: stopped\n")
    assert not any(map(is_running, workers))


def test_the_log_is_a_line_a_request_whatever_is_asked(iris_run: Path) -> None:
    with serving(iris_run) as service:
        service.say(raw("Host: localhost", "Connection: close", start="GET /a%0a200%20OK%1b[1m HTTP/1.1"))
        service.say(raw("Host: localhost", "X-Request-ID: mine-7", "Connection: close", start="GET / HTTP/1.1"))
        service.end(signal.SIGTERM)
        _ready, strange, plain = service.log
    assert strange.split()[1:4] == ["GET", r"'/a\n200", r"OK\x1b[1m'"]
    assert plain.split()[1:4] + plain.split()[-1:] == ["GET", "/", "200", "mine-7"]


def test_it_serves_on_when_nobody_reads_the_log(iris_run: Path) -> None:
    command = f"{' '.join([*COMMAND, str(iris_run)])} --port 0 & echo $! >&2; wait"
    shell = subprocess.Popen(["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pid, first_line = int(shell.stderr.readline()), shell.stdout.readline()
    shell.stdout.close()
    port = int(first_line.split(":")[2].split()[0])
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(raw("Host: localhost", "Connection: close", start="GET /health/live HTTP/1.1"))
            assert client.recv(100).startswith(b"HTTP/1.1 200")
    os.kill(pid, signal.SIGTERM)
    with shell:
        assert shell.stderr.read() == "iris-lab: stopped\n"
    assert shell.returncode == 0


def test_workers_end_with_a_parent_that_was_killed(iris_run: Path) -> None:
    with serving(iris_run, "--workers", "2") as service:
        workers = service.workers()
        service.end(signal.SIGKILL)
        wait_until(lambda: not any(map(is_running, workers)))


def test_the_counts_are_those_of_all_workers_and_of_dead_ones(iris_run: Path) -> None:
    with serving(iris_run, "--workers", "3") as service:
        for _ in range(3):
            ask(service, 60)
            service.kill_a_worker()
        ask(service, 60)
        assert counts(service)["/predict_species"] == 240
        assert counts(service)["/predict_species"] == 240
        assert predictions(service) == {"setosa": 240, "versicolor": 0, "virginica": 0}


def ask(service: Service, times: int) -> None:
    for _ in range(times):
        connection = service.connect()  # a new one each time, so that all workers are asked
        connection.request("POST", "/predict_species", BODY, HEADERS)
        assert connection.getresponse().read() == b'{"result":[0]}'
        connection.close()


def samples(service: Service, name: str) -> list[tuple[dict[str, str], float]]:
    families = text_string_to_metric_families(service.get("/metrics")[1].decode())
    return [(sample.labels, sample.value) for family in families for sample in family.samples if sample.name == name]


def counts(service: Service) -> Counter[str]:
    found: Counter[str] = Counter()
    for labels, value in samples(service, "iris_lab_requests_total"):
        found[labels["route"]] += int(value)
    seconds = samples(service, "iris_lab_request_seconds_count")
    assert found["/predict_species"] == next(value for labels, value in seconds if "predict" in labels["route"])
    return found


def predictions(service: Service) -> dict[str, float]:
    return {labels["name"]: value for labels, value in samples(service, "iris_lab_predictions_total")}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "3"])
def test_no_accepted_request_is_lost_at_the_end(iris_run: Path, workers: str, number: int) -> None:
    for _ in range(5):
        with serving(iris_run, "--workers", workers) as service:
            # Connections that pause for a moment are those that a server may close just when they are used again.
            load = Load(service).start(*CLIENTS, *[(True, 0.0003 * step) for step in range(30)])
            huge = Load(service, rows=100_000).start((True, 0), (False, 0))
            load.wait_for(random.randint(100, 1000))
            huge.wait_for(2)
            assert service.end(number)[0] == 0
            load.finish()
            huge.finish()
        assert (load.lost, load.fates["wrong"], huge.lost, huge.fates["wrong"]) == ([], 0, [], 0)
        assert len(service.log) == load.fates["answered"] + huge.fates["answered"] + 1  # and none was answered twice


@pytest.mark.slow
def test_a_signal_at_any_moment_of_the_start_ends_it(iris_run: Path) -> None:
    for _ in range(12):
        command = [*COMMAND, str(iris_run), "--port", "0", "--workers", "2"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if random.random() < 0.8:  # most of the races are in the moments after the greeting
            process.stdout.readline()
            time.sleep(random.uniform(0, 0.1))
        else:
            time.sleep(random.uniform(0.5, 1.5))
        number = random.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
        process.send_signal(number)
        _, said = process.communicate(timeout=90)
        assert process.returncode in (0, 128 + number, -number), said
        if process.returncode != -number:  # else it came before our first line, when Python says what it likes
            assert said in ("", "iris-lab: stopped\n", "iris-lab: stopped; nothing was changed\n")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 3])
def test_killed_workers_are_replaced_and_the_service_goes_on(iris_run: Path, workers: int) -> None:
    with serving(iris_run, "--workers", str(workers)) as service:
        load = Load(service).start(*CLIENTS)
        load.wait_for(300)
        for _ in range(15):
            alive = service.workers()
            killed = random.sample(alive, k=random.randint(0, len(alive)))
            for pid in killed:
                end_process(pid, signal.SIGKILL)
            time.sleep(random.uniform(0, 0.5))
        load.wait_for(load.fates["answered"] + 500)
        wait_until(lambda: len(service.workers()) == workers)
        load.finish()
        assert load.fates["refused"] == load.fates["wrong"] == 0
        assert len(load.lost) <= 15 * len(CLIENTS)  # only what a killed worker had in its hands
        lost = len(load.lost)
        calm = Load(service).start(*CLIENTS)
        calm.wait_for(300)
        code, _ = service.end(signal.SIGTERM)
        calm.finish()
    assert (code, calm.lost, lost < load.fates["answered"]) == (0, [], True)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"POST /predict_sp", LATE, raw("Host: localhost", "Transfer-Encoding: chunked")])
def test_slow_clients_do_not_keep_others_waiting(iris_run: Path, sent: bytes) -> None:
    with serving(iris_run) as service:
        slow = [socket.create_connection((service.host, service.port), timeout=60) for _ in range(300)]
        began = time.monotonic()
        load = Load(service).start(*CLIENTS)
        while time.monotonic() < began + 12:  # a byte now and then is no sign of good will
            for client in slow:
                with suppress(OSError):  # given up by now
                    client.sendall(sent[:1])
            sent = sent[1:] or b"1"
            time.sleep(0.5)
        load.finish()
        for client in slow:
            client.close()
    assert (load.lost, load.fates["wrong"], load.fates["refused"]) == ([], 0, 0)
    assert max(load.seconds) < 9  # the slow ones are given up after 10


IMPATIENT = """
import sys
from dataclasses import replace
from pathlib import Path
from iris_lab.serving.servers.options import Options
from iris_lab.serving.servers.granian import serve
class Impatient(Options):
    def rules(self, host):
        return replace(super().rules(host), body_seconds=2.0)
serve(Path(sys.argv[1]), port=0, options=Impatient())
"""


@pytest.mark.slow
def test_a_body_that_does_not_come_is_given_up_and_leaves_nothing_behind(iris_run: Path) -> None:
    with serving(iris_run, command=[sys.executable, "-c", IMPATIENT]) as service:
        files = Path(f"/proc/{service.workers()[0]}/fd")
        before = len(list(files.iterdir()))
        for _ in range(3):
            assert service.say(LATE).startswith(b"HTTP/1.1 408 ")
        assert len(list(files.iterdir())) <= before + 3


@pytest.mark.slow
def test_a_late_body_costs_no_other_client_its_answer(tmp_path: Path) -> None:
    save_run(tmp_path, load_dataset("iris"), "forest")  # slow, so that bodies that come at once wait for their answers
    with serving(tmp_path, command=[sys.executable, "-c", IMPATIENT]) as service:
        waiting = Load(service, rows=10_000).start(*[(True, 0.0)] * 45)  # they take turns, and wait about 2 to 5 s
        for _ in range(5):
            service.say(LATE)
        waiting.finish()
    assert (waiting.lost, waiting.fates["wrong"]) == ([], 0)
    assert max(waiting.seconds) > 1


ORPHAN = """
import os, signal, sys, time
from flask import Flask
from iris_lab.serving.servers.workers import end_in_order

parent = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == parent:
    time.sleep(0.01)
end_in_order(Flask("worker"), parent)
signal.signal(signal.SIGINT, lambda *_: os._exit(print("ended", flush=True) or 0))
time.sleep(60)
"""


def test_a_worker_whose_parent_died_before_it_was_ready_ends_too() -> None:
    done = subprocess.run([sys.executable, "-c", ORPHAN], capture_output=True, text=True, timeout=90, check=True)
    assert done.stdout == "ended\n"
