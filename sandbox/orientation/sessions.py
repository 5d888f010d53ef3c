"""Orientation's own sessions, on the server, found by a random HttpOnly cookie; and what each browser has under way.

A session lasts eight hours of the shared clock. The identifier changes at sign-in, so that a cookie planted before it
is worth nothing after. Bounded: the oldest browser is forgotten when a thousand are known.
"""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.orientation.authorization import Transaction
from sandbox.orientation.code_exchange import SignedIn

SESSION_LASTS = timedelta(hours=8)
BROWSERS_KNOWN = 1000
TRANSACTIONS_PER_BROWSER = 20


@dataclass
class Browser:
    signed_in: SignedIn | None = None
    under_way: OrderedDict[str, Transaction] = field(default_factory=OrderedDict)
    logout_states: set[str] = field(default_factory=set)


class Sessions:
    def __init__(self) -> None:
        self._browsers: OrderedDict[str, Browser] = OrderedDict()
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
        """The new cookie to set; the old one is dead."""
        with self._lock:
            browser = self._browsers.pop(cookie or "", Browser())
            browser.signed_in = signed_in
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

    def _known(self, cookie: str | None) -> Browser | None:
        return self._browsers.get(cookie) if cookie else None

    def _new(self, browser: Browser) -> tuple[str, Browser]:
        cookie = secrets.token_urlsafe(32)
        self._browsers[cookie] = browser
        while len(self._browsers) > BROWSERS_KNOWN:
            self._browsers.popitem(last=False)
        return cookie, browser
