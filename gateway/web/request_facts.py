"""Who speaks to us, as far as a request can say: the address through trusted proxies only (WEB-06), a short hash of the
user agent, an incident number. The scheme and the host always come from the configuration, never from here."""

import base64
import hashlib
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.randomness import Randomness

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """`incident` is what a person reads out to support, and what the log and the journal carry. `place` is a declared network;
    `shared` says how the post is known to be shared."""

    ip: str
    user_agent: str
    incident: str
    language: str
    place: str | None = None
    shared: str | None = None


def networks(names: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(name) for name in names)


@lru_cache(maxsize=1024)
def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=1024)
def _as_written(remote: str) -> str:
    address = _address(remote)
    return "" if address is None else str(address)


def is_among(remote: str, trusted: Sequence[Network]) -> bool:
    address = _address(remote)
    return address is not None and any(address in network for network in trusted)


def peer_address(remote: str, forwarded_for: Sequence[str], trusted: Sequence[Network]) -> str:
    """The last hop that is not a trusted proxy, reading `X-Forwarded-For` from its end. `remote` is the TCP peer."""
    if not forwarded_for:
        return _as_written(remote)
    current = _address(remote)
    if current is None:
        return ""
    hops = [hop for line in forwarded_for for hop in line.split(",")]
    for hop in reversed(hops):
        if not any(current in network for network in trusted):
            break
        before = _address(hop)
        if before is None:
            break
        current = before
    return str(current)


@lru_cache(maxsize=1024)
def agent_hash(user_agent: str) -> str:
    return hashlib.sha256(user_agent.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def incident_number(randomness: Randomness) -> str:
    """Forty random bits in eight letters and digits, easy to read aloud."""
    letters = base64.b32encode(randomness(5)).decode("ascii")
    return f"{letters[:4]}-{letters[4:]}"
