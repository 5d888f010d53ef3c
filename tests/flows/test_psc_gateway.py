"""The whole gateway before the simulated Pro Santé Connect: the truth opens a session, and no lie does.

For each lie the person reads one of the known texts and never why; the journal says why, under the number that the person was
given; and nothing of any token, code or secret is in what the gateway shows, sets, notes or logs.
"""

import base64
import io
import logging
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from gateway.journal.events import Outcome
from gateway.signin.psc import client
from gateway.web.translations import Translations
from sandbox.psc import Lie, Quirk
from tests.flows.psc_gateway import CLIENT_ID, SECRET, PscGateway, Simulator, question, simulated
from tests.flows.test_psc_lies import ELSEWHERE, REASONS
from tests.requirements.assembled import Answer, action_of, told

NUMBER = re.compile(r'<strong class="incident-number">([A-Z2-7]{4}-[A-Z2-7]{4})</strong>')


class Canaries:
    """What must be found nowhere: all that our calls to Pro Santé Connect said, and heard, as it went over the wire."""

    def __init__(self) -> None:
        self.secrets = {SECRET, base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()}

    def token_answer(self, content: bytes) -> None:
        for token in re.findall(rb'"([A-Za-z0-9_.-]{40,})"', content):
            self.secrets |= {part for part in token.decode().split(".") if len(part) > 20}

    def received_by(self, gateway: PscGateway) -> None:
        for request in gateway.psc.requests_to("token"):
            self.secrets |= {value for name in ("code", "code_verifier") for value in request.form.get(name, [])}
        for request in gateway.psc.requests_to("userinfo"):
            self.secrets.add(request.headers["Authorization"].split()[-1])


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulated(tmp_path_factory.mktemp("psc")) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def shared(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PscGateway]:
    gateway = PscGateway(tmp_path_factory.mktemp("gateway"), simulator)
    gateway.linked("nadia")
    gateway.linked("elodie")
    yield gateway
    gateway.close()


@pytest.fixture
def gateway(shared: PscGateway) -> Iterator[PscGateway]:
    yield shared.renewed()
    shared.psc.be_honest()


@pytest.fixture
def canaries(monkeypatch: pytest.MonkeyPatch) -> Canaries:
    canaries, judged = Canaries(), client._token_answer

    def overheard(answer: Any) -> None:
        canaries.token_answer(answer.content)
        judged(answer)

    monkeypatch.setattr(client, "_token_answer", overheard)
    return canaries


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Of all that an administrator could set to DEBUG, what is the gateway's: the simulator and its visitors are others."""
    written, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(written), root.level
    handler.addFilter(lambda record: not record.name.startswith(("sandbox", "werkzeug")))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="module")
def texts() -> set[str]:
    said = Translations()
    return {said.say("fr", key) for key in ("signin.psc.refused", "signin.psc.unavailable")}


def text_of(page: Answer) -> str:
    lead = re.search(r'<p class="lead">(.*?)</p>', page.text, re.DOTALL)
    assert lead is not None, page.text
    return unescape(lead[1])


def nothing_leaked(gateway: PscGateway, canaries: Canaries, log: io.StringIO) -> None:
    """`log` begins after the visitor's own requests, which are not ours."""
    canaries.received_by(gateway)
    written = f"{log.getvalue()}{gateway.events()}"
    to_psc = f"{gateway.environment.authorization_endpoint}?"
    answers = [answer for answer in gateway.browser.trail if not (answer.header("location") or "").startswith(to_psc)]
    shown = "".join(f"{answer.headers}{answer.text}" for answer in answers) + f"{gateway.browser.cookies}"
    asked = {
        value for one in gateway.psc.requests_to("authorize") for value in (*one.query["nonce"], *one.query["state"])
    }
    assert not [secret for secret in canaries.secrets | asked if secret in written or secret in shown]


