"""Which addresses an application may declare (OID-02, RFC 9700 §4.1.1).

Absolute https addresses, written exactly as they will be compared: no wildcard, fragment, user name, upper-case host, or
path that a server could read in two ways. Plain http is for loopback addresses of the demo profile.
"""

import re
from urllib.parse import urlsplit

from gateway.settings import is_loopback


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
    if not parts.path.startswith("/"):
        raise ValueError("write the path too, at least a slash")
    if re.search(r"(^|/)\.{1,2}(/|$)|//|%2[ef]|%5c", parts.path, re.IGNORECASE):
        raise ValueError("the path holds `.`, `..`, a doubled slash or an encoded one")
    if parts.scheme == "http" and not (loopback_http and is_loopback(host)):
        raise ValueError("use https; plain http is for loopback addresses of the demo profile")
