"""Which addresses stay on this machine: 127.0.0.0/8, ::1, and the name `localhost`.

Parses `host:port` listening addresses (port 0: any free one) and checks URLs. Refuses every other host name,
even one that resolves to this machine today.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit


@dataclass(frozen=True)
class LoopbackAddress:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class NotLoopback(ValueError):  # noqa: N818 -- a refusal, told in a sentence
    """The address may leave this machine, or cannot be read."""


def is_loopback_host(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def parse_loopback_address(text: str) -> LoopbackAddress:
    host, port = _host_and_port(f"//{text}")
    if host is None or port is None or "/" in text or "@" in text:
        raise NotLoopback(f"{text!r} is not an address of the form host:port")
    if not is_loopback_host(host):
        raise NotLoopback(f"{text!r} is not a loopback address")
    return LoopbackAddress("127.0.0.1" if host == "localhost" else host, port)


def is_loopback_url(url: str) -> bool:
    """An http or https URL whose host is this machine; plain http is fine there."""
    host, _ = _host_and_port(url)
    return host is not None and url.startswith(("http://", "https://")) and is_loopback_host(host)


def _host_and_port(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None, None
    return parts.hostname, port
