"""The pages of Pro Santé Connect: its tile, what a refusal says, the page that leads out; whatever the rules answer."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import flask
import pytest

from gateway.signin.journey import Step
from gateway.signin.pages import JourneyPages, MeansTile
from gateway.signin.psc import pages as psc_pages
from gateway.signin.psc.leaving import Departure
from gateway.signin.psc.refusals import PscDeclined, PscRefused, PscUnavailable
from gateway.signin.psc.signin import ACTIVATION
from gateway.signin.session import Session
from gateway.signin.transaction import SigninTransaction
from gateway.web.translations import Translations
from tests.unit.web.world import BROWSER, HANDLE, Door, ScriptedClients, session

HERE = f"/signin/{HANDLE}"
WALLET = "https://wallet.example/auth?state=s&nonce=n"
OUT = 'https://auth.example/logout?id_token_hint=h&post_logout_redirect_uri=x&state="s"'
NUMBER = "ABCD-2345"
PSC = MeansTile("psc", lambda handle: f"/signin/{handle}/psc", "/activation/psc")
CARD = MeansTile("card", lambda handle: f"/signin/{handle}/card", "/activation/card")


class ScriptedPsc:
    """Asks at the wallet, and answers as told."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.afresh: list[bool] = []
        self.answers: list[Any] = []
        self.unasked = 0

    def ask(self, _txn: SigninTransaction, *, afresh: bool = False, **_: Any) -> str:
        self.afresh.append(afresh)
        return WALLET

    def answered(self, txn: SigninTransaction, unverified: Any, _context: Any, **_: Any) -> SigninTransaction:
        self.answers.append(unverified)
        if self.refusal is not None:
            raise self.refusal
        return txn

    def not_asked(self, _context: Any) -> None:
        self.unasked += 1


class ScriptedLeaving:
    def __init__(self) -> None:
        self.way_back: str | None = None

    def of(self, ended: Session | None, _way_back: str | None) -> Departure | None:
        return Departure(OUT, "the memory") if ended is not None else None

    def back(self, memory: str | None, _state: str | None) -> str | None:
        return self.way_back if memory == "the memory" else None


class PscDoor(Door):
    """With the doors of Pro Santé Connect beside the others."""

    def __init__(self) -> None:
        super().__init__(means=[PSC, CARD])
        self.psc, self.leaving = ScriptedPsc(), ScriptedLeaving()
        fakes: dict[str, Any] = {
            "j": self.journey,
            "g": self.gate,
            "c": ScriptedClients(),
            "p": self.psc,
            "l": self.leaving,
        }
        shared = JourneyPages(shell=self.shell, journey=fakes["j"], gate=fakes["g"], clients=fakes["c"], means=[PSC])
        self.journey.is_under_way = lambda txn: txn.refusal is None  # type: ignore[attr-defined]
        self.app.register_blueprint(psc_pages.pages(shared, fakes["p"], fakes["l"]))
        leave = psc_pages.leave(self.shell, fakes["l"])

        @self.app.get("/leave")
        def leaving() -> Any:
            return leave(session(), None) or flask.abort(404)

    def refused(self, why: str = "psc_refused", incident: str = NUMBER, language: str = "fr") -> str:
        response = self.client.get(
            f"{HERE}/psc/refused",
            query_string={"why": why, "incident": incident},
            headers={"Accept-Language": language},
        )
        assert response.status_code == 200
        return response.get_data(as_text=True)


@pytest.fixture
def door() -> PscDoor:
    return PscDoor()


def answered(door: PscDoor, query: str = f"state={HANDLE}.s&code=c") -> Any:
    return door.client.get(f"/signin/psc/callback?{query}")


@pytest.mark.spec("PSC-R29", "A11Y-04")
def test_its_tile_comes_before_the_card_and_the_password_and_says_its_name(door: PscDoor) -> None:
    html = door.client.get(f"{HERE}/password").get_data(as_text=True)
    tile = re.search(rf'<a class="tile[^"]*" href="{HERE}/psc">\s*<span class="tile-label">([^<]+)</span>', html)
    assert tile is not None
    assert unescape(tile[1]) == Translations().say("fr", "means.psc")
    assert "Pro Santé Connect" in unescape(tile[1])
    assert html.index(f"{HERE}/psc") < html.index(f"{HERE}/card") < html.index('type="password"')


@pytest.mark.parametrize(("usual", "tagged"), [("psc", "psc"), ("card", "card"), ("<b>", None), ("password", None)])
def test_the_means_that_served_last_is_marked_and_the_order_stays(
    door: PscDoor, usual: str, tagged: str | None
) -> None:
    door.client.set_cookie("__Host-means", usual, domain="localhost")
    html = door.client.get(f"{HERE}/password").get_data(as_text=True)
    tiles = re.findall(r'<a class="tile[^"]*" href="/signin/[^/]+/(\w+)">(.*?)</a>', html, re.DOTALL)
    assert [kind for kind, _ in tiles] == ["psc", "card"]
    assert [kind for kind, inside in tiles if 'class="tag"' in inside] == ([tagged] if tagged else [])
    assert usual == "psc" or usual not in html or usual in {"card", "password"}


def test_the_page_without_a_password_shows_the_tiles_alone(door: PscDoor) -> None:
    door.journey.step = Step.MEANS
    html = door.client.get(f"{HERE}/means").get_data(as_text=True)
    assert f"{HERE}/psc" in html
    assert 'type="password"' not in html


