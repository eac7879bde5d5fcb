"""Reads request bodies within limits of size and time, so that a slow or huge client cannot starve others."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from time import monotonic, sleep
from wsgiref.types import WSGIEnvironment

from iris_lab.serving.http.connections import OPEN_FILES, end_silent_connections
from iris_lab.serving.http.problems import HTTPProblem

_READ = "iris_lab.body_was_read"
_PIECE_BYTES = 2**16


class BodyReader:
    """Reads request bodies.

    Parameters
    ----------
    max_body
        Largest accepted body, in bytes.
    seconds
        Time limit for a body; it takes effect with `watch`.
    busy
        Says whether a large body is being answered, or waits for that.
    """

    def __init__(self, max_body: int, seconds: float, busy: Callable[[], bool]) -> None:
        self.max_body, self.seconds, self._busy = max_body, seconds, busy
        self._close: dict[str, str] = {}
        self._number = count().__next__
        self._waiting: dict[int, float] = {}

    def read(self, environ: WSGIEnvironment) -> bytes:
        """Return the body of a request, and read no more than the limit.

        Raises
        ------
        HTTPProblem
            413 if it is too long, 408 if it is too late, 400 if it ends early or Content-Length is not a number, 411 or
            501 if its end cannot be known.
        """
        if encoding := environ.get("HTTP_TRANSFER_ENCODING"):
            raise self._encoded(encoding)
        given = environ.get("CONTENT_LENGTH")
        if not given:
            # Read only if the stream is terminated; otherwise the read would block.
            body = self._take(environ, self.max_body + 1) if environ.get("wsgi.input_terminated") else b""
            if len(body) > self.max_body:
                raise self._too_large()
            return body
        if not (given.isascii() and given.isdigit()):
            raise HTTPProblem(400, "length", "Content-Length is not a number", headers=self._close)
        if (length := int(given)) > self.max_body:
            raise self._too_large()
        body = self._take(environ, length)
        if len(body) < length:
            raise HTTPProblem(400, "length", f"the body ended after {len(body)} of {length} bytes", headers=self._close)
        return body

    def drain(self, environ: WSGIEnvironment) -> Mapping[str, str]:
        """Read and drop the body of a request that was answered without it; return the headers that the answer needs.

        On a connection with an unread body no further request is possible, and closing it could cost a client that is
        still sending its answer. So a body within the limits is read; otherwise the answer says that the connection
        ends.
        """
        if not self._close or environ.get(_READ):  # either way nothing is left in the connection
            return {}
        given, encoded = environ.get("CONTENT_LENGTH", ""), "HTTP_TRANSFER_ENCODING" in environ
        if given in ("", "0") and not encoded:
            return {}
        length = int(given) if given.isascii() and given.isdigit() and not encoded else None
        if "HTTP_EXPECT" in environ or (length or 0) > self.max_body:  # who expects 100-continue has not sent the body
            return self._close
        rest = self.max_body + 1 if length is None else length
        with suppress(HTTPProblem):
            while rest and (piece := self._take(environ, min(rest, _PIECE_BYTES))):
                rest -= len(piece)
        # A body with a length ends when all is read, one without when no more comes.
        return {} if (rest > 0) == (length is None) else self._close

    def _encoded(self, encoding: str) -> HTTPProblem:
        if encoding.strip().lower() == "chunked":
            # Granian does not tell the end of a chunked body from an error in it.
            return HTTPProblem(411, "no-length", "the body is chunked, expected a Content-Length")
        detail = f"Transfer-Encoding is {encoding[:60]!a}, expected none"
        return HTTPProblem(501, "transfer-encoding", detail, headers=self._close)

    def _take(self, environ: WSGIEnvironment, length: int) -> bytes:
        number = self._number()
        self._waiting[number] = started = monotonic()
        try:
            body: bytes = environ["wsgi.input"].read(length)
        finally:
            del self._waiting[number]
            environ[_READ] = True
        if len(body) < length and monotonic() - started >= self.seconds:
            detail = f"the body was not received within {self.seconds:g} seconds"
            raise HTTPProblem(408, "timeout", detail, headers=self._close)
        return body

    def _too_large(self) -> HTTPProblem:
        return HTTPProblem(
            413, "too-large", f"the body is over the limit of {self.max_body} bytes", headers=self._close
        )

    def watch(self) -> None:
        """From now on, stop reading bodies that are late. It works on Linux, in a server that streams bodies.

        WSGI has no time limit for reads, and Granian has none for bodies: a client that sends half a body would occupy
        a thread forever.
        """
        self._close = {"Connection": "close"}  # an unread rest of a body makes the connection unusable
        if os.path.isdir(OPEN_FILES):
            threading.Thread(target=self._watch, name="late-bodies", daemon=True).start()

    def _watch(self) -> None:
        busy_until = 0.0
        while True:
            sleep(self.seconds / 10)
            now = monotonic()
            if self._busy():
                busy_until = now + self.seconds
            if any(now - started >= self.seconds for started in list(self._waiting.values())):
                # A connection that waits for its response is silent, too; while large bodies are answered, wait longer.
                with suppress(OSError):  # too many open files, for the moment
                    end_silent_connections(self.seconds * (3 if now < busy_until else 1))
