"""The headers that every page carries (WEB-01, WEB-02): a content security policy with a nonce of its own, and the rest.

`form-action` deserves a word. Chromium applies it to every redirect that follows the submission of a form, and a sign-in
ends by a redirect to the application: the origins of that application's registered redirect URIs, and no other, are added
on the pages whose form may end there. A loopback address without port is a native application's: any port. An address in
brackets is in no policy's grammar: a form does not end there, a page leads there. Anything that is not an origin or a
private-use scheme is refused here. `connect-src` is our own server alone, but on the page that speaks to the card bridge, on
loopback ports of the configuration.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")
_ON_ANY_PORT = "http://127.0.0.1"
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:[1-9][0-9]{3,4}")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+\-]*(\.[a-z0-9+\-]+)+:")

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS = "max-age=63072000; includeSubDomains"


def is_nameable(uri: str) -> bool:
    """Whether a policy can say that a form may end at this URI: not when its host is an IPv6 address (CSP 3 §2.3.1)."""
    return "[" not in urlsplit(uri).netloc


def form_target(redirect_uri: str) -> str:
    """What `form-action` must say for a form to end at this URI: its origin, or its private-use scheme (RFC 8252 §7.1)."""
    parts = urlsplit(redirect_uri)
    if parts.scheme in {"http", "https"}:
        target = f"{parts.scheme}://{parts.netloc}"
        if target == _ON_ANY_PORT:
            return f"{target}:*"
        if _ORIGIN.fullmatch(target):
            return target
    elif _PRIVATE_SCHEME.fullmatch(f"{parts.scheme}:"):
        return f"{parts.scheme}:"
    raise ValueError("not an address a form may end at")


def connect_target(bridge: str) -> str:
    """What `connect-src` must say for a page to call a program of this very computer; nothing else may be called."""
    if _LOOPBACK.fullmatch(bridge):
        return bridge
    raise ValueError("not a port of this computer")


def content_security_policy(nonce: str, form_targets: Iterable[str] = (), connect_targets: Iterable[str] = ()) -> str:
    """The policy of one response. `form_targets` come from `form_target`, `connect_targets` from `connect_target`."""
    connections = " ".join(["'self'", *connect_targets])
    targets = " ".join(["'self'", *sorted(set(form_targets))])
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'nonce-{nonce}'",
            f"style-src 'self' 'nonce-{nonce}'",
            "img-src 'self'",
            f"connect-src {connections}",
            f"form-action {targets}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def security_headers(
    nonce: str, form_targets: Iterable[str], connect_targets: Iterable[str] = (), *, hsts: bool
) -> dict[str, str]:
    headers = {**_ALWAYS, "Content-Security-Policy": content_security_policy(nonce, form_targets, connect_targets)}
    if hsts:
        headers["Strict-Transport-Security"] = _HSTS
    return headers
