"""The endpoint from the shell: Granian, one process or several."""

import ctypes
import errno
import os
import platform
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
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
from iris_lab.serving.http.middleware import Rules
from iris_lab.serving.servers.access_log import STDOUT, AccessLog
from iris_lab.serving.servers.options import Options, openness
from iris_lab.serving.servers.workers import Workers, end_in_order

MAX_WORKERS = 64
STDERR = 2  # the descriptor, as above
MAX_CONNECTIONS = 1000  # of a worker at a time; more wait until one is closed
_TO_STDERR = {"formatter": "generic", "class": "logging.StreamHandler", "stream": "ext://sys.stderr"}

_M_ARENA_MAX = -8  # in malloc.h
LOG = AccessLog()


def serve(
    run: Path, *, host: str = "127.0.0.1", port: int = 5000, workers: int = 1, options: Options | None = None
) -> None:
    """Serve the model of a run until SIGTERM or Ctrl-C; requests that have come by then are answered.

    Parameters
    ----------
    run
        A run directory.
    host, port
        Where to listen; port 0 for any that is free.
    workers
        Processes that share the port.
    options
        What may be asked, and by whom.

    Raises
    ------
    ArtifactError
        There is no such run, it has no model, or the model is not the one its ``model.json`` describes.
    InputError
        The port is busy, or something that was given cannot be used.
    """
    options = options or Options()
    check_range("workers", workers, 1, MAX_WORKERS)
    rules = options.rules(host)
    _allow_files(2 * MAX_CONNECTIONS)
    with _listen(host, port) as listener:
        server = Workers(
            listener,
            target="iris_lab",
            interface=Interfaces.WSGI,
            workers=workers,
            backpressure=MAX_CONNECTIONS,
            blocking_threads=MAX_CONNECTIONS,  # made when needed: by then each may wait for a body that is slow to come
            workers_kill_timeout=60,  # a request that has not been answered by then never will be
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(header_read_timeout=10_000),
            websockets=False,
            log_level=LogLevels.error,
            log_dictconfig={"handlers": {"console": _TO_STDERR, "access": _TO_STDERR}},
        )
        with _counted_together(workers):
            _endpoint(run, options.trust, rules)  # here: what is wrong with the run is said before a process starts
            _announce(run, host, listener)
            server.serve(target_loader=partial(_worker, run, options.trust, rules, os.getpid()), wrap_loader=False)
    _write(STDERR, "iris-lab: stopped\n")


def _allow_files(number: int) -> None:
    """Raise the number of files and connections a process may have open, often 1024, where we may."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= soft < number:
            wanted = number if hard < 0 else min(number, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _announce(run: Path, host: str, listener: socket.socket) -> None:
    _write(STDERR, openness(host))
    name = f"[{host}]" if ":" in host else host
    _write(STDOUT, f"serving {run} at http://{name}:{listener.getsockname()[1]} (Ctrl-C stops it)\n")


def _worker(run: Path, trust: bool, rules: Rules, parent: int) -> Flask:
    # The parent tells its own pid: if it was killed before a worker asks, getppid() names another process.
    endpoint = _endpoint(run, trust, rules)
    endpoint.bodies.watch()
    _share_one_heap()
    _keep_the_processor()
    end_in_order(endpoint.app, parent)
    LOG.start()
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        Finalize(None, _remove_of_the_dead, (folder, parent), exitpriority=0)
    return endpoint.app


def _remove_of_the_dead(folder: str, parent: int) -> None:
    if os.getppid() != parent:  # killed, or it would do this itself
        shutil.rmtree(folder, ignore_errors=True)


def _keep_the_processor() -> None:
    """Let a thread that wakes another go on, where the system is Linux; threads made from now on inherit it.

    Reading a body releases the GIL, and the scheduler would preempt this thread in favour of the one that waits for
    it. SCHED_BATCH avoids that preemption: 9 µs of system time for a one-row request, 18 without.
    """
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):  # a container may forbid it
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _share_one_heap() -> None:
    """Let all threads allocate from one heap, where the C library is glibc.

    glibc gives every thread its own arena and trims it after a large response: in every other worker that costs 250
    to 450 page faults and 0.6 to 0.9 ms per request of 10,000 rows; with one arena about 100 and 0.3 ms.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


@cache
def _endpoint(run: Path, trust: bool, rules: Rules) -> Endpoint:
    # Forked workers find the endpoint made; where processes are spawned each makes its own.
    return endpoint_of(run, trust=trust, rules=rules, log=LOG.add)


@contextmanager
def _counted_together(workers: int) -> Iterator[None]:
    """Let worker processes keep their counts in files, so that each can tell those of all, and of dead ones."""
    if workers == 1:
        yield
        return
    try:
        temporary = tempfile.TemporaryDirectory(prefix="iris-lab-")
    except OSError as error:
        raise InputError(
            f"no folder for the counts of {workers} workers could be made ({error.strerror}): "
            "let TMPDIR name one that can be written, or give --workers 1"
        ) from error
    with temporary as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        # It chose at import, when there was no folder.
        values.ValueClass = values.get_value_class()  # type: ignore[no-untyped-call]  # as prometheus_client has it
        yield


def _write(descriptor: int, line: str) -> None:
    # Past Python's buffers, which would keep what cannot be written: whoever read the log may have gone away.
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
            listener.bind(address)
            listener.listen()  # else a second server could bind it, too, until the first has started
            on_error.pop_all()
    except (OSError, UnicodeError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise InputError(f"port {port} of {host} is busy: give another with --port") from error
        raise InputError(f"cannot listen on {host}:{port}: {error}") from error
    return listener
