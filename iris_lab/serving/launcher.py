"""The endpoint in a thread of the notebook's kernel.

The server is waitress: pure Python, the same on Windows, and it starts and stops from any thread, which Granian does
not.
"""

import errno
import logging
import os
import shlex
import socket
import threading
from contextlib import suppress
from html import escape
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import RequestEntityTooLarge

from iris_lab.errors import InputError
from iris_lab.modeling import Model
from iris_lab.serving.gate import ANY_HOST, LOOPBACK, Rules
from iris_lab.serving.runs import app_of

HOST = "127.0.0.1"
STEPS = 100  # so many ports are tried
_current: "Server | None" = None
_replacing = threading.Lock()


def launch(model_or_run: Model | Path | str, port: int = 5000, *, trust: bool = False) -> "Server":
    """Serve a model from this process, in the background, and return at once.

    The endpoint of an earlier call is stopped first. It listens on 127.0.0.1 only and ends with the process. In an
    unattended run (papermill with our engine, pytest) any free port is taken and the display names none.

    Parameters
    ----------
    model_or_run
        A model, or the directory of a run.
    port
        Where to listen; if the port is busy, the next free one is taken. 0 for any.
    trust
        Load a model of a run even where its digest does not agree with its ``model.json``.

    Returns
    -------
    Server
        Its ``url``, ``stop()``, and in a notebook the demo page.

    Raises
    ------
    ArtifactError
        The run cannot be used.
    InputError
        No port is free, or `port` is none.
    """
    global _current
    hosts = (ANY_HOST,) if _proxy_prefix() else LOOPBACK  # there the name is the hub's, and no browser is on this host
    app = app_of(model_or_run, trust=trust, rules=Rules(hosts=hosts))
    with _replacing:
        if _current is not None:
            _current.stop()
        _current = Server(app, _free_socket(0 if _unattended() else port))
        return _current


class Server:
    """A running endpoint.

    Parameters
    ----------
    app
        What to serve.
    listener
        A bound socket.
    """

    def __init__(self, app: Flask, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._example = app.config["EXAMPLE"]
        self._stopping = threading.RLock()
        self._stopped = False
        self._sockets: dict[int, wasyncore.dispatcher] = {}
        rules: Rules = app.config["RULES"]
        # waitress reads a body whole before the application sees it, so the limit has to be its own, too.
        self._server = create_server(
            app,
            map=self._sockets,
            sockets=[listener],
            threads=4,
            ident="",
            max_request_body_size=rules.max_body + 1,
            connection_limit=1000,  # a slow client holds a connection, not a thread
            channel_timeout=30,
        )
        self._server.channel_class = _Channel
        logging.getLogger("waitress").setLevel(logging.ERROR)  # its warnings would land in a cell's output
        self._thread = threading.Thread(target=self._run, name="iris-lab-endpoint", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it answers, from this machine."""
        return f"http://{HOST}:{self.port}"

    @property
    def link(self) -> str:
        """Where a browser finds it: behind JupyterHub or Binder, through jupyter-server-proxy."""
        prefix = _proxy_prefix()
        return f"{prefix}proxy/{self.port}/" if prefix else f"{self.url}/"

    @property
    def is_running(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive() and not self._stopped

    def stop(self) -> None:
        """Stop it, answers under way first; nothing happens if it was stopped before."""
        with self._stopping:
            if not self._stopped:
                self._stopped = True
                self._server.pull_trigger()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopped:
            self._turn(30)
        with self._stopping:  # by now the trigger has been pulled, so that it may be closed
            self._server.adj.channel_request_lookahead = -1  # no connection is read from any more
        with suppress(OSError):  # a process forked from this one may hold the socket, too, and would keep the port
            self._server.socket.shutdown(socket.SHUT_RDWR)
        wasyncore.dispatcher.close(self._server)
        until = monotonic() + 5
        while monotonic() < until and any(map(_is_busy, self._server.active_channels.values())):
            self._turn(0.1)
        self._server.task_dispatcher.shutdown(timeout=5)
        wasyncore.close_all(self._sockets, ignore_all=True)

    def _turn(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=hasattr(os, "fork"), map=self._sockets, count=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        if _unattended():
            return "The endpoint answers while this notebook runs."
        return f"The endpoint answers at {self.url}\n{self._curl}" if self.is_running else "The endpoint is stopped."

    @property
    def _curl(self) -> str:
        return f"curl {self.url}/predict_species -H 'Content-Type: application/json' -d {shlex.quote(self._example)}"

    def _repr_html_(self) -> str:
        if _unattended() or not self.is_running:
            return f"<p>{escape(repr(self))}</p>"
        link = escape(self.link)
        return (
            f'<p>The endpoint answers at <a href="{link}" target="_blank">{link}</a>, with this page:</p>'
            f'<iframe src="{link}" title="Demo page of the endpoint" allow="clipboard-write" '
            'style="width: 100%; height: 720px; border: 1px solid #77818e; border-radius: 6px"></iframe>'
            f"<p>Or ask it from a terminal:</p><pre>{escape(self._curl)}</pre>"
        )


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection on which the application itself refuses a body over the limit, with a problem document."""

    def error_task_class(self, _channel: HTTPChannel, request: HTTPRequestParser) -> Task:
        """Return what answers a request that waitress refuses, by default in plain text."""
        if not isinstance(request.error, RequestEntityTooLarge):
            return ErrorTask(self, request)
        # The body is not there, or not all of it; the application looks at the length first.
        request.headers.setdefault("CONTENT_LENGTH", str(self.adj.max_request_body_size))
        task = WSGITask(self, request)
        task.set_close_on_finish()
        return task


def _is_busy(channel: HTTPChannel) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)


def _unattended() -> bool:
    return bool(os.environ.get("IRIS_LAB_UNATTENDED") or os.environ.get("PYTEST_VERSION"))


def _proxy_prefix() -> str:
    return os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "")


def _free_socket(port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise InputError(f"port={port}: expected 0 to 65535")
    for candidate in range(port, min(port + STEPS, 65536)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where reuse means taking the port from its owner
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, candidate))
            listener.listen()  # until then another process could bind it, too
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise InputError(f"cannot listen on {HOST}:{candidate}: {error.strerror}") from error
        else:
            return listener
    raise InputError(f"no free port from {port} to {port + STEPS - 1}: give another, or 0 for any")
