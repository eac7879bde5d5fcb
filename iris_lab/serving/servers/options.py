"""The options of ``iris-lab serve``: limits, hosts and origins, checked."""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from iris_lab.errors import InputError, check_range
from iris_lab.serving.http.middleware import LOOPBACK, MAX_BODY_BYTES, Rules

MAX_BODY_OPTION_BYTES = 2**30
UNREAD_SECONDS = 20  # after which a connection is dropped whose client reads nothing of a response
CROWDED_UNREAD_SECONDS = 0.5  # the same, while many connections are open
UNSENT_BYTES = 2**17  # of a connection; by default, the kernel takes megabytes of responses that nobody reads
_is_host = re.compile(r"[\w.-]+|\*", re.ASCII).fullmatch
_is_origin = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?|\*").fullmatch


@dataclass(frozen=True)
class Options:
    """Limits, hosts and origins of a service.

    Attributes
    ----------
    trust
        Load the model whatever its pickle contains. It can run any code.
    max_body
        Largest accepted body, in bytes.
    allow_hosts
        Further names to accept in the Host header, such as that of a proxy; ``"*"`` for any.
    allow_origins
        Web pages of these origins, such as ``https://example.org``, may read responses; ``"*"`` for any.
    share_samples
        Serve training samples of one's own table, too.
    """

    trust: bool = False
    max_body: int = MAX_BODY_BYTES
    allow_hosts: Sequence[str] = ()
    allow_origins: Sequence[str] = ()
    share_samples: bool = False

    def rules(self, host: str) -> Rules:
        """Return the rules for requests when the server listens on `host`.

        Raises
        ------
        InputError
            An option is invalid.
        """
        check_range("max-body", self.max_body, 1, MAX_BODY_OPTION_BYTES)
        for name in self.allow_hosts:
            if not _is_host(name):
                raise InputError(f"allow-host={name}: expected a name without port, such as iris.example.org, or *")
        for origin in self.allow_origins:
            if not _is_origin(origin):
                raise InputError(f"allow-origin={origin}: expected an origin such as https://example.org, or *")
        names = (*LOOPBACK, host, socket.gethostname(), *self.allow_hosts)
        return Rules(
            max_body=self.max_body,
            hosts=tuple(name.lower() for name in names),
            addresses=not _is_loopback(host),
            origins=tuple(self.allow_origins),
            share_samples=self.share_samples,
        )


def openness(host: str) -> str:
    """Return a line that warns that other machines can send requests, or nothing if they cannot."""
    if _is_loopback(host):
        return ""
    return (
        f"iris-lab: {host} is open to the network: anyone who reaches it can send requests, without a password, and "
        f"nothing is encrypted (no TLS). Accepted as host: any IP address, {socket.gethostname()}, and the names given "
        "with --allow-host.\n"
    )


def bound_unsent(listener: socket.socket, number: int) -> None:
    """Bound what the kernel takes of responses that are not read; connections inherit this.

    TCP_NOTSENT_LOWAT would not do: it bounds nothing for a server that writes until the buffer is full.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, number)


def other_program(host: str, port: int) -> str:
    """Return a line that warns of a program at the same port of ::1, which ``localhost`` may mean; else nothing."""
    if ":" in host:
        return ""
    try:
        socket.create_connection(("::1", port), timeout=0.2).close()
    except OSError:
        return ""
    return f"iris-lab: another program answers at [::1]:{port}: ask http://127.0.0.1:{port}, not localhost\n"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK
