"""Which addresses an application may declare (OID-02; RFC 9700 §4.1.1, RFC 8252 §7.3, §8.3).

Absolute https addresses, written exactly as they will be compared: no wildcard, fragment, user name, upper-case host, path
that a server could read in two ways, or query that could pass for an answer of ours. Plain http is for loopback addresses of
the demo profile, and in all of them for the redirect addresses of a native application: 127.0.0.1 or [::1], without port.
"""

import re
from urllib.parse import parse_qsl, urlsplit

from gateway.settings import is_loopback

_HOST = re.compile(r"(?!-)[a-z0-9.-]+(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?")
"""What a content security policy can name, too: pages whose form ends there must say so."""
_OF_ANSWERS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri", "response"})


_OF_DEVICES = frozenset({"127.0.0.1", "::1"})


def check_redirect_address(address: str, *, native: bool, loopback_http: bool) -> None:
    """ValueError with a sentence when answers may not be sent to `address`. A scheme of its own (RFC 8252 §7.1) is nobody's in
    particular: any program may claim it, and PKCE alone would stand between it and the code."""
    on_device = native and address.startswith("http:")
    check_web_address(address, loopback_http=loopback_http or on_device)
    if not on_device:
        return
    parts = urlsplit(address)
    if parts.hostname not in _OF_DEVICES:
        raise ValueError("a native application listens at http://127.0.0.1/ or http://[::1]/, never at a name")
    if parts.port is not None:
        raise ValueError("write a loopback address without its port: a native application may use any")


def check_web_address(address: str, *, loopback_http: bool) -> None:
    """ValueError with a sentence when `address` may not be declared."""
    if not re.fullmatch(r"[!-~]{1,400}", address):
        raise ValueError("write an address in printable ASCII, without spaces, 400 characters at most")
    if any(character in address for character in "*#\\@"):
        raise ValueError("no wildcard, fragment, backslash or user name in an address")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError("this is not an address") from None
    if parts.scheme not in {"https", "http"} or not address.startswith(f"{parts.scheme}://") or not host:
        raise ValueError("write a whole address, such as https://application.example/callback")
    if parts.netloc != parts.netloc.lower() or host.endswith("."):
        raise ValueError("write the host in lower case, without a final dot: addresses are compared as exact strings")
    if not _HOST.fullmatch(parts.netloc) or ".." in host:
        raise ValueError("the host is letters, digits, hyphens and dots, or an address in brackets")
    if not parts.path.startswith("/"):
        raise ValueError("write the path too, at least a slash")
    if re.search(r"(^|/)\.{1,2}(/|$)|//|%2[ef]|%5c", parts.path, re.IGNORECASE):
        raise ValueError("the path holds `.`, `..`, a doubled slash or an encoded one")
    if _OF_ANSWERS & {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}:
        raise ValueError("the query names what an answer of ours says, such as code or state")
    if parts.scheme == "http" and not (loopback_http and is_loopback(host)):
        raise ValueError("use https; plain http is for loopback addresses of the demo profile")
