"""Redirect URIs: which may be registered, when one matches, how an answer is added (OID-02, WEB-04; RFC 9700 §2.1).

Comparison is of exact strings: no normalisation, no pattern. Registration refuses anything but https without fragment,
credentials or wildcard; plain http is accepted on loopback addresses only, and only where the profile says so.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

MAX_LENGTH = 512
_PLAIN = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")
"""RFC 3986 characters but `#` (a fragment) and `*` (read as a wildcard by someone, some day)."""


def is_registered(presented: str, registered: Sequence[str]) -> bool:
    return presented in registered


def why_not_registrable(uri: str, *, loopback_http: bool) -> str | None:
    """A sentence for the administrator, or None when the URI may stand in a client's file."""
    if len(uri) > MAX_LENGTH or not _PLAIN.fullmatch(uri):
        return "it is too long, or holds a fragment, a wildcard or a character that URIs do not have"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is not a URI"
    if not host or "@" in parts.netloc:
        return "it has no host, or credentials before it"
    if host != host.rstrip(".") or parts.netloc != parts.netloc.lower():
        return "its host is not written in lower case without a final dot"
    if "/../" in f"{parts.path}/" or "/./" in f"{parts.path}/":
        return "its path is not plain"
    if parts.scheme == "https" or (parts.scheme == "http" and loopback_http and is_loopback(host)):
        return None
    return "it is not https"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def origin_of(uri: str) -> str:
    """Scheme, host and port, as browsers write them in `Origin`."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def with_answer(registered: str, answer: Mapping[str, str | None]) -> str:
    """The registered URI with the parameters of an answer; its own query, if any, stays as it was written."""
    added = urlencode({name: value for name, value in answer.items() if value is not None})
    if not added:
        return registered
    return f"{registered}{'&' if '?' in registered else '?'}{added}"
