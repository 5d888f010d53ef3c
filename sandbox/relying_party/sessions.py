"""The application's own sessions, on the server, found by a random HttpOnly cookie; and what each browser has under way.

A session lasts eight hours of the shared clock. The identifier changes at sign-in, so that a cookie planted before it
is worth nothing after. A session of the gateway that has ended (Back-Channel Logout 1.0 §2.7) opens nothing here any
more. Bounded: the oldest browser is forgotten when a thousand are known.
"""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.relying_party.authorization import Transaction
from sandbox.relying_party.code_exchange import SignedIn
from sandbox.relying_party.failures import ResponseRefused

SESSION_LASTS = timedelta(hours=8)
BROWSERS_KNOWN = 1000
TRANSACTIONS_PER_BROWSER = 20
ENDED_KNOWN = 1000


@dataclass
class Browser:
    signed_in: SignedIn | None = None
    under_way: OrderedDict[str, Transaction] = field(default_factory=OrderedDict)
    logout_states: set[str] = field(default_factory=set)
    ended_elsewhere: bool = False


class Sessions:
    def __init__(self) -> None:
        self._browsers: OrderedDict[str, Browser] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def signed_in(self, cookie: str | None, now: datetime) -> SignedIn | None:
        with self._lock:
            browser = self._known(cookie)
            if browser and browser.signed_in and not timedelta(0) <= now - browser.signed_in.at < SESSION_LASTS:
                browser.signed_in = None
            return browser.signed_in if browser else None

    def begin(self, cookie: str | None, transaction: Transaction) -> str:
        """The cookie to set."""
        with self._lock:
            browser = self._known(cookie)
            if cookie is None or browser is None:
                cookie, browser = self._new(Browser())
            browser.under_way[transaction.state] = transaction
            while len(browser.under_way) > TRANSACTIONS_PER_BROWSER:
                browser.under_way.popitem(last=False)
            return cookie

    def take(self, cookie: str | None, state: str) -> Transaction | None:
        """Once: the second answer to one request finds nothing."""
        with self._lock:
            browser = self._known(cookie)
            return browser.under_way.pop(state, None) if browser else None

    def sign_in(self, cookie: str | None, signed_in: SignedIn) -> str:
        """The new cookie to set; the old one is dead. Refuses a session that the gateway ended during the exchange."""
        with self._lock:
            if signed_in.id_claims.get("sid") in self._ended:
                raise ResponseRefused("session_already_ended")
            browser = self._browsers.pop(cookie or "", Browser())
            browser.signed_in, browser.ended_elsewhere = signed_in, False
            return self._new(browser)[0]

    def sign_out(self, cookie: str | None) -> tuple[SignedIn | None, str]:
        """Who was there, and a fresh state for the gateway to bring back."""
        with self._lock:
            browser = self._known(cookie)
            if browser is None:
                return None, secrets.token_urlsafe(32)
            leaving, browser.signed_in = browser.signed_in, None
            state = secrets.token_urlsafe(32)
            browser.logout_states = {state}
            return leaving, state

    def take_logout(self, cookie: str | None, state: str) -> bool:
        with self._lock:
            browser = self._known(cookie)
            if browser is None or state not in browser.logout_states:
                return False
            browser.logout_states.clear()
            return True

    def end(self, *, sid: str | None, sub: str | None) -> int:
        """The gateway says that a session (or, without `sid`, every session of somebody) has ended. How many ended here."""
        ended = 0
        with self._lock:
            if sid is not None:
                self._ended[sid] = None
                while len(self._ended) > ENDED_KNOWN:
                    self._ended.popitem(last=False)
            for browser in self._browsers.values():
                claims = browser.signed_in.id_claims if browser.signed_in else None
                if claims and sid in (None, claims.get("sid")) and sub in (None, claims.get("sub")):
                    browser.signed_in, browser.ended_elsewhere = None, True
                    ended += 1
        return ended

    def ended_elsewhere(self, cookie: str | None) -> bool:
        """Until the next sign-in of this browser."""
        with self._lock:
            browser = self._known(cookie)
            return browser is not None and browser.ended_elsewhere

    def _known(self, cookie: str | None) -> Browser | None:
        return self._browsers.get(cookie) if cookie else None

    def _new(self, browser: Browser) -> tuple[str, Browser]:
        cookie = secrets.token_urlsafe(32)
        self._browsers[cookie] = browser
        while len(self._browsers) > BROWSERS_KNOWN:
            self._browsers.popitem(last=False)
        return cookie, browser
