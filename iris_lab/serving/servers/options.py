"""The options of ``iris-lab serve``: limits, hosts and origins, checked."""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from iris_lab.errors import InputError, check_range
from iris_lab.serving.http.middleware import LOOPBACK, MAX_BODY_BYTES, Rules

MAX_BODY_OPTION_BYTES = 2**30
_is_host = re.compile(r"[\w.-]+|\*", re.ASCII).fullmatch
_is_origin = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?|\*").fullmatch


@dataclass(frozen=True)
class Options:
    """Limits, hosts and origins of a service.

    Attributes
    ----------
    trust
        Load the model whatever is in its pickle: it can run any code.
    max_body
        Bytes a request may have.
    allow_hosts
        Further names that the Host header may give, such as that of a proxy in front; ``"*"`` for any.
    allow_origins
        Web pages of these origins, such as ``https://example.org``, may ask; ``"*"`` for any.
    """

    trust: bool = False
    max_body: int = MAX_BODY_BYTES
    allow_hosts: Sequence[str] = ()
    allow_origins: Sequence[str] = ()

    def rules(self, host: str) -> Rules:
        """Return what requests to this address must respect.

        Raises
        ------
        InputError
            An option cannot be used.
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
        )


def openness(host: str) -> str:
    """Return what listening on this host means, in one line, or nothing if only this machine can ask."""
    if _is_loopback(host):
        return ""
    return (
        f"iris-lab: {host} is open to the network: whoever reaches it can ask, without a password, and what is sent is "
        f"not encrypted (no TLS). Requests may name this machine by an IP address, as {socket.gethostname()}, or by a "
        "name given with --allow-host.\n"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK
