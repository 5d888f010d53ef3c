"""Under which keys attempts are counted (THR-01, OTP-06, RST-06).

A key is a keyed hash of what was typed, whether it names an account or not, so that the store knows no identifier and an
unknown one is treated like any other. Its first hexadecimal digit is its partition.
"""

import ipaddress
from collections.abc import Sequence

from gateway.accounts.account import Account
from gateway.accounts.identifiers import normalise_identifier
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.signin.policy import Window
from gateway.signin.ports import Throttle

BY_IDENTIFIER = "password"
BY_ACCOUNT = "password-account"


class ThrottleKeys:
    def __init__(self, key: PurposeKey) -> None:
        key.for_purpose(Purpose.THROTTLE)
        self._key = key

    def of(self, what: str, subject: str) -> str:
        return self._key.mac(Purpose.THROTTLE, what.encode(), subject.encode("utf-8", "surrogatepass")).hex()

    def typed(self, what: str, identifier: str) -> str:
        """One key for every way to write one identifier: spaces, case, `8` + RPPS."""
        kind, value = normalise_identifier(identifier)
        return self.of(what, f"{kind}:{value}")


def ip_block(ip: str) -> str:
    """What one subscriber holds: an IPv4 address, or 64 bits of IPv6."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def forget_failures(throttle: Throttle, keys: ThrottleKeys, account: Account) -> None:
    """Consecutive failures, by account and by each of its identifiers; what was failed in the day stays counted."""
    throttle.succeeded(keys.of(BY_ACCOUNT, account.id))
    for identifier in (account.username, account.email, account.rpps):
        if identifier is not None:
            throttle.succeeded(keys.typed(BY_IDENTIFIER, identifier))


def within(throttle: Throttle, key: str, windows: Sequence[Window], now: float) -> bool:
    """Counts one event in every window; True when none is full. Each window has its own key."""
    verdicts = [
        throttle.count(_of(key, window), limit=window.limit, window_seconds=window.seconds, now=now)
        for window in windows
    ]
    return all(verdicts)


def is_full(throttle: Throttle, key: str, window: Window, now: float) -> bool:
    """Whether `within` counted the last event that this window has room for; counts nothing."""
    return throttle.is_full(_of(key, window), limit=window.limit, window_seconds=window.seconds, now=now)


def _of(key: str, window: Window) -> str:
    return key[:48] + f"{window.seconds:08x}"
