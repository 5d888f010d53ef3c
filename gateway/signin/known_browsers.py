"""Which browsers an account was opened in before, and the notice when one was not among them (SES-13).

A browser where a sign-in ended keeps a mark per person, which only this gateway can make: a keyed hash of the account and of
the instant since when its codes are demanded, so that a reset and a change of contact make every browser unknown, as they end
every trust. It says nothing of anybody, and another account's is worth nothing. The notice leaves with the very step that
starts the session, so that whoever has a password and a mailbox, but not the person's browser, cannot prevent it: no cookie, a
forged one, "this post is shared" never spare one. Spared are the first sign-in of an account, whose activation was told; one
with the key of a trusted device; one from a network declared as shared, which the address tells and nobody chooses; and, of
browsers that keep nothing, what comes after three notices in a day.
"""

import hmac
import re
from typing import Final

from gateway.accounts.account import Account
from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing, because
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import base64url
from gateway.signin.evidence import Means
from gateway.signin.policy import DAY, Window
from gateway.signin.ports import Throttle
from gateway.signin.session import Session
from gateway.signin.shared_post.post import SharedBy
from gateway.signin.throttle import ThrottleKeys, within

MOST_MARKS: Final = 20
"""People whom one browser keeps: a shared post of a large service."""
NOTICES: Final = (Window(3, DAY),)
_OCTETS = 16
_MARK = re.compile(r"[A-Za-z0-9_-]{22}")
_LONGEST = 1000


class KnownBrowsers:
    def __init__(self, *, key: PurposeKey, throttle: Throttle, throttle_keys: ThrottleKeys) -> None:
        key.for_purpose(Purpose.KNOWN_BROWSER)
        self._key, self._throttle, self._throttle_keys = key, throttle, throttle_keys

    def knows(self, unverified_marks: str, account: Account) -> bool:
        """Whether the account was opened in the browser that shows these marks."""
        mark = self._mark(account)
        return any(hmac.compare_digest(mark, shown) for shown in _read(unverified_marks))

    def remembering(self, unverified_marks: str, account: Account) -> str:
        """What the browser keeps from now on: the newest person first, the oldest forgotten beyond twenty."""
        mark = self._mark(account)
        return "|".join([mark, *(shown for shown in _read(unverified_marks) if shown != mark)][:MOST_MARKS])

    def notice(self, account: Account, session: Session, unverified_marks: str, now: float) -> Effects:
        """What to write with the start of this session, which is not the renewal of another."""
        spared = (
            account.last_signin_at is None
            or session.shared is SharedBy.NETWORK
            or any(item.means is Means.TRUSTED_DEVICE for item in session.evidence)
            or self.knows(unverified_marks, account)
        )
        if spared or not within(self._throttle, self._throttle_keys.of("new-device", account.id), NOTICES, now):
            return NO_EFFECTS
        said = {"account": account.id, "what": "new_device", "device": session.device}
        return because(outgoing=(Outgoing("notice", said),))

    def _mark(self, account: Account) -> str:
        since = repr(account.code_demanded_since or 0.0)
        return base64url(self._key.mac(Purpose.KNOWN_BROWSER, account.id.encode(), since.encode())[:_OCTETS])


def _read(unverified_marks: str) -> list[str]:
    return [mark for mark in unverified_marks[:_LONGEST].split("|") if _MARK.fullmatch(mark)]
