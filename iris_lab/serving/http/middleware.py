"""The middleware that every request passes: request id, host check, fast path, headers, metrics, log line.

Flask's dispatch takes several times as long as the prediction of one row. The fast path therefore calls the handlers of
POST routes directly. Flask has the same routes with the same handlers, and everything else.
"""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_address
from random import getrandbits
from time import perf_counter
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from iris_lab.serving.http.bodies import BodyReader
from iris_lab.serving.http.problems import HTTPProblem, Reply, phrase
from iris_lab.serving.http.telemetry import Telemetry
from iris_lab.serving.routes import Route

MAX_BODY_BYTES = 16 * 2**20  # about 150,000 iris samples
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ANY_HOST = "*"
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
REQUEST_ID = "iris_lab.request_id"
ROUTE = "iris_lab.route"
_HEADERS = (("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "same-origin"))
_PAGE_HEADERS = (
    ("Referrer-Policy", "no-referrer"),
    (
        # Jupyter and VS Code show the page in a frame; no other site may.
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'self' http://localhost:* http://127.0.0.1:* vscode-webview: vscode-file: https://*.vscode-cdn.net",
    ),
)
_usable_id = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII).fullmatch


@dataclass(frozen=True)
class Rules:
    """Limits of requests, the hosts and origins that are accepted, and what is shared.

    Attributes
    ----------
    max_body
        Largest accepted body, in bytes.
    body_seconds
        Time limit for receiving a body.
    hosts
        Names that are accepted in the Host header, without port; ``"*"`` for any.
    addresses
        Whether the Host header may also be any IP address. DNS rebinding needs a name, so addresses are safe.
    origins
        Web pages of these origins may read responses (CORS); empty for none.
    share_samples
        Whether ``/model/samples`` serves training samples of one's own table; those of bundled data it always does.
    """

    max_body: int = MAX_BODY_BYTES
    body_seconds: float = 20.0
    hosts: Sequence[str] = LOOPBACK
    addresses: bool = False
    origins: Sequence[str] = ()
    share_samples: bool = False

    def knows(self, host: str) -> bool:
        """Say whether a Host header is accepted. Others may come from a page whose name was rebound to our address."""
        name = name_of(host)
        return name in self.hosts or ANY_HOST in self.hosts or (self.addresses and _is_address(name))


def name_of(host: str) -> str:
    """Return the name or IP address in a Host header."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") and ":" in host else host
    return name.strip("[]").lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Middleware:
    """A WSGI application around Flask's.

    Parameters
    ----------
    inner
        Flask's application.
    rules
        Limits, and accepted hosts and origins.
    telemetry
        Where requests are recorded.
    fast
        POST routes that bypass Flask's dispatch, by ``PATH_INFO``.
    bodies
        Reads those bodies that no handler has read.
    """

    def __init__(
        self,
        inner: WSGIApplication,
        rules: Rules,
        telemetry: Telemetry,
        fast: Mapping[str, Route],
        bodies: BodyReader,
    ) -> None:
        self.inner, self.rules, self.telemetry, self._bodies = inner, rules, telemetry, bodies
        self._fast = fast
        self._knows = lru_cache(maxsize=64)(rules.knows)

    def accept_host(self, host: str) -> None:
        """From now on, accept requests with this Host header, too."""
        if name_of(host) and not self.rules.knows(host):
            self.rules = replace(self.rules, hosts=(*self.rules.hosts, name_of(host)))
            self._knows = lru_cache(maxsize=64)(self.rules.knows)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        started = perf_counter()
        request_id = environ[REQUEST_ID] = _identify(environ)
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        route = None
        try:
            if not self._knows(host := environ.get("HTTP_HOST", "")):
                expected = "127.0.0.1, localhost or a name given with --allow-host"
                raise HTTPProblem(421, "host", f"the Host header is {host[:60]!a}, expected {expected}")
            route = self._fast.get(path) if method == "POST" else None
            reply = route.handler(environ) if route else self._through_flask(environ)
        except HTTPProblem as problem:
            reply = problem.reply(request_id)
        except Exception:
            logging.getLogger(__name__).exception("request %s failed", request_id)
            reply = HTTPProblem(500, "internal", "the endpoint failed; its log says why").reply(request_id)
        if route is None or reply.status >= 400:  # otherwise the handler has read the body
            reply = reply.with_headers(self._bodies.drain(environ))
        start_response(f"{reply.status} {phrase(reply.status)}", self._headers(environ, reply, request_id))
        seconds = perf_counter() - started
        method = method if method in METHODS else "other"
        label = route.label if route else environ.get(ROUTE, "other")  # Flask's dispatch stores it there
        self.telemetry.record(method, label, reply.status, seconds)
        self.telemetry.write(method, _printable(path), reply, seconds, request_id)
        return [] if method == "HEAD" else [reply.body]

    def _headers(self, environ: WSGIEnvironment, reply: Reply, request_id: str) -> list[tuple[str, str]]:
        headers = [*reply.headers, *_HEADERS, ("X-Request-ID", request_id), ("Content-Length", str(len(reply.body)))]
        if headers[0][1].startswith("text/html"):
            headers += _PAGE_HEADERS
        if self.rules.origins:
            headers += _cors(environ.get("HTTP_ORIGIN", ""), self.rules.origins)
        return headers

    def _through_flask(self, environ: WSGIEnvironment) -> Reply:
        answered: list[Any] = []
        if environ["REQUEST_METHOD"] == "HEAD":
            environ["REQUEST_METHOD"] = "GET"  # to know the length of the response, whose body is not sent
        chunks = self.inner(environ, lambda *given: answered.append(given))  # type: ignore[arg-type]  # Flask does not use write()
        try:
            body = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        status, headers = answered[-1][:2]
        return Reply(int(status[:3]), [pair for pair in headers if pair[0] != "Content-Length"], body)


def _identify(environ: WSGIEnvironment) -> str:
    given: str = environ.get("HTTP_X_REQUEST_ID", "")
    # Not a secret. os.urandom would release the GIL, which costs a tenth of the requests per second.
    return given if given and _usable_id(given) else f"{getrandbits(128):032x}"


def _printable(path: str) -> str:
    """Return a path that fits into a log line: printable ASCII without spaces, at most 200 characters of it."""
    return path if path.isascii() and path.isprintable() and " " not in path and len(path) < 200 else ascii(path[:200])


def _cors(origin: str, origins: Sequence[str]) -> list[tuple[str, str]]:
    if not origin or (origin not in origins and ANY_HOST not in origins):
        return [("Vary", "Origin")]
    return [
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Allow-Headers", "Content-Type, X-Request-ID"),
        ("Access-Control-Expose-Headers", "X-Request-ID"),
        ("Vary", "Origin"),
    ]
