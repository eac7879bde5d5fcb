"""Granian's worker processes under our rules: one socket for all, the dead replaced, and an end that loses nothing.

Left to itself, Granian gives each worker a socket of its own and closes it on SIGTERM, which resets the connections
that wait in it; it also gives up if a worker dies twice within seconds.
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

GRACE_SECONDS = 0.5  # seconds in which connections that are in use hear that they end
_SO_ATTACH_FILTER = 26  # Linux; Python's socket module does not name it
_SYN, _SYN_ACK = 0x02, 0x12  # in the byte of flags, the 14th of a TCP header
# A program for the kernel's packet filter: load the flags, keep SYN and ACK, drop the packet if only SYN is left.
_NO_SYN = [(0x30, 0, 0, 13), (0x54, 0, 0, _SYN_ACK), (0x15, 0, 1, _SYN), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF)]


class Workers(MPServer):
    """Granian's server: it starts the workers, and replaces or ends them.

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
        for number in ending_signals():  # from here on they end it in order, whether it has begun or not
            signal.signal(number, self.signal_handler_interrupt)

    def startup(self, *given: Any) -> None:
        """Start the workers."""
        if sys.platform == "linux":
            os.register_at_fork(before=_hold_signals, after_in_parent=_release_signals)
        super().startup(*given)  # type: ignore[no-untyped-call]  # Granian's server is untyped

    # None keeps Granian from installing its SIGHUP handler, which would reload the workers.
    signal_handler_reload = None  # type: ignore[assignment]  # Granian looks whether it is there

    def _init_shared_socket(self) -> None:
        if sys.platform == "linux":
            holder: Any = SocketHolder  # the stub of this compiled class has no arguments
            self._shd = holder(self.listener.fileno(), False, self.backlog)
            self._ssp = self._sso = None
        else:
            self.listener.close()
            super()._init_shared_socket()

    def _serve_loop(self, *given: Any) -> None:
        # Granian waits to be told of each death, and two at a time can be one too many; we look who is alive.
        while not self.interrupt_signal:
            self.main_loop_interrupt.clear()
            if dead := [worker.idx for worker in self.wrks if not worker.is_alive()]:
                self._respawn_workers(dead, *given)
                time.sleep(0.1)  # or a worker that cannot start would keep us busy
            self.interrupt_children.clear()
            self.main_loop_interrupt.wait(1)
        self.interrupt_children.clear()

    def _drop_shared_socket(self) -> None:
        # The first thing that happens at the end. Closing the socket would reset the connections that wait in it.
        if sys.platform == "linux":
            refuse_new_connections(self.listener)
        else:
            super()._drop_shared_socket()


def _hold_signals() -> None:
    # What comes between a fork and the child's own handlers would be lost: see `end_in_order`.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _release_signals() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def refuse_new_connections(listener: socket.socket) -> None:
    """Let no further connection into a listening socket; those that wait in it can still be accepted.

    Linux has no call for that, but drops the packets a filter refuses: here those that open a connection.
    """
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _NO_SYN))
    given = struct.pack("HL", len(_NO_SYN), ctypes.addressof(program))
    with suppress(OSError):  # where filters are forbidden, a connection made in the last moment may be lost
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, given)


def end_in_order(app: Flask, parent: int) -> None:
    """Let this worker end without losing a request: on SIGTERM, and when its parent has died.

    Parameters
    ----------
    app
        What it serves.
    parent
        Process id of the one that started it.
    """
    if not hasattr(signal, "sigtimedwait"):  # neither Windows nor macOS has it: there Granian ends as it does
        return
    os.setpgid(0, 0)  # Ctrl-C is for the parent, who tells us
    _hold_signals()  # from all threads, so that the one below gets them
    inherited = signal.getsignal(signal.SIGINT)
    threading.Thread(target=_end, args=(app, parent, inherited), name="end", daemon=True).start()


def _end(app: Flask, parent: int, inherited: Any) -> None:
    while signal.sigtimedwait({signal.SIGTERM}, 1) is None and os.getppid() == parent:
        pass
    _close_connections(app)
    time.sleep(GRACE_SECONDS)
    while signal.getsignal(signal.SIGINT) == inherited:  # told to end before Granian's own handler was there
        time.sleep(0.05)
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)


def _close_connections(app: Flask) -> None:
    """From now on, say with each answer that it is the last on its connection."""
    inner = app.wsgi_app

    def closing(environ: Any, start_response: Any) -> Any:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, ("Connection", "close")], *rest)

        return inner(environ, start)

    app.wsgi_app = closing  # type: ignore[method-assign]  # Flask's own way to put something in front
