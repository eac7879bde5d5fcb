"""A server in a thread of this process that can be stopped and replaced.

It is waitress: pure Python, the same on Windows, and unlike Granian it starts and stops from any thread.
"""

import logging
import os
import socket
import threading
from contextlib import suppress
from functools import partial
from time import monotonic, time
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import RequestEntityTooLarge

from iris_lab.serving.endpoint import Endpoint
from iris_lab.serving.http.connections import allow_open_files
from iris_lab.serving.http.telemetry import Telemetry
from iris_lab.serving.servers.options import CROWDED_UNREAD_SECONDS, UNREAD_SECONDS, UNSENT_BYTES, bound_unsent

MAX_CONNECTIONS = 2000  # at a time; a slow client occupies a connection, not a thread
HEAD_BYTES = 1024  # received at a time until the head of a request is complete
CHECK_SECONDS = CROWDED_UNREAD_SECONDS / 2
CROWDED = MAX_CONNECTIONS // 4  # number of connections from which on unread responses are dropped sooner


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
        self._unread, self._checked = False, 0.0
        self._sockets: dict[int, wasyncore.dispatcher] = {}
        # waitress reads the whole body before it calls the application, so it needs the limit, too.
        self._server = create_server(
            endpoint,
            map=self._sockets,
            sockets=[listener],
            threads=4,
            ident="",
            max_request_body_size=endpoint.rules.max_body + 1,
            connection_limit=MAX_CONNECTIONS,
            channel_timeout=30,
        )
        allow_open_files(2 * MAX_CONNECTIONS)
        bound_unsent(listener, UNSENT_BYTES // 4)
        self._server.channel_class = partial(_Channel, endpoint.telemetry)
        self._server.handle_accept = self._accept
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
            self._turn(CHECK_SECONDS if self._unread else 30)
            if time() - self._checked > CHECK_SECONDS:
                self._unread = self._drop_unread()
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

    def _accept(self) -> None:
        # waitress accepts one connection each time that it has looked at all; others would wait behind a thousand.
        for _ in range(100):
            before = len(self._server.active_channels)
            type(self._server).handle_accept(self._server)
            if len(self._server.active_channels) == before:
                return

    def _drop_unread(self) -> bool:
        """Drop connections whose client does not read; say whether more responses wait to be read."""
        self._checked = time()
        channels = list(self._server.active_channels.values())
        seconds = CROWDED_UNREAD_SECONDS if len(channels) > CROWDED else UNREAD_SECONDS
        waiting = [channel for channel in channels if channel.total_outbufs_len]
        for channel in waiting:
            if (
                self._checked - channel.last_activity > seconds
            ):  # by waitress: data was received or sent, or a response made
                channel.handle_close()
        return bool(waiting)

    def _turn(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=hasattr(os, "fork"), map=self._sockets, count=1)


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that pauses while its client does not read.

    The application answers a body over the limit, with a problem document; waitress's own refusals are counted.
    """

    def __init__(self, telemetry: Telemetry, *given: Any, **options: Any) -> None:
        self._telemetry = telemetry
        self._paused = False
        super().__init__(*given, **options)

    def recv(self, size: int) -> bytes:
        """Receive little before the head of a request is complete, as a piece can hold hundreds of small requests."""
        in_body = self.request is not None and self.request.headers_finished
        received: bytes = super().recv(size if in_body else HEAD_BYTES)
        return received

    def service(self) -> None:
        """Answer the next request, or pause: a thread must not wait for one client, as it would in waitress."""
        if self.total_outbufs_len:
            self._paused = True
            self.server.pull_trigger()
        else:
            super().service()

    def writable(self) -> bool:
        """Say whether `handle_write` shall be called."""
        return bool(self._paused or super().writable())

    def handle_write(self) -> None:
        """Send, and go on once everything is sent."""
        super().handle_write()
        if self._paused and self.connected and not self.total_outbufs_len:
            self._paused = False
            self.server.add_task(self)

    def error_task_class(self, _channel: HTTPChannel, request: HTTPRequestParser) -> Task:
        """Return the task that answers a request refused by waitress, whose own answer is plain text."""
        if not isinstance(request.error, RequestEntityTooLarge):
            self._telemetry.refused(request.error.code)
            return ErrorTask(self, request)
        # The body is incomplete or missing, but the application refuses it by its length before it reads any.
        request.headers.setdefault("CONTENT_LENGTH", str(self.adj.max_request_body_size))
        task = WSGITask(self, request)
        task.set_close_on_finish()
        return task


def _is_busy(channel: HTTPChannel) -> bool:
    return bool(channel.requests or channel.total_outbufs_len)
