"""The public half of a browser's key, as a form brings it: what is not an uncompressed P-256 point is no key."""

import base64
import binascii
import re

_POINT_LENGTH = 65


def public_point(unverified: str) -> bytes | None:
    """The 65 bytes, or None: then no device is trusted."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{87}", unverified):
        return None
    try:
        point = base64.urlsafe_b64decode(unverified + "=")
    except binascii.Error:
        return None
    return point if len(point) == _POINT_LENGTH and point[0] == 4 else None
