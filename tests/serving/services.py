"""A served run in a process of its own, and clients that notice each answer that does not come."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

SETOSA = {"sepal length (cm)": 5.1, "sepal width (cm)": 3.5, "petal length (cm)": 1.4, "petal width (cm)": 0.2}
BODY = json.dumps({"data": [SETOSA]}).encode()
HEADERS = {"Content-Type": "application/json"}
COMMAND = [sys.executable, "-m", "iris_lab", "serve"]


class Client:
    """Where an endpoint answers, and ways to ask it."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def connect(self, timeout: float = 60) -> HTTPConnection:
        return HTTPConnection(self.host, self.port, timeout=timeout)

    def get(self, path: str) -> tuple[int, bytes]:
        with closing(self.connect()) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def say(self, sent: bytes, timeout: float = 60) -> bytes:
        """Send bytes as they are, and return all that comes back until the server closes."""
        answer = b""
        with socket.create_connection((self.host, self.port), timeout=timeout) as connection:
            connection.sendall(sent)
            with suppress(ConnectionResetError):  # a server that has not read all we sent closes like this
                while received := connection.recv(65536):
                    answer += received
        return answer


class Service(Client):
    """A running ``iris-lab serve``."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.first_line = self.process.stdout.readline()
        found = re.search(r"at http://(.+):(\d+) ", self.first_line)
        assert found, self.process.communicate()
        super().__init__(found[1].strip("[]"), int(found[2]))
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self.get("/health/ready")[0] == 200  # the socket listens at once; the workers come a moment later
        if "--workers" in command:  # the first answers while the last is not yet there
            asked = int(command[command.index("--workers") + 1])
            wait_until(lambda: len(self.workers()) == asked)

    def _read(self) -> None:
        self.log.extend(self.process.stdout)

    def workers(self) -> list[int]:
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            return [int(pid) for pid in children.read().split()]

    def kill_a_worker(self) -> None:
        """Kill one, and wait until another has taken its place."""
        before = self.workers()
        end_process(before[0], signal.SIGKILL)
        wait_until(lambda: len(now := self.workers()) == len(before) and before[0] not in now)

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return exit code and what was said on standard error."""
        self.process.send_signal(number)
        code = self.process.wait(timeout=90)
        self._reader.join(timeout=10)
        return code, self.process.stderr.read()


@contextmanager
def serving(run: Path, *options: str, host: str = "127.0.0.1", command: list[str] | None = None) -> Iterator[Service]:
    service = Service(
        [*command, str(run)] if command else [*COMMAND, str(run), "--host", host, "--port", "0", *options]
    )
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.end(signal.SIGTERM)
        service.process.stdout.close()
        service.process.stderr.close()


@dataclass
class Load:
    """Clients in threads: what became of their requests."""

    service: Service
    rows: int = 1
    seconds: list[float] = field(default_factory=list)
    fates: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self, *clients: tuple[bool, float]) -> "Load":
        """Start clients: whether each keeps its connection, and the seconds it thinks between requests."""
        for kept, pause in clients:
            self._threads.append(threading.Thread(target=self._ask, args=(kept, pause), daemon=True))
            self._threads[-1].start()
        return self

    def wait_for(self, answers: int) -> None:
        wait_until(lambda: self.fates["answered"] >= answers)

    def finish(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=120)
            assert not thread.is_alive(), "a client still waits"

    def __post_init__(self) -> None:
        self.body = json.dumps({"data": [SETOSA] * self.rows}).encode()

    def _ask(self, kept: bool, pause: float) -> None:
        while not self._stop.is_set():
            with closing(self.service.connect()) as connection:
                try:
                    connection.connect()
                except OSError:
                    self.fates["refused"] += 1
                    time.sleep(0.01)
                    continue
                while self._ask_once(connection) and kept and not self._stop.is_set():
                    time.sleep(pause)
            time.sleep(pause)

    def _ask_once(self, connection: HTTPConnection) -> bool:
        """Send a request and note its fate; say whether the connection can be used again."""
        began = time.monotonic()
        try:
            connection.request("POST", "/predict_species", self.body, HEADERS)
        except OSError:
            self.fates["not sent"] += 1
            return False
        try:
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            self.lost.append(repr(error))
            return False
        self.fates["answered" if answer.status == 200 and content.startswith(b'{"result":[0') else "wrong"] += 1
        self.seconds.append(time.monotonic() - began)
        return not answer.will_close


def wait_until(happened: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it does not happen"
        time.sleep(0.01)


def end_process(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def raw(*headers: str, body: bytes = b"", start: str = "POST /predict_species HTTP/1.1") -> bytes:
    lines: Sequence[str] = (start, *headers)
    return "\r\n".join([*lines, "", ""]).encode() + body
