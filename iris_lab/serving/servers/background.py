"""A server in a thread of this process that can be stopped and replaced.

It is waitress: pure Python, the same on Windows, and unlike Granian it starts and stops from any thread.
"""

import logging
import os
import socket
import threading
from contextlib import suppress
from time import monotonic

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import RequestEntityTooLarge

from iris_lab.serving.endpoint import Endpoint


class Background:
    """A server that runs until it is stopped or the process ends.

    Parameters
    ----------
    endpoint
        The endpoint to serve.
    listener
        A listening socket.
    """

    def __init__(self, endpoint: Endpoint, listener: socket.socket) -> None:
        self._stopping = threading.RLock()
        self._stopped = False
        self._sockets: dict[int, wasyncore.dispatcher] = {}
        # waitress reads the whole body before it calls the application, so it needs the limit, too.
        self._server = create_server(
            endpoint,
            map=self._sockets,
            sockets=[listener],
            threads=4,
            ident="",
            max_request_body_size=endpoint.rules.max_body + 1,
            connection_limit=1000,  # a slow client occupies a connection, not a thread
            channel_timeout=30,
        )
        self._server.channel_class = _Channel
        logging.getLogger("waitress").setLevel(logging.ERROR)  # its warnings would appear in the output of a cell
        self._thread = threading.Thread(target=self._run, name="iris-lab-endpoint", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether it answers requests."""
        return self._thread.is_alive() and not self._stopped

    def stop(self) -> None:
        """Finish open requests, then stop. A second call does nothing."""
        with self._stopping:
            if not self._stopped:
                self._stopped = True
                self._server.pull_trigger()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while not self._stopped:
            self._turn(30)
        with self._stopping:  # stop() has used the trigger, so that it can be closed
            self._server.adj.channel_request_lookahead = -1  # no further request is read
        with suppress(OSError):  # else a forked process that inherited the socket would keep the port
            self._server.socket.shutdown(socket.SHUT_RDWR)
        wasyncore.dispatcher.close(self._server)
        until = monotonic() + 5
        while monotonic() < until and any(map(_is_busy, self._server.active_channels.values())):
            self._turn(0.1)
        self._server.task_dispatcher.shutdown(timeout=5)
        wasyncore.close_all(self._sockets, ignore_all=True)

    def _turn(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=hasattr(os, "fork"), map=self._sockets, count=1)


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection on which the application answers a body over the limit, with a problem document."""

    def error_task_class(self, _channel: HTTPChannel, request: HTTPRequestParser) -> Task:
        """Return the task that answers a request refused by waitress, whose own answer is plain text."""
        if not isinstance(request.error, RequestEntityTooLarge):
            return ErrorTask(self, request)
        # The body is incomplete or missing, but the application refuses it by its length before it reads any.
        request.headers.setdefault("CONTENT_LENGTH", str(self.adj.max_request_body_size))
        task = WSGITask(self, request)
        task.set_close_on_finish()
        return task


def _is_busy(channel: HTTPChannel) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)
