"""The `__Host-device` cookie: which trusted device this browser is, for each of the people who share it.

One entry per account: a short hash of the account's random identifier and the device's identifier. It proves nothing
(DECISIONS 2): the proof is a signature by a key that the browser keeps under the same name. Refuses what it did not write.
"""

import re

from gateway.randomness import digest

_MOST = 6
_ENTRY = re.compile(r"([0-9a-f]{16}):([A-Za-z0-9_-]{1,80})")


def key_name(account_id: str) -> str:
    """How the browser names the key of this account: says nothing of the person."""
    return digest(f"device of {account_id}")[:16]


def _entries(unverified_cookie: str | None) -> dict[str, str]:
    found = (_ENTRY.fullmatch(entry) for entry in (unverified_cookie or "")[:1000].split("|"))
    return {match[1]: match[2] for match in found if match}


def device_of(unverified_cookie: str | None, account_id: str | None) -> str | None:
    """The device this browser says it is for this account."""
    return None if account_id is None else _entries(unverified_cookie).get(key_name(account_id))


def with_device(unverified_cookie: str | None, account_id: str, device_id: str) -> str:
    """The cookie's next value: the newest entry first, the oldest forgotten beyond six."""
    name = key_name(account_id)
    others = [entry for entry in _entries(unverified_cookie).items() if entry[0] != name]
    return "|".join(f"{account}:{device}" for account, device in [(name, device_id), *others][:_MOST])
