"""The pages follow the journey: they show its step, send what was typed, and go where it says."""

from dataclasses import replace

import pytest

from gateway.signin.journey import Step, TransactionMoved
from gateway.signin.pages import MeansTile
from gateway.signin.ports import StructureChoice
from gateway.signin.transaction import Demand
from tests.unit.web.world import BROWSER, HANDLE, Door, session

HERE = f"/signin/{HANDLE}"


@pytest.mark.parametrize("step", [Step.PASSWORD, Step.DEVICE, Step.CODE, Step.STRUCTURE, Step.CONSENT])
def test_the_dispatcher_sends_to_the_current_step(door: Door, step: Step) -> None:
    door.journey.step = step
    assert door.client.get(HERE).headers["Location"] == f"{HERE}/{step.value}"


@pytest.mark.parametrize("step", ["password", "device", "code", "structure", "consent"])
def test_a_page_out_of_turn_sends_back_to_the_dispatcher(door: Door, step: str) -> None:
    door.journey.step = Step.REFUSED
    response = door.client.get(f"{HERE}/{step}")
    assert (response.status_code, response.headers["Location"]) == (303, HERE)


def test_a_form_out_of_turn_submits_nothing(door: Door) -> None:
    token = door.token(door.client, f"{HERE}/password")
    door.journey.step = Step.CODE
    response = door.client.post(f"{HERE}/password", data={"form_token": token, "identifier": "a", "password": "b"})
    assert (response.status_code, response.headers["Location"]) == (303, HERE)
    assert door.password.contexts == []


def test_a_complete_journey_goes_back_to_the_room_that_opened_it_with_a_session(door: Door) -> None:
    door.journey.step = Step.COMPLETE
    response = door.client.get(HERE)
    assert response.status_code == 303
    assert response.headers["Location"] == f"/authorize/resume/{HANDLE}"
    assert session().handle in response.headers["Set-Cookie"]
    assert door.journey.taken == []


def test_a_journey_without_application_is_closed_here_and_ends_at_home(door: Door) -> None:
    assert door.client.get("/signin").headers["Location"] == HERE
    assert door.journey.txn.demand == Demand()
    door.journey.step = Step.COMPLETE
    assert door.client.get(HERE).headers["Location"] == "/"
    assert door.journey.taken == [HANDLE]


@pytest.mark.spec("WEB-04")
@pytest.mark.parametrize("resume", ["https://evil.example/", "//evil.example/", "evil"])
def test_a_journey_never_resumes_outside(door: Door, resume: str) -> None:
    door.journey.txn = replace(door.journey.txn, continuation={"resume": resume})
    door.journey.step = Step.COMPLETE
    response = door.client.get(HERE)
    assert response.status_code == 500
    assert "Location" not in response.headers


def test_giving_up_is_told_to_the_application(door: Door) -> None:
    response = door.send(f"{HERE}/password", action=f"{HERE}/cancel")
    assert response.headers["Location"] == HERE
    assert door.journey.txn.refusal == "access_denied"
    assert door.client.get(HERE).headers["Location"] == f"/authorize/resume/{HANDLE}"


@pytest.mark.parametrize(
    "handle", ["x", "8" + "h" * 43, "7" + "h" * 42, "g" + "h" * 43, "7" + "é" * 43, "7" + "h" * 43 + "h"]
)
def test_an_unknown_transaction_is_gone_and_the_page_has_a_way_out(door: Door, handle: str) -> None:
    for path in (f"/signin/{handle}", f"/signin/{handle}/password"):
        response = door.client.get(path)
        assert response.status_code == 410
        assert 'href="/signin"' in response.get_data(as_text=True)


@pytest.mark.spec("SES-12")
def test_a_transaction_is_gone_in_another_browser(door: Door) -> None:
    for client in (door.browser(), door.browser("x" * 43)):
        assert client.get(HERE).status_code == 410
    assert door.browser(BROWSER).get(HERE).status_code == 303


