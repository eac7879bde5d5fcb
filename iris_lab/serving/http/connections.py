"""The open TCP connections of this process, on Linux, and ways to end those that nobody uses.

Neither WSGI nor Granian has a time limit for bodies that are not sent, or for responses that are not read.
"""

import array
import os
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress

OPEN_FILES = "/proc/self/fd"  # Linux only
_LAST_DATA_SENT = 44  # offset in Linux's struct tcp_info of the milliseconds since data was sent
_RESET = struct.pack("ii", 1, 0)  # the value of SO_LINGER with which close() drops what was not sent


def allow_open_files(number: int) -> None:
    """Raise the limit of open files and connections of this process, often 1024, if permitted."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # not on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= soft < number:
            wanted = number if hard < 0 else min(number, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def end_silent_connections(seconds: float) -> None:
    """Stop reading from the connections on which this process has sent nothing for `seconds`.

    Nothing is sent while a request is incomplete. Nothing is sent on an idle connection either, but closing that loses
    no request. Responses can still be sent. Where received data waits to be read, it is this process that is late.
    """
    for connection in _connections():
        with suppress(OSError):  # closed meanwhile
            if _silent_seconds(connection) >= seconds and not _waiting_bytes(connection, received=True):
                connection.shutdown(socket.SHUT_RD)


def end_unread_connections(seconds: float) -> None:
    """Drop the connections whose client has read nothing of a response for `seconds`."""
    for connection in _connections():
        with suppress(OSError):  # closed meanwhile
            if _silent_seconds(connection) >= seconds and _waiting_bytes(connection, received=False):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                connection.shutdown(socket.SHUT_RDWR)


def _connections() -> Iterator[socket.socket]:
    for name in os.listdir(OPEN_FILES):
        with suppress(OSError), ExitStack() as copies:  # already closed, or not a TCP connection
            copy = os.dup(int(name))
            copies.callback(os.close, copy)
            if not stat.S_ISSOCK(os.fstat(copy).st_mode):
                continue
            copies.pop_all()
            connection = copies.enter_context(socket.socket(fileno=copy))
            connection.getpeername()
            yield connection


def _silent_seconds(connection: socket.socket) -> float:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 64)
    milliseconds: int = struct.unpack_from("=I", info, _LAST_DATA_SENT)[0]
    return milliseconds / 1000


def _waiting_bytes(connection: socket.socket, *, received: bool) -> int:
    """Return how many bytes were received and not read by us, or sent and not read by the client."""
    import fcntl
    import termios  # neither exists on Windows, and this module is imported there, too

    number = array.array("i", [0])
    fcntl.ioctl(connection.fileno(), termios.FIONREAD if received else termios.TIOCOUTQ, number)
    return number[0]
