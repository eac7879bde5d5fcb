"""Reading a request's body within limits of size and time, so that a slow or huge client cannot starve others."""

import os
import socket
import stat
import struct
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from itertools import count
from time import monotonic, sleep
from wsgiref.types import WSGIEnvironment

from iris_lab.serving.http.problems import HTTPProblem

_LAST_DATA_SENT = 44  # offset in Linux's struct tcp_info of the milliseconds since data was sent


class BodyReader:
    """Reads bodies.

    Parameters
    ----------
    max_body
        Bytes of a body.
    seconds
        A body that has not come by then is given up, where `watch` was called.
    busy
        Says whether a body that has come waits for its answer, and may have waited long.
    """

    def __init__(self, max_body: int, seconds: float, busy: Callable[[], bool]) -> None:
        self.max_body, self.seconds, self._busy = max_body, seconds, busy
        self._close: dict[str, str] = {}
        self._number = count().__next__
        self._waiting: dict[int, float] = {}

    def read(self, environ: WSGIEnvironment) -> bytes:
        """Return the body of a request, having read no more than the limit.

        Raises
        ------
        HTTPProblem
            413 where it is longer, 408 where it did not come in time, 400 where it ended early or its length is no
            number.
        """
        given = environ.get("CONTENT_LENGTH")
        if not given:
            # A stream that does not end would be waited for; one in chunks does, and some servers end all.
            ends = "HTTP_TRANSFER_ENCODING" in environ or environ.get("wsgi.input_terminated")
            body = self._take(environ, self.max_body + 1) if ends else b""
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

    def _take(self, environ: WSGIEnvironment, length: int) -> bytes:
        number = self._number()
        self._waiting[number] = started = monotonic()
        try:
            body: bytes = environ["wsgi.input"].read(length)
        finally:
            del self._waiting[number]
        if len(body) < length and monotonic() - started >= self.seconds:
            detail = f"the body did not come within {self.seconds:g} seconds"
            raise HTTPProblem(408, "timeout", detail, headers=self._close)
        return body

    def _too_large(self) -> HTTPProblem:
        return HTTPProblem(
            413, "too-large", f"the body is over the limit of {self.max_body} bytes", headers=self._close
        )

    def watch(self) -> None:
        """From now on, end the reading of bodies that are late; on Linux, in a server that reads from sockets itself.

        A stream cannot be read with a time limit, and Granian has none for bodies: a client that sends half of one
        would hold a thread for ever.
        """
        self._close = {"Connection": "close"}  # with the rest of a body unread, the connection is of no more use
        if os.path.isdir("/proc/self/fd"):
            threading.Thread(target=self._watch, name="late-bodies", daemon=True).start()

    def _watch(self) -> None:
        busy_until = 0.0
        while True:
            sleep(self.seconds / 10)
            now = monotonic()
            if self._busy():
                busy_until = now + self.seconds
            if any(now - started >= self.seconds for started in list(self._waiting.values())):
                # Seen from outside, a connection that waits for its answer is silent, too: it is given more time.
                with suppress(OSError):  # out of files, for the moment
                    end_silent_connections(self.seconds * (3 if now < busy_until else 1))


def end_silent_connections(seconds: float) -> None:
    """Stop reading from those TCP connections of this process that were sent nothing for so long.

    A connection whose request is still coming is sent nothing; nor is one that idles between requests, which loses
    nothing by it. An answer can still be sent.
    """
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError), ExitStack() as copies:  # closed by now, or no TCP connection
            copy = os.dup(int(name))
            copies.callback(os.close, copy)
            if not stat.S_ISSOCK(os.fstat(copy).st_mode):
                continue
            copies.pop_all()
            connection = copies.enter_context(socket.socket(fileno=copy))
            connection.getpeername()
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
            if struct.unpack_from("=I", info, _LAST_DATA_SENT)[0] >= seconds * 1000:
                connection.shutdown(socket.SHUT_RD)
