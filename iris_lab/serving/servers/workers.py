"""Granian's worker processes with one shared socket, replacement of dead workers, and a shutdown without lost requests.

By default, Granian gives each worker its own socket and closes it on SIGTERM, which resets the connections that wait
in it. It also gives up if workers die twice within seconds.
"""

import ctypes
import os
import signal
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from flask import Flask
from granian._granian import SocketHolder
from granian.server.mp import MPServer

from iris_lab.serving.servers.signals import ending_signals

GRACE_SECONDS = 0.5  # in which responses tell open connections to close
_SO_ATTACH_FILTER = 26  # on Linux; Python's socket module lacks it
_SYN, _SYN_ACK = 0x02, 0x12  # in the flags, byte 13 of a TCP header
# A BPF program: load the flags, mask all but SYN and ACK, drop the packet if only SYN is set.
_NO_SYN = [(0x30, 0, 0, 13), (0x54, 0, 0, _SYN_ACK), (0x15, 0, 1, _SYN), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF)]


class Workers(MPServer):
    """Granian's server, which starts, replaces and ends the workers.

    Parameters
    ----------
    listener
        A bound socket.
    options
        Granian's.
    """

    def __init__(self, listener: socket.socket, **options: Any) -> None:
        address, port = listener.getsockname()[:2]
        super().__init__(address=address, port=port, **options)
        self.listener = listener
        for number in ending_signals():  # from here on they cause an orderly shutdown, even before the workers run
            signal.signal(number, self.signal_handler_interrupt)

    def startup(self, *given: Any) -> None:
        """Start the workers."""
        if sys.platform == "linux":
            os.register_at_fork(before=_hold_signals, after_in_parent=_release_signals)
        super().startup(*given)  # type: ignore[no-untyped-call]  # Granian's server is untyped

    # None keeps Granian from installing its SIGHUP handler, which would reload the workers.
    signal_handler_reload = None  # type: ignore[assignment]  # Granian checks for None

    def _init_shared_socket(self) -> None:
        if sys.platform == "linux":
            holder: Any = SocketHolder  # the stub of this compiled class has no arguments
            self._shd = holder(self.listener.fileno(), False, self.backlog)
            self._ssp = self._sso = None
        else:
            self.listener.close()
            super()._init_shared_socket()

    def _serve_loop(self, *given: Any) -> None:
        # Granian relies on one notification per death and can miss one of two; so check which workers are alive.
        while not self.interrupt_signal:
            self.main_loop_interrupt.clear()
            if dead := [worker.idx for worker in self.wrks if not worker.is_alive()]:
                self._respawn_workers(dead, *given)
                time.sleep(0.1)  # if workers cannot start, do not respawn them in a busy loop
            self.interrupt_children.clear()
            self.main_loop_interrupt.wait(1)
        self.interrupt_children.clear()

    def _drop_shared_socket(self) -> None:
        # The first step of the shutdown. Closing the socket would reset the connections that wait in it.
        if sys.platform == "linux":
            refuse_new_connections(self.listener)
        else:
            super()._drop_shared_socket()


def _hold_signals() -> None:
    # A signal between the fork and the child's own handlers would be lost: see `end_in_order`.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _release_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def refuse_new_connections(listener: socket.socket) -> None:
    """Refuse new connections to a listening socket; those that wait in it can still be accepted.

    Linux has no call for that, so a packet filter drops the packets that open a connection.
    """
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _NO_SYN))
    given = struct.pack("HL", len(_NO_SYN), ctypes.addressof(program))
    with suppress(OSError):  # where filters are forbidden, the last connections may be lost
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, given)


def end_in_order(app: Flask, parent: int) -> None:
    """End this worker on SIGTERM, or when its parent has died, without losing a request.

    Parameters
    ----------
    app
        The application it serves.
    parent
        Process id of its parent.
    """
    if not hasattr(signal, "sigtimedwait"):  # on Windows and macOS, keep Granian's own shutdown
        return
    os.setpgid(0, 0)  # Ctrl-C reaches the parent only, which then signals the workers
    _hold_signals()  # in all threads, so that the thread below receives the signal
    inherited = signal.getsignal(signal.SIGINT)
    threading.Thread(target=_end, args=(app, parent, inherited), name="end", daemon=True).start()


def _end(app: Flask, parent: int, inherited: Any) -> None:
    while signal.sigtimedwait({signal.SIGTERM}, 1) is None and os.getppid() == parent:
        pass
    _close_connections(app)
    time.sleep(GRACE_SECONDS)
    while signal.getsignal(signal.SIGINT) == inherited:  # wait for Granian to install its own handler
        time.sleep(0.05)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _close_connections(app: Flask) -> None:
    """From now on, add ``Connection: close`` to each response."""
    inner = app.wsgi_app

    def closing(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, ("Connection", "close")], *rest)

        return inner(environ, start)

    app.wsgi_app = closing  # type: ignore[method-assign]  # documented by Flask for middleware