def chosen(gateway: PscGateway, page: Answer) -> Answer:
    """Past the choice of a situation, for those who have several."""
    if page.status == 200 and "/situation" in page.text:
        assert "<b>" not in page.text and "<script>" not in page.text
        return gateway.browser.onward(gateway.browser.submit(page, action_of(page, "situation"), situation="0"))
    return page


@pytest.mark.parametrize("keycloak", ["modern", "legacy"])
@pytest.mark.parametrize("persona", ["elodie", "nadia"])
def test_the_truth_opens_a_session(
    gateway: PscGateway, canaries: Canaries, log: io.StringIO, keycloak: Any, persona: str
) -> None:
    gateway.psc.keycloak = keycloak
    gateway.environment = gateway.declared()
    gateway.restart()
    callback = gateway.callback(persona)
    log.seek(0), log.truncate()
    answer = chosen(gateway, gateway.browser.onward(gateway.browser.get(callback)))
    assert told(answer)["code"]
    assert gateway.browser.session is not None
    assert len(canaries.secrets) > 6, "the test has overheard the tokens"
    assert "/protocol/openid-connect/token" in log.getvalue(), "the test would see a log"
    nothing_leaked(gateway, canaries, log)


@pytest.mark.spec("PSC-R14")
@pytest.mark.parametrize("quirk", list(Quirk))
def test_an_oddity_opens_a_session_too(gateway: PscGateway, quirk: Quirk) -> None:
    gateway.psc.quirk = quirk
    assert told(chosen(gateway, gateway.by_psc("nadia")))["code"]
    assert gateway.browser.session is not None


@pytest.mark.spec("PSC-R4", "PSC-R5", "PSC-R6", "PSC-R8", "PSC-R9", "PSC-R11", "PSC-R12", "PSC-R22")
@pytest.mark.parametrize("lie", sorted(REASONS))
def test_one_lie_opens_nothing_and_why_is_in_the_journal_alone(
    gateway: PscGateway, canaries: Canaries, log: io.StringIO, texts: set[str], lie: Lie
) -> None:
    gateway.psc.lie = lie
    callback = gateway.callback("nadia")
    log.seek(0), log.truncate()
    answer = gateway.browser.get(callback)
    page = gateway.browser.onward(answer)
    gateway.psc.lie = None  # a slow answer ends here
    nothing_leaked(gateway, canaries, log)
    assert gateway.browser.session is None
    assert "__Host-session" not in gateway.browser.cookies
    assert not any("code=" in one.location for one in gateway.browser.trail if one.header("location"))
    unasked = lie in {Lie.STATE_MISSING, Lie.STATE_CHANGED}
    assert page.status == (410 if unasked else 200)
    noted = gateway.noted()
    reason = "callback: no question of this browser" if unasked else REASONS[lie]
    assert noted.details["error"].startswith(reason)
    assert noted.outcome in {Outcome.REFUSED, Outcome.FAILED}
    assert noted.details["error"] not in page.text
    if unasked:
        return
    assert text_of(page) in texts
    assert question(answer.location)["incident"] == noted.request
    shown = NUMBER.findall(page.text)
    assert shown == ([noted.request] if noted.reason == "psc_refused" else [])


@pytest.mark.parametrize("lie", [lie for lie in ELSEWHERE if lie.startswith("discovery_")])
def test_nothing_is_taken_from_how_the_provider_describes_itself(gateway: PscGateway, lie: Lie) -> None:
    gateway.psc.lie = lie
    assert told(gateway.by_psc())["code"]
    assert gateway.psc.requests_to("discovery") == []


@pytest.mark.spec("PSC-R6")
def test_a_refusal_on_the_phone_is_told_as_one_and_leaves_every_other_way_on(gateway: PscGateway) -> None:
    page = gateway.by_psc(decision="refuse")
    assert text_of(page) == Translations().say("fr", "signin.psc.declined")
    assert gateway.noted().reason == "psc_declined"
    others = re.search(r'href="(/signin/[^"/]+)"', page.text)
    assert others is not None
    assert "/password" in gateway.browser.onward(gateway.browser.get(others[1])).text
