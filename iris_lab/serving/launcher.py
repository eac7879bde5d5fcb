"""The endpoint in a thread of the notebook's kernel, and its display in a cell."""

import errno
import os
import secrets
import shlex
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from iris_lab.errors import InputError, check_port
from iris_lab.modeling import Model
from iris_lab.serving.app import endpoint_of
from iris_lab.serving.display import SENTENCE, live_html, static_html, with_proof
from iris_lab.serving.endpoint import Endpoint
from iris_lab.serving.http.middleware import ANY_HOST, LOOPBACK, Rules
from iris_lab.serving.routes import PREDICT
from iris_lab.serving.servers.background import Background
from iris_lab.serving.servers.options import other_program

HOST = "127.0.0.1"
PORTS_TRIED = 100
_current: "Server | None" = None
_replacing = threading.Lock()


def launch(
    model_or_run: Model | Path | str,
    port: int = 5000,
    *,
    trust: bool = False,
    share_samples: bool = False,
    proxy_prefix: str = "",
) -> "Server":
    """Serve a model from this process, in the background, and return at once.

    The endpoint of an earlier call is stopped first. The endpoint listens on 127.0.0.1 only and ends with the process.
    An unattended run (papermill with our engine, pytest) uses any free port.

    Parameters
    ----------
    model_or_run
        A model, or a run directory.
    port
        Port to listen on, or the next free one after it; 0 for any free port.
    trust
        Load the model of a run whatever its pickle contains. It can run any code.
    share_samples
        Let the demo page show up to 300 training rows of one's own table; those of bundled data it always shows.
    proxy_prefix
        URL path of the JupyterLab that shows the notebook, such as ``/lab7/``, if it cannot be found: JupyterHub names
        it in the environment, and JupyterLab in its page. Its jupyter-server-proxy leads to the endpoint.

    Returns
    -------
    Server
        It has ``url`` and ``stop()``; a notebook displays it as the demo page.

    Raises
    ------
    ArtifactError
        The run cannot be used.
    InputError
        No port is free, or `port` is not a port.
    """
    global _current
    hosts = (ANY_HOST,) if _proxy_prefix() else LOOPBACK  # behind a hub, the Host header names the hub
    endpoint = endpoint_of(model_or_run, trust=trust, rules=Rules(hosts=hosts, share_samples=share_samples))
    with _replacing:
        if _current is not None:
            _current.stop()
        _current = Server(endpoint, _free_socket(0 if _unattended() else port), proxy_prefix)
        return _current


class Server(Background):
    """A running endpoint.

    Parameters
    ----------
    endpoint
        The endpoint to serve.
    listener
        A listening socket.
    proxy_prefix
        URL path under which jupyter-server-proxy runs, unless JupyterHub has named it.
    """

    def __init__(self, endpoint: Endpoint, listener: socket.socket, proxy_prefix: str = "") -> None:
        self.port: int = listener.getsockname()[1]
        self._example = endpoint.example
        self._prefix = f"/{given}/" if (given := proxy_prefix.strip("/")) else _proxy_prefix()
        self._token = secrets.token_hex(16)
        app = endpoint.app
        app.wsgi_app = with_proof(app.wsgi_app, self._token, endpoint.accept_host)  # type: ignore[assignment,method-assign]  # documented by Flask for middleware
        super().__init__(endpoint, listener)

    @property
    def url(self) -> str:
        """Its URL on this machine."""
        return f"http://{HOST}:{self.port}"

    @property
    def predict_url(self) -> str:
        """URL on this machine that takes samples and answers their classes."""
        return f"{self.url}{PREDICT}"

    @property
    def link(self) -> str:
        """Its URL for a browser: behind JupyterHub or Binder, that of jupyter-server-proxy."""
        return f"{self._prefix}proxy/{self.port}/" if self._prefix else f"{self.url}/"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        if not self.is_running:
            return "The endpoint is stopped."
        if _unattended():
            return SENTENCE
        warning = other_program(HOST, self.port)
        return f"{warning}The endpoint answers at {self.url}\ncurl {self.url}/{self._curl}"

    @property
    def _curl(self) -> str:
        return f"{PREDICT.removeprefix('/')} -H 'Content-Type: application/json' -d {shlex.quote(self._example)}"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        # The notebook stores both forms, so neither may name a URL; repr(), which is not stored, does.
        if not self.is_running:
            return {"text/plain": repr(self), "text/html": f"<p>{self!r}</p>"}
        if _unattended():
            html = static_html()
        else:
            html = live_html(port=self.port, token=self._token, prefix=self._prefix, curl=self._curl)
        return {"text/plain": SENTENCE, "text/html": html}


def _unattended() -> bool:
    return bool(os.environ.get("IRIS_LAB_UNATTENDED") or os.environ.get("PYTEST_VERSION"))


def _proxy_prefix() -> str:
    return os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "")


def _free_socket(port: int) -> socket.socket:
    for candidate in range(check_port(port), min(port + PORTS_TRIED, 65536)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR would take the port from its owner
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, candidate))
            listener.listen()  # until it listens, another process could bind it, too
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise InputError(f"cannot listen on {HOST}:{candidate}: {error.strerror}") from error
        else:
            return listener
    raise InputError(f"no free port from {port} to {port + PORTS_TRIED - 1}: give another, or 0 for any")
