"""Redirect URIs: when one is a client's own, and how an answer is added (OID-02, WEB-04; RFC 9700 §2.1, RFC 8252 §7.3).

Comparison is of exact strings: no normalisation, no pattern. One thing may vary, the port of a loopback address that a native
application registered: its system gives it another one each time. Which may be registered is `applications.web_address`'s.
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode, urlsplit

from gateway.applications.client import Client

_ON_A_PORT = re.compile(r"(?P<host>http://(?:127\.0\.0\.1|\[::1\])):(?P<port>[1-9][0-9]{0,4})(?P<rest>/.*)")
_USUAL_PORTS = {"https": ":443", "http": ":80"}
LAST_PORT = 65535


def is_registered(presented: str, registered: Sequence[str]) -> bool:
    return presented in registered


def is_redirect_uri_of(client: Client, presented: str) -> bool:
    if is_registered(presented, client.redirect_uris):
        return True
    return client.native and is_registered(_without_port(presented), client.redirect_uris)


def _without_port(presented: str) -> str:
    """A loopback address as it is registered; empty, which nothing is, when it is none with a port."""
    found = _ON_A_PORT.fullmatch(presented)
    if found is None or int(found["port"]) > LAST_PORT:
        return ""
    return found["host"] + found["rest"]


def is_on_loopback(client: Client, redirect_uri: str) -> bool:
    """Whether the answer goes to whatever program listens on the person's computer; `redirect_uri` is the client's own."""
    return client.native and redirect_uri.startswith("http:")


def origin_of(uri: str) -> str:
    """Scheme, host and port, as browsers write them in `Origin`: never the port that the scheme has anyhow."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc.removesuffix(_USUAL_PORTS.get(parts.scheme, ''))}"


def with_answer(own: str, answer: Mapping[str, str | None]) -> str:
    """The client's own URI with the parameters of an answer; its query, if any, stays as it was written."""
    added = urlencode({name: value for name, value in answer.items() if value is not None})
    if not added:
        return own
    return f"{own}{'&' if '?' in own else '?'}{added}"
