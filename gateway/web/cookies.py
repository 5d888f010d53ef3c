"""The cookies of the gateway (SES-01): `__Host-`, Secure, HttpOnly, SameSite=Lax, Path=/, without Domain or personal data.

No decision depends on a cookie's age (DECISIONS 20): those that outlive the browser only carry a name for something that
the server judges.
"""

import re
from typing import Final

from werkzeug.wrappers import Response

SESSION: Final = "__Host-session"
BROWSER: Final = "__Host-browser"
DEVICE: Final = "__Host-device"
LINK: Final = "__Host-link"
LANGUAGE: Final = "__Host-language"
POST: Final = "__Host-post"
"""This browser is on a shared post. Nothing rests on it: what is lost with it is strictness, never a right."""
MEANS: Final = "__Host-means"
"""The means that served last in this browser (DECISIONS 4)."""
PASSKEY: Final = "__Host-passkey"
"""Whether this browser may be offered to make a passkey: never asked twice."""
KNOWN: Final = "__Host-known"
"""Marks of the people who signed in here before (gateway/signin/known_browsers.py). What is lost with it is a quiet sign-in."""
LEAVING: Final = "__Host-leaving"
"""Where the logout at Pro Santé Connect comes back to."""
LEFT: Final = "__Host-left"
"""What the last logout here closed."""
JOURNEY: Final = "__Host-journey"
"""The sign-in that a lost password interrupted."""

LONG: Final = 400 * 86400
"""Seconds; the longest that browsers keep."""

_BROWSER_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")


def browser_value(proposed: str | None) -> str | None:
    """A pre-session value has the shape of those we make; anything else is as good as none."""
    return proposed if proposed is not None and _BROWSER_VALUE.fullmatch(proposed) else None


def put(response: Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """Without `seconds` the cookie dies with the browser."""
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="Lax")


def forget(response: Response, name: str) -> None:
    response.set_cookie(name, "", max_age=0, expires=0, path="/", secure=True, httponly=True, samesite="Lax")