def test_a_tab_that_lost_the_race_is_shown_where_the_journey_stands(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def moved(*_: object) -> None:
        raise TransactionMoved

    monkeypatch.setattr(door.password, "submit", moved)
    response = door.send(f"{HERE}/password", identifier="a", password="b")
    assert (response.status_code, response.headers["Location"]) == (303, HERE)
    monkeypatch.setattr(door.journey, "complete", lambda *_, **__: moved())
    door.journey.step = Step.COMPLETE
    assert door.client.get(HERE).status_code == 410


def test_every_page_of_the_journey_names_the_application(door: Door) -> None:
    for step in (Step.PASSWORD, Step.DEVICE, Step.CODE, Step.STRUCTURE):
        door.journey.step = step
        html = door.client.get(f"{HERE}/{step.value}").get_data(as_text=True)
        assert "pour accéder à <strong>Orientation</strong>" in html
        assert "Annuler et revenir à Orientation" in html


def test_the_language_the_application_asked_is_spoken(door: Door) -> None:
    door.journey.txn = replace(door.journey.txn, demand=Demand(client_id="orientation", ui_locale="en"))
    assert "to reach <strong>Orientation (en)</strong>" in door.client.get(f"{HERE}/password").get_data(as_text=True)


def test_a_means_that_is_not_switched_on_is_not_shown(door: Door) -> None:
    html = door.client.get(f"{HERE}/password").get_data(as_text=True)
    assert 'class="tiles"' not in html and "Pro Santé Connect" not in html


def test_other_means_stand_above_the_password() -> None:
    door = Door(means=[MeansTile("psc", lambda handle: f"/signin/{handle}/psc", "/activation/psc")])
    html = door.client.get(f"{HERE}/password").get_data(as_text=True)
    assert html.index(f'href="{HERE}/psc"') < html.index('name="identifier"')


def test_the_person_chooses_among_the_structures_proposed(door: Door) -> None:
    door.journey.step = Step.STRUCTURE
    door.journey.choices = [
        StructureChoice("fineg:990000010", "IME <Les Tilleuls>"),
        StructureChoice("local:1", "Autre"),
    ]
    page = f"{HERE}/structure"
    assert "IME &lt;Les Tilleuls&gt;" in door.client.get(page).get_data(as_text=True)
    refused = door.send(page, structure="fineg:990000028")
    assert refused.status_code == 422 and 'role="alert"' in refused.get_data(as_text=True)
    assert door.send(page, structure="local:1").headers["Location"] == HERE


def test_whoever_is_signed_in_is_at_home_in_their_account(door: Door) -> None:
    assert "Se connecter" in door.client.get("/").get_data(as_text=True)
    door.gate.session = session()
    door.client.set_cookie("__Host-session", session().handle)
    assert door.client.get("/").headers["Location"] == "/compte"


def test_somebody_signed_in_well_enough_is_not_asked_again(door: Door) -> None:
    door.gate.session = session()
    door.client.set_cookie("__Host-session", session().handle)
    assert door.client.get("/signin").headers["Location"] == "/"


@pytest.mark.spec("OID-17")
def test_the_person_reads_what_the_application_will_receive_and_agrees_or_gives_up(door: Door) -> None:
    door.journey.step = Step.CONSENT
    demand = Demand(client_id="orientation", consent=("openid", "email", "of_the_region"))
    door.journey.txn = replace(door.journey.txn, demand=demand)
    page = f"{HERE}/consent"
    html = door.client.get(page).get_data(as_text=True)
    assert "Orientation recevra" in html
    assert "votre adresse e-mail" in html
    assert "of_the_region" in html  # a scope without words of its own is named, never hidden
    assert "RPPS" not in html
    assert f'action="{HERE}/cancel"' in html
    assert door.send(page).headers["Location"] == HERE
    assert door.journey.txn.agreed_by is not None
