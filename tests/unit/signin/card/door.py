"""The people's door with the card's pages alone, over real rules and a journey that knows one transaction."""

import hashlib
import hmac
import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import flask
from flask.testing import FlaskClient

from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import digest
from gateway.signin.card import api as card_api
from gateway.signin.card import pages as card_pages
from gateway.signin.card.environment import CardEnvironment
from gateway.signin.journey import Journey, TransactionGone
from gateway.signin.pages import JourneyPages, MeansTile
from gateway.signin.transaction import Demand, SigninTransaction
from gateway.web.shell import Shell, TenantDisplay
from tests.unit.signin.card.cards import NOW, ORIGIN, Rig
from tests.unit.signin.card.tab import HANDLE, Tab

BROWSER = "b" * 43
TENANT = TenantDisplay(service={"fr": "Portail de démonstration", "en": "Demonstration portal"}, contact_name="Appui")
PSC = MeansTile("psc", lambda handle: f"/signin/{handle}/psc", "/activation/psc")
CARD = MeansTile("card", lambda handle: f"/signin/{handle}/card", "/activation/card")


class OneJourney:
    """Finds the transaction of the tab, in its browser."""

    is_under_way = staticmethod(Journey.is_under_way)

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.opened: list[Mapping[str, Any]] = []

    def find(self, handle: str, *, browser_cookie: str | None) -> SigninTransaction:
        found = self.tab.transactions.find(handle, self.tab.clock.at)
        if found is None or browser_cookie is None or found.browser != digest(browser_cookie):
            raise TransactionGone
        return found

    def open(self, demand: Demand, continuation: Mapping[str, Any], **_: Any) -> SigninTransaction:
        self.opened.append(continuation)
        return self.tab.txn


class NoClients:
    def find(self, client_id: str) -> None:
        return None


class CardDoor:
    """`client` is the browser that began the sign-in."""

    def __init__(self, rig: Rig, *, environment: CardEnvironment | None = None) -> None:
        self.tab = Tab(rig)
        counter = itertools.count(1)
        self.shell = Shell(
            public_origin=ORIGIN,
            tenant=TENANT,
            form_mac=lambda message: hmac.digest(b"k" * 32, message, "sha256"),
            randomness=lambda size: hashlib.sha256(str(next(counter)).encode()).digest()[:size],
            hsts=False,
        )
        self.journey = OneJourney(self.tab)
        anything: Any = None
        self.pages = JourneyPages(
            shell=self.shell,
            journey=self.journey,  # type: ignore[arg-type]
            gate=anything,
            clients=NoClients(),  # type: ignore[arg-type]
            means=(PSC, CARD),
        )
        blueprints = (
            card_pages.pages(self.pages, environment or rig.environment),
            card_api.api(self.pages, self.tab.card),
        )
        self.app: flask.Flask = self.shell.door(blueprints)
        self.belongs_to(BROWSER)
        self.client = self.browser(BROWSER)

    def moved_to(self, origin: str) -> None:
        """Served for real, at this origin."""
        self.shell.public_origin = self.tab.card.origin = origin

    def belongs_to(self, browser: str, **changed: Any) -> None:
        """A new transaction, of this browser, in the place of the one before."""
        self.tab.transactions.records.clear()
        txn = SigninTransaction(HANDLE, digest(browser), Demand(), {"resume": "/"}, NOW, NOW + 900)
        self.tab.transactions.open(replace(txn, **changed), NO_EFFECTS)

    def browser(self, cookie: str) -> FlaskClient:
        client = self.app.test_client()
        client.set_cookie("__Host-browser", cookie, domain="localhost")
        return client
