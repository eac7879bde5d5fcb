"""The endpoint as started from the shell: Granian with one or more worker processes."""

import ctypes
import errno
import os
import platform
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from itertools import count
from multiprocessing.util import Finalize
from pathlib import Path

from flask import Flask
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from prometheus_client import values

from iris_lab.errors import InputError, check_port, check_range
from iris_lab.serving.app import endpoint_of
from iris_lab.serving.endpoint import Endpoint
from iris_lab.serving.http.connections import OPEN_FILES, allow_open_files, end_unread_connections
from iris_lab.serving.http.middleware import Rules
from iris_lab.serving.servers.access_log import STDOUT, AccessLog
from iris_lab.serving.servers.options import (
    CROWDED_UNREAD_SECONDS,
    UNREAD_SECONDS,
    UNSENT_BYTES,
    Options,
    bound_unsent,
    openness,
    other_program,
)
from iris_lab.serving.servers.workers import Workers, end_in_order

MAX_WORKERS = 64
STDERR = 2  # a file descriptor, like STDOUT
MAX_CONNECTIONS = 2000  # per worker at a time; further ones wait until one is closed
MAX_THREADS = 1000  # per worker; created on demand: each may have to wait for a slow body
CROWDED = MAX_CONNECTIONS // 4  # number of open files from which on unread responses are dropped sooner
_TO_STDERR = {"formatter": "generic", "class": "logging.StreamHandler", "stream": "ext://sys.stderr"}

_M_ARENA_MAX = -8  # in malloc.h
LOG = AccessLog()


def serve(
    run: Path, *, host: str = "127.0.0.1", port: int = 5000, workers: int = 1, options: Options | None = None
) -> None:
    """Serve the model of a run until SIGTERM or Ctrl-C, then answer the requests received so far.

    Parameters
    ----------
    run
        A run directory.
    host, port
        Where to listen; port 0 for any free port.
    workers
        Processes that share the port.
    options
        Limits, hosts and origins.

    Raises
    ------
    ArtifactError
        There is no such run, it has no model, or the model is not the one its ``model.json`` describes.
    InputError
        The port is busy, or an option is invalid.
    """
    options = options or Options()
    check_range("workers", workers, 1, MAX_WORKERS)
    rules = options.rules(host)
    allow_open_files(2 * MAX_CONNECTIONS)
    with _listen(host, port) as listener:
        server = Workers(
            listener,
            target="iris_lab",
            interface=Interfaces.WSGI,
            workers=workers,
            backpressure=MAX_CONNECTIONS,
            blocking_threads=MAX_THREADS,
            workers_kill_timeout=60,  # for the requests of a worker that is to end
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=10_000),
            websockets=False,
            log_level=LogLevels.error,
            log_dictconfig={"handlers": {"console": _TO_STDERR, "access": _TO_STDERR}},
        )
        with _shared_metrics(workers):
            _endpoint(run, options.trust, rules)  # here, so that an unusable run is reported before a worker starts
            _announce(run, host, listener)
            server.serve(target_loader=partial(_worker, run, options.trust, rules, os.getpid()), wrap_loader=False)
    _write(STDERR, "iris-lab: stopped\n")


def _announce(run: Path, host: str, listener: socket.socket) -> None:
    _write(STDERR, openness(host))
    address, port = listener.getsockname()[:2]
    if host == "localhost":
        host = address  # localhost may lead clients to another address than ours
    _write(STDERR, other_program(host, port))
    name = f"[{host}]" if ":" in host else host
    _write(STDOUT, f"serving {run} at http://{name}:{port} (Ctrl-C stops it)\n")


def _worker(run: Path, trust: bool, rules: Rules, parent: int) -> Flask:
    # Passed by the parent: once the parent is dead, getppid() returns another process.
    endpoint = _endpoint(run, trust, rules)
    endpoint.bodies.watch()
    if os.path.isdir(OPEN_FILES):
        threading.Thread(target=_watch_unread, name="unread-responses", daemon=True).start()
    _share_one_arena()
    _keep_the_processor()
    end_in_order(endpoint.app, parent)
    LOG.start()
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Finalize(None, _remove_folder_of_dead_parent, (folder, parent), exitpriority=0)
    return endpoint.app


def _watch_unread() -> None:
    # One client could take all connections: it sends requests on each, and reads no response.
    for turn in count():
        time.sleep(CROWDED_UNREAD_SECONDS / 2)
        with suppress(OSError):  # too many open files, for the moment
            if len(os.listdir(OPEN_FILES)) > CROWDED:
                end_unread_connections(CROWDED_UNREAD_SECONDS)
            elif turn % 20 == 0:
                end_unread_connections(UNREAD_SECONDS)


def _remove_folder_of_dead_parent(folder: str, parent: int) -> None:
    if os.getppid() != parent:  # the parent was killed; otherwise it removes the folder itself
        shutil.rmtree(folder, ignore_errors=True)


def _keep_the_processor() -> None:
    """On Linux, let a thread keep the processor when it wakes another one. New threads inherit this.

    Reading a body releases the GIL, and the scheduler would preempt this thread in favour of the one that waits for
    it. SCHED_BATCH avoids that preemption: a one-row request takes 9 µs of system time with it, 18 µs without.
    """
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _share_one_arena() -> None:
    """Let all threads allocate from one arena, if the C library is glibc.

    glibc gives every thread its own arena and trims it after a large response. In about half of the workers that costs
    250 to 450 page faults and 0.6 to 0.9 ms per request of 10,000 rows; with one arena it costs 100 and 0.3 ms.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


@cache
def _endpoint(run: Path, trust: bool, rules: Rules) -> Endpoint:
    # Forked workers inherit the endpoint; spawned ones each create their own.
    return endpoint_of(run, trust=trust, rules=rules, log=LOG.add)


@contextmanager
def _shared_metrics(workers: int) -> Iterator[None]:
    """Keep the metrics of several workers in files, so that each can report all, including those of dead workers."""
    if workers == 1:
        yield
        return
    try:
        temporary = tempfile.TemporaryDirectory(prefix="metrics-of-iris-lab-")
    except OSError as error:
        raise InputError(
            f"cannot create a folder for the metrics of {workers} workers ({error.strerror}): "
            "set TMPDIR to a writable folder, or give --workers 1"
        ) from error
    with temporary as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        # prometheus_client chose at import, when the variable was not set.
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # prometheus_client has no types here
        yield


def _write(descriptor: int, line: str) -> None:
    # Unbuffered: if the reader has exited, Python's buffers would keep the text and fail at exit.
    with suppress(OSError):
        os.write(descriptor, line.encode("utf-8", "replace"))


def _listen(host: str, port: int) -> socket.socket:
    check_port(port)
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with ExitStack() as on_error:
            listener = on_error.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            bound_unsent(listener, UNSENT_BYTES)
            listener.bind(address)
            listener.listen()  # otherwise a second server could bind the port until the first one listens
            on_error.pop_all()
    except (OSError, UnicodeError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise InputError(f"port {port} of {host} is busy: give another with --port") from error
        raise InputError(f"cannot listen on {host}:{port}: {error}") from error
    return listener
