"""The endpoint from the shell: Granian, one process or several."""

import errno
import socket
from functools import cache
from pathlib import Path

from flask import Flask
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels

from iris_lab.errors import InputError
from iris_lab.serving.access_log import AccessLog
from iris_lab.serving.gate import LOOPBACK, MAX_BODY, Rules
from iris_lab.serving.runs import app_of

LOG = AccessLog()


def serve(
    run: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 5000,
    workers: int = 1,
    trust: bool = False,
    max_body: int = MAX_BODY,
) -> None:
    """Serve the model of a run until interrupted.

    Parameters
    ----------
    run
        A run directory.
    host, port
        Where to listen.
    workers
        Processes that share the port.
    trust
        Load the model even where its digest does not agree with its ``model.json``.
    max_body
        Bytes a request may have.

    Raises
    ------
    ArtifactError
        There is no such run, it has no model, or the model is not the one its ``model.json`` describes.
    InputError
        The port is busy, or cannot be used.
    """
    _check_port(host, port)
    rules = Rules(max_body=max_body, hosts=(*LOOPBACK, host, socket.gethostname()), addresses=host not in LOOPBACK)
    _app(run, trust, rules)  # here, so that what is wrong with the run is said before a process starts
    server = Granian(
        target="iris_lab",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=512,  # mostly asleep; one a body that is slow to come
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        websockets=False,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        log_level=LogLevels.error,
    )
    print(f"serving {run} at http://{host}:{port} (Ctrl-C stops it)", flush=True)  # noqa: T201
    server.serve(target_loader=lambda: _worker(run, trust, rules), wrap_loader=False)


def _worker(run: Path, trust: bool, rules: Rules) -> Flask:
    app = _app(run, trust, rules)
    app.config["BODIES"].watch()
    LOG.start()
    return app


@cache
def _app(run: Path, trust: bool, rules: Rules) -> Flask:
    # Forked workers find the application made; where processes are spawned each makes its own.
    return app_of(run, trust=trust, rules=rules, log=LOG.add)


def _check_port(host: str, port: int) -> None:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise InputError(f"port {port} of {host} is busy: give another with --port") from error
        raise InputError(f"cannot listen on {host}:{port}: {error}") from error
