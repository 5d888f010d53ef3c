"""After a logout: the person is told which applications were closed, and which were not (SES-05, SES-07, WEB-04)."""

from dataclasses import replace

import pytest

from gateway.journal.effects import Outgoing
from gateway.signin.ended_session import LOGOUT_CALL
from gateway.signin.farewell.farewell import KEPT_SECONDS, Farewells, Told
from gateway.signin.session import Session
from tests.protocol.provider import AFTER_LOGOUT, Provider, client

TOLD_AT = "https://suivi.example/backchannel"


class Calls:
    """What waits to be told, and how often it was tried."""

    def __init__(self) -> None:
        self.items: list[tuple[Outgoing, int]] = []

    def wait(self, client_id: str, tries: int, sid: str = "sid-0") -> None:
        self.items.append((Outgoing(LOGOUT_CALL, {"client": client_id, "sid": sid, "account": "a"}), tries))

    def waiting(self, kind: str, *, limit: int = 1000, **said: str) -> list[tuple[Outgoing, int]]:
        return [(item, n) for item, n in self.items if item.kind == kind and said.items() <= item.payload.items()]


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    for client_id in ("orientation", "suivi", "autre"):
        known = made.clients.clients[client_id]
        address = None if client_id == "autre" else TOLD_AT
        made.clients.clients[client_id] = replace(known, backchannel_logout_uri=address)
    return made


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def farewells(provider: Provider, calls: Calls) -> Farewells:
    return Farewells(clients=provider.clients, spool=calls, clock=provider.clock, mac=lambda message: message[::-1])


def ended(provider: Provider, *clients: str) -> Session:
    return replace(provider.sign_in(), clients=clients)


@pytest.mark.spec("SES-07")
def test_each_application_is_said_as_it_is_now(provider, calls, farewells):
    memory = farewells.of(ended(provider, "orientation", "suivi", "autre"), "orientation", AFTER_LOGOUT)
    farewell = farewells.read(memory)

    def told() -> dict[str, Told]:
        return {item.client_id: state for item, state in farewells.told(farewell)}

    calls.wait("suivi", 0)
    calls.wait("orientation", 3, sid="of somebody else")
    assert told() == {"orientation": Told.TOLD, "suivi": Told.WAITING, "autre": Told.UNTOLD}
    calls.items.clear()
    calls.wait("suivi", 2)
    assert told()["suivi"] is Told.LATE
    calls.items.clear()
    assert told()["suivi"] is Told.TOLD
    del provider.clients.clients["suivi"]
    assert "suivi" not in told()


def test_nothing_is_told_when_no_other_application_took_part(provider, farewells):
    assert farewells.of(None, "orientation", AFTER_LOGOUT) is None
    assert farewells.of(ended(provider), None, None) is None
    assert farewells.of(ended(provider, "orientation"), "orientation", AFTER_LOGOUT) is None
    assert farewells.of(ended(provider, "orientation"), None, None) is not None, "our own page asked: it is another one"


@pytest.mark.spec("WEB-04")
def test_what_the_browser_brings_back_is_ours_to_the_letter_and_soon_over(provider, farewells):
    memory = farewells.of(ended(provider, "orientation", "suivi"), "orientation", AFTER_LOGOUT)
    assert farewells.read(memory).way_back == AFTER_LOGOUT
    body, _, signature = memory.rpartition(".")
    for forged in (
        None,
        "",
        ".",
        "x.y",
        f"{body}x.{signature}",
        f"{body}.{signature}x",
        f".{signature}",
        f"{body}.",
        "é.é",
    ):
        assert farewells.read(forged) is None
    provider.clock.advance(KEPT_SECONDS - 1)
    assert farewells.read(memory) is not None
    provider.clock.advance(1)
    assert farewells.read(memory) is None


@pytest.mark.spec("SES-05", "SES-06")
def test_a_logout_that_closes_others_leads_through_our_page_and_a_lone_one_straight_back(provider):
    first = provider.begin("orientation")
    hint = {"id_token_hint": first["id_token"], "post_logout_redirect_uri": AFTER_LOGOUT, "state": "s"}
    alone = provider.browser.get("/logout", query_string=hint)
    assert alone.headers["Location"] == f"{AFTER_LOGOUT}?state=s"
    provider.sign_in()
    hint["id_token_hint"] = provider.begin("orientation")["id_token"]
    provider.begin("suivi")
    shared = provider.browser.get("/logout", query_string=hint)
    assert shared.headers["Location"] == "https://portail.example/signed-out"
    cookie = next(value for value in shared.headers.getlist("Set-Cookie") if value.startswith("__Host-left="))
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= {part.strip() for part in cookie.split(";")}
    assert client().client_id == "orientation"
