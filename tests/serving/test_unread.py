"""Clients that send requests and read no response: they keep no other client waiting, and are dropped."""

import resource
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from services import Client, raw, serving

from iris_lab.serving.servers.options import UNREAD_SECONDS

ASKED = raw("Host: localhost", start="GET /openapi.json HTTP/1.1") * 400
LAUNCH = """
import os, sys, time
os.environ.pop("PYTEST_VERSION", None)
from iris_lab.serving import launch
print(launch(sys.argv[1], port=0).port, flush=True)
time.sleep(600)
"""


@contextmanager
def launched(run: Path) -> Iterator[Client]:
    """Launch an endpoint in a process of its own, as a notebook's kernel is."""
    process = subprocess.Popen([sys.executable, "-c", LAUNCH, str(run)], stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield Client("127.0.0.1", int(process.stdout.readline()))
        finally:
            process.kill()


@contextmanager
def unread(client: Client, number: int) -> Iterator[list[socket.socket]]:
    """Open connections, send 400 requests in each, and read nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4000), hard), hard))
    opened: list[socket.socket] = []
    try:
        for _ in range(number):
            opened.append(socket.socket())
            opened[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            opened[-1].settimeout(30)
            opened[-1].connect((client.host, client.port))
            opened[-1].sendall(ASKED)
        yield opened
    finally:
        for one in opened:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def dropped(connections: list[socket.socket]) -> int:
    poll = select.poll()
    for one in connections:
        poll.register(one, select.POLLHUP | select.POLLERR | select.POLLRDHUP)
    return len(poll.poll(0))


def wait_for_dropped(connections: list[socket.socket], number: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (found := dropped(connections)) < number and time.monotonic() < until:
        time.sleep(0.2)
    assert found >= number, f"{found} of {number} after {seconds} s"


def ask_on(client: Client, stop: threading.Event, seconds: list[float]) -> None:
    while not stop.is_set():
        began = time.monotonic()
        with closing(client.connect()) as connection:
            connection.request("GET", "/health/live")
            assert connection.getresponse().status == 200
        seconds.append(time.monotonic() - began)
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("server", [serving, launched])
def test_a_thousand_clients_that_read_nothing_keep_no_other_waiting(server: object, iris_run: Path) -> None:
    stop, seconds = threading.Event(), list[float]()
    with server(iris_run) as client, ThreadPoolExecutor() as threads:  # type: ignore[operator]  # either context manager
        asking = threads.submit(ask_on, client, stop, seconds)
        try:
            with unread(client, 1050) as connections:
                wait_for_dropped(connections, 500, 90)
                until = time.monotonic() + 60
                while len(seconds) < 5 and asking.running() and time.monotonic() < until:
                    time.sleep(0.1)
                stop.set()
                wait_for_dropped(connections, 1050, UNREAD_SECONDS + 20)  # no longer crowded, so the rest has this long
        finally:
            stop.set()
        asking.result()
    assert max(seconds) < 10  # 0.3 to 1.5 s on two busy cores; without an end of such connections never
    assert len(seconds) >= 5


@pytest.mark.slow
@pytest.mark.parametrize("server", [serving, launched])
def test_a_few_clients_that_read_slowly_get_all_their_answers(server: object, iris_run: Path) -> None:
    with server(iris_run) as client, unread(client, 3) as connections:  # type: ignore[operator]  # either context manager
        time.sleep(UNREAD_SECONDS / 4)  # a head that is not complete after 10 s ends a connection
        for one in connections:
            answer = b""
            while answer.count(b"HTTP/1.1 200 OK") < 400:
                received = one.recv(65536)
                assert received
                answer += received
