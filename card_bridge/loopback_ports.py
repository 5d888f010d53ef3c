"""The few ports where pages look for the bridge, on the loopback addresses only (BRG-01).

The first port of the list that is free on 127.0.0.1 and on ::1 (where the machine has it) is taken: a port whose other half
belongs to a stranger is not shared with them.
"""

import errno
import ipaddress
import socket
import sys
from collections.abc import Sequence

PORTS = (17583, 27583, 37583)
"""Tried in this order by pages too."""
_ABSENT = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT}


class NoPortFree(OSError):  # noqa: N818 -- a fact about the machine
    """Every port of the list is taken."""


def bind(host: str, ports: Sequence[int]) -> tuple[list[socket.socket], int]:
    """Bound sockets, and their common port. ValueError when `host` is not a loopback address."""
    if not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"{host} is not a loopback address")
    for wanted in ports:
        try:
            first = _bound(host, wanted)
        except OSError:
            continue
        port = int(first.getsockname()[1])
        try:
            return [first, *_other_half(host, port)], port
        except OSError:
            first.close()
    raise NoPortFree(f"no free port among {', '.join(map(str, ports))}")


def host_names(sockets: Sequence[socket.socket], port: int) -> frozenset[str]:
    """What `Host` may say, exactly."""
    addresses = {str(bound.getsockname()[0]) for bound in sockets}
    names = {f"[{address}]" if ":" in address else address for address in addresses}
    if "127.0.0.1" in names:
        names.add("localhost")
    return frozenset(f"{name}:{port}" for name in names)


def _other_half(host: str, port: int) -> list[socket.socket]:
    if host != "127.0.0.1":
        return []
    try:
        return [_bound("::1", port)]
    except OSError as reason:
        if reason.errno in _ABSENT:
            return []
        raise


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound
