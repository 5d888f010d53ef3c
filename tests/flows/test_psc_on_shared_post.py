"""On a shared post Pro Santé Connect is asked afresh, whatever it remembers of the person before (SES-11)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.signin.shared_post.post import SharedBy
from tests.flows.psc_gateway import PscGateway, question, simulated
from tests.requirements.assembled import told


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[PscGateway]:
    (tmp_path / "gateway").mkdir()
    with simulated(tmp_path) as simulator:
        gateway = PscGateway(tmp_path / "gateway", simulator)
        yield gateway
        gateway.close()


@pytest.mark.spec("SES-11")
def test_pro_sante_connect_is_asked_to_prove_the_person_again_on_a_shared_post(gateway: PscGateway) -> None:
    assert question(gateway.asked()).get("prompt") != "login"
    browser = gateway.browser
    browser.submit(browser.get("/post"), "/post")
    assert question(gateway.asked()).get("prompt") == "login"
    gateway.linked("elodie")
    assert told(browser.onward(gateway.by_psc("elodie", browser.authorize())))["code"]
    session = browser.session
    assert session is not None
    assert (session.shared, session.idle_seconds) == (SharedBy.CHOICE, 300)
    page = browser.onward(browser.authorize("suivi"))
    assert "Est-ce bien vous" in page.text
    assert "__Host-means" not in browser.cookies