@pytest.mark.parametrize(("query", "afresh"), [("", False), ("?afresh", True), ("?afresh=0", True), ("?other", False)])
def test_asking_leads_to_the_wallet(door: PscDoor, query: str, afresh: bool) -> None:
    response = door.client.get(f"{HERE}/psc{query}")
    assert (response.status_code, response.headers["Location"]) == (303, WALLET)
    assert response.headers["Cache-Control"] == "no-store"
    assert door.psc.afresh == [afresh]


def test_nobody_is_asked_for_a_journey_that_is_over(door: PscDoor) -> None:
    door.journey.txn = replace(door.journey.txn, refusal="access_denied")
    assert door.client.get(f"{HERE}/psc").headers["Location"] == HERE
    assert door.psc.afresh == []


@pytest.mark.spec("PSC-R4")
def test_an_answer_for_another_browser_reaches_no_rule(door: PscDoor) -> None:
    response = door.browser("c" * 43).get(f"/signin/psc/callback?state={HANDLE}.s&code=c")
    assert response.status_code == 410
    assert door.psc.answers == []
    assert door.psc.unasked == 1


def test_code_and_state_leave_the_address_bar_at_once(door: PscDoor) -> None:
    response = answered(door)
    assert (response.status_code, response.headers["Location"]) == (303, HERE)
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"


def test_every_parameter_reaches_the_rules_as_it_came(door: PscDoor) -> None:
    answered(door, f"state={HANDLE}.s&code=a%2Bb&code=&iss=%C3%A9")
    assert door.psc.answers[0].pairs == [("state", f"{HANDLE}.s"), ("code", "a+b"), ("code", ""), ("iss", "é")]


@pytest.mark.parametrize("query", [f"state={HANDLE}.s" + "&a=1" * 25, f"state={HANDLE}.s&x", f"state={HANDLE}.s&a=%FF"])
def test_what_cannot_be_read_whole_is_no_answer(door: PscDoor, query: str) -> None:
    assert answered(door, query).status_code in {400, 410}
    assert door.psc.answers == []


@pytest.mark.spec("PSC-R6")
@pytest.mark.parametrize("refusal", [PscRefused, PscDeclined, PscUnavailable])
def test_a_refusal_leads_to_its_text_and_never_to_its_reason(door: PscDoor, refusal: Any) -> None:
    door.psc.refusal = refusal("id token: nonce")
    address = answered(door).headers["Location"]
    assert re.fullmatch(rf"{HERE}/psc/refused\?why={refusal.code}&incident=[A-Z2-7]{{4}}-[A-Z2-7]{{4}}", address)
    html = unescape(door.client.get(address).get_data(as_text=True))
    assert Translations().say("fr", refusal.text) in html
    assert "nonce" not in html.replace('nonce="', "")
    shown = re.findall(r'incident-number">([^<]+)<', html)
    assert shown == ([address.rpartition("=")[2]] if refusal is PscRefused else [])


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("why", [PscRefused, PscDeclined, PscUnavailable])
def test_its_texts_are_said_in_both_languages(door: PscDoor, language: str, why: Any) -> None:
    assert Translations().say(language, why.text) in unescape(door.refused(why.code, language=language))


@pytest.mark.spec("WEB-07")
@pytest.mark.parametrize("incident", ["<script>", "ABCD2345", "ABCD-2345 ", "abcd-2345", "ABCD-2341", "A" * 500, ""])
def test_only_a_number_of_ours_is_shown(door: PscDoor, incident: str) -> None:
    assert "incident-number" not in door.refused(incident=incident)


def test_there_is_always_a_way_on(door: PscDoor) -> None:
    html = door.refused()
    assert f'href="{HERE}/psc?afresh"' in html
    assert f'href="{HERE}"' in html
    assert f'action="{HERE}/cancel"' in html


def test_an_activation_goes_on_where_it_came_from(door: PscDoor) -> None:
    door.journey.txn = replace(door.journey.txn, continuation={"resume": "/", ACTIVATION: True})
    html = door.refused()
    assert 'href="/activation/psc"' in html and 'href="/activation"' in html
    assert f"{HERE}/psc?afresh" not in html


@pytest.mark.spec("PSC-R23")
def test_the_page_that_leads_out_goes_by_itself_and_by_a_link(door: PscDoor) -> None:
    response = door.client.get("/leave")
    html = response.get_data(as_text=True)
    refresh = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', html)
    link = re.search(r'class="button" href="([^"]+)"', html)
    assert refresh is not None and link is not None
    assert unescape(refresh[1]) == unescape(link[1]) == OUT
    cookie = response.headers["Set-Cookie"]
    assert (
        cookie.startswith("__Host-leaving=") and "HttpOnly" in cookie and "Secure" in cookie and "Max-Age" not in cookie
    )
    assert response.headers["Cache-Control"] == "no-store"


def test_coming_back_forgets_and_goes_on(door: PscDoor) -> None:
    door.client.set_cookie("__Host-leaving", "the memory", domain="localhost")
    door.leaving.way_back = "https://application.example/bye"
    response = door.client.get("/signin/psc/logged-out?state=s")
    assert (response.status_code, response.headers["Location"]) == (303, "https://application.example/bye")
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert door.client.get("/signin/psc/logged-out").headers["Location"] == "/?signed_out"


def test_activation_without_a_link_asks_nobody(door: PscDoor) -> None:
    assert door.client.get("/activation/psc").headers["Location"] == "/activation"
    assert door.psc.afresh == []
    door.client.set_cookie("__Host-link", "activation." + "L" * 43, domain="localhost")
    assert door.client.get("/activation/psc").headers["Location"] == WALLET
    assert door.journey.txn.continuation == {"resume": "/", ACTIVATION: True}
    assert door.journey.txn.browser == BROWSER
