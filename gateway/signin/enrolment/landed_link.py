"""The one-time link that landed in a browser: its purpose and its token wait in a cookie, out of the address bar (RST-05)."""

import re

from gateway.accounts.one_time_link import LinkPurpose

TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")


def landing(purpose: LinkPurpose, token: str) -> str:
    """The cookie's value."""
    return f"{purpose.value}.{token}"


def landed_token(unverified_cookie: str | None, purpose: LinkPurpose) -> str | None:
    """The token of the link that landed for this purpose, whoever's and whether alive or not; None without one."""
    kind, _, token = (unverified_cookie or "").partition(".")
    return token if kind == purpose.value and TOKEN.fullmatch(token) else None
