"""The pages of linking: what they show of an identity and of an account, what they send, and where they lead."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from gateway.accounts.identity_link import IdentityLink, LinkKind, LinkProof
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.journey import SituationNotTold, Step
from gateway.signin.linking import pages as linking_pages
from gateway.signin.linking.confirmation import LinkPreview
from gateway.signin.linking.identity import ProvedIdentity
from gateway.signin.linking.refusals import LinkRefused
from gateway.signin.pages import JourneyPages
from gateway.signin.transaction import SigninTransaction
from tests.unit.web.world import CAMILLE, HANDLE, LINK, NOW, Door, ScriptedClients

HERE = f"/signin/{HANDLE}"
MARKUP = "<script>alert(1)</script>"
HOLDER = ProvedIdentity(
    kind=LinkKind.PSC,
    issuer="https://psc.example",
    subject="f:1:899900000011",
    national_id="899900000011",
    rpps="99900000011",
    family_name="BENALI",
    given_name="NADIA",
    profession="60^1.2.250.1.71.1.2.7",
    proved_at=NOW,
    expires_at=NOW + 3600,
)
TOLD = [
    {"profession": "60", "mode": "S", "structure_name": "Foyer fictif", "structure_ids": ["fineg:990000010"]},
    {"profession": "99", "mode": "", "structure_name": MARKUP, "structure_ids": []},
]


class ScriptedLinking:
    def __init__(self) -> None:
        self.who = HOLDER
        self.account = "camille.duval"
        self.binding = "b1"
        self.activation = False
        self.refusal: Exception | None = None
        self.done: list[str] = []

    def holder(self, _txn: SigninTransaction) -> ProvedIdentity:
        return self.who

    def choose_existing(self, txn: SigninTransaction) -> SigninTransaction:
        self.done.append("existing")
        return txn

    def give_up(self, txn: SigninTransaction) -> SigninTransaction:
        self.done.append("gave up")
        return txn

    def preview(self, _txn: SigninTransaction) -> LinkPreview:
        return LinkPreview(
            holder_family_name=self.who.family_name,
            holder_given_name=self.who.given_name,
            kind=self.who.kind.value,
            account_username=self.account,
            account_email_masked="c•••@d•••.test",
            activation=self.activation,
            binding=self.binding,
        )

    def confirm(self, txn: SigninTransaction, _context: Any) -> SigninTransaction:
        if self.refusal is not None:
            raise self.refusal
        self.done.append("confirmed")
        return txn


class ScriptedDisputes:
    def __init__(self) -> None:
        self.live = {LINK}
        self.said: list[str] = []

    def inspect(self, token: str) -> IdentityLink:
        if token not in self.live:
            raise LinkGone("private detail")
        return IdentityLink(
            id="l",
            account_id=CAMILLE.id,
            kind=LinkKind.PSC,
            issuer=HOLDER.issuer,
            subject=HOLDER.subject,
            national_id=HOLDER.national_id,
            rpps=HOLDER.rpps,
            proof=LinkProof.CREDENTIALS,
            created_at=NOW,
            last_used_at=NOW,
        )

    def not_me(self, token: str, _context: Any) -> None:
        self.inspect(token)
        self.said.append(token)


class LinkingDoor(Door):
    def __init__(self) -> None:
        super().__init__()
        self.linking, self.disputes = ScriptedLinking(), ScriptedDisputes()
        self.situations: list[int] = []
        journey: Any = self.journey
        journey.choose_situation, journey.person = self._choose, lambda _txn: "Camille Duval"
        fakes: dict[str, Any] = {"g": self.gate, "c": ScriptedClients(), "l": self.linking, "d": self.disputes}
        shared = JourneyPages(shell=self.shell, journey=journey, gate=fakes["g"], clients=fakes["c"])
        self.app.register_blueprint(linking_pages.pages(shared, fakes["l"]))
        self.app.register_blueprint(linking_pages.dispute_pages(shared, fakes["d"]))

    def _choose(self, txn: SigninTransaction, place: int) -> SigninTransaction:
        if not 0 <= place < len(TOLD):
            raise SituationNotTold("private detail")
        self.situations.append(place)
        return txn

    def at(self, step: Step, **changes: Any) -> "LinkingDoor":
        self.journey.step = step
        self.journey.txn = replace(self.journey.txn, **changes)
        return self

    def html(self, page: str) -> str:
        response = self.client.get(f"{HERE}/{page}")
        assert response.status_code == 200, response.headers
        return response.get_data(as_text=True)


@pytest.fixture
def door() -> LinkingDoor:
    return LinkingDoor()


PAGES = {"link": Step.LINK, "identity": Step.IDENTITY, "confirm_link": Step.CONFIRM_LINK, "situation": Step.SITUATION}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_out_of_turn_sends_to_the_dispatcher_and_does_nothing(door: LinkingDoor, page: str) -> None:
    door.at(Step.CODE)
    response = door.client.get(f"{HERE}/{page}")
    assert (response.status_code, response.headers["Location"]) == (303, HERE)
    assert door.linking.done == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_another_browser_is_gone(door: LinkingDoor, page: str) -> None:
    door.at(PAGES[page])
    assert door.browser("c" * 43).get(f"{HERE}/{page}").status_code == 410


@pytest.mark.spec("WEB-03", "LNK-03")
@pytest.mark.parametrize("page", ["link", "confirm_link", "situation", "link/give-up"])
def test_a_form_without_its_token_does_nothing(door: LinkingDoor, page: str) -> None:
    door.at(PAGES.get(page, Step.LINK))
    fields = {"choice": "existing", "situation": "0", "form_token": "A" * 43}
    assert door.client.post(f"{HERE}/{page}", data=fields).status_code == 403
    assert door.linking.done == [] and door.situations == []


def test_the_choice_names_whom_the_means_proved_and_nobody_else(door: LinkingDoor) -> None:
    html = door.at(Step.LINK).html("link")
    assert "NADIA BENALI" in html
    for unsaid in ("99900000011", "psc.example", "camille", "duval"):
        assert unsaid not in html, unsaid


@pytest.mark.spec("WEB-01")
@pytest.mark.parametrize("page", ["link", "confirm_link"])
def test_a_name_is_never_markup(door: LinkingDoor, page: str) -> None:
    door.linking.who = replace(HOLDER, given_name=MARKUP, family_name="\"'&<b>")
    html = door.at(PAGES[page]).html(page)
    assert MARKUP not in html and "<b>" not in html
    assert MARKUP in unescape(html)


def test_i_have_an_account_goes_on(door: LinkingDoor) -> None:
    response = door.at(Step.LINK).send(f"{HERE}/link", choice="existing")
    assert (response.status_code, response.headers["Location"], door.linking.done) == (303, HERE, ["existing"])


def test_i_have_none_says_whom_to_ask_and_leads_back(door: LinkingDoor) -> None:
    response = door.at(Step.LINK).send(f"{HERE}/link", choice="none")
    html = response.get_data(as_text=True)
    assert response.status_code == 200
    assert f'href="{HERE}"' in html and "appui@demo.passerelle.test" in html
    assert door.linking.done == []


@pytest.mark.parametrize("choice", ["", "both", "EXISTING"])
def test_no_choice_is_asked_again_in_words(door: LinkingDoor, choice: str) -> None:
    response = door.at(Step.LINK).send(f"{HERE}/link", choice=choice)
    assert response.status_code == 422
    assert 'role="alert"' in response.get_data(as_text=True)
    assert door.linking.done == []


def test_without_passwords_there_is_no_account_to_prove(door: LinkingDoor) -> None:
    journey: Any = door.journey
    journey.links_by_credentials = False
    html = door.at(Step.LINK).html("link")
    assert 'value="existing"' not in html and 'value="none"' in html
    assert door.send(f"{HERE}/link", choice="existing").status_code == 422


def test_giving_up_goes_on_without_linking(door: LinkingDoor) -> None:
    door.at(Step.CONFIRM_LINK)
    response = door.send(f"{HERE}/confirm_link", action=f"{HERE}/link/give-up")
    assert (response.headers["Location"], door.linking.done) == (HERE, ["gave up"])


def test_an_old_identity_is_proved_again_by_the_same_means(door: LinkingDoor) -> None:
    assert f'href="{HERE}/psc?afresh"' in door.at(Step.IDENTITY).html("identity")
    door.linking.who = replace(HOLDER, kind=LinkKind.CARD)
    assert f'href="{HERE}/card?afresh"' in door.html("identity")


@pytest.mark.spec("LNK-03")
def test_the_confirmation_names_holder_and_masked_account(door: LinkingDoor) -> None:
    html = door.at(Step.CONFIRM_LINK).html("confirm_link")
    for said in ("NADIA BENALI", "camille.duval", "c•••@d•••.test"):
        assert said in html, said
    assert CAMILLE.email not in html and "99900000011" not in html


@pytest.mark.spec("LNK-03")
def test_the_form_counts_for_what_it_named_alone(door: LinkingDoor) -> None:
    door.at(Step.CONFIRM_LINK)
    token = door.token(door.client, f"{HERE}/confirm_link")
    door.linking.binding = "b2"
    assert door.client.post(f"{HERE}/confirm_link", data={"form_token": token}).status_code == 403
    assert door.linking.done == []
    assert door.send(f"{HERE}/confirm_link").headers["Location"] == HERE
    assert door.linking.done == ["confirmed"]


def test_an_activation_offers_no_way_to_go_on_without(door: LinkingDoor) -> None:
    door.linking.activation = True
    assert "/link/give-up" not in door.at(Step.CONFIRM_LINK).html("confirm_link")


@pytest.mark.spec("LNK-13")
def test_a_refused_link_says_one_thing_whatever_the_reason(door: LinkingDoor) -> None:
    def shown(reason: str) -> str:
        door.linking.refusal = LinkRefused(reason)
        response = door.at(Step.CONFIRM_LINK).send(f"{HERE}/confirm_link")
        assert response.status_code == 422
        html = response.get_data(as_text=True)
        assert reason not in html
        assert re.search(r'incident-number">[A-Z2-7]{4}-[A-Z2-7]{4}<', html)
        return re.sub(r'[A-Z2-7]{4}-[A-Z2-7]{4}|(nonce|value)="[^"]+"', "", html)

    assert shown("names_differ") == shown("rpps_elsewhere") == shown("account_has_other_rpps") == shown("taken")


def test_an_activation_link_that_died_meanwhile_leads_to_its_page(door: LinkingDoor) -> None:
    door.linking.refusal = LinkGone("used")
    assert door.at(Step.CONFIRM_LINK).send(f"{HERE}/confirm_link").headers["Location"] == "/activation"


# ── the situation ──


def with_situations(door: LinkingDoor) -> LinkingDoor:
    return door.at(Step.SITUATION, extra={"upstream": {"situations": TOLD, "situation": None}})


@pytest.mark.spec("PSC-R15")
def test_every_situation_is_a_choice_in_words(door: LinkingDoor) -> None:
    html = with_situations(door).html("situation")
    assert re.findall(r'type="radio"[^>]*value="(\d+)"', html) == ["0", "1"]
    assert html.count("<legend>") == 1 and "Foyer fictif" in html
    assert MARKUP not in html and MARKUP in unescape(html)


@pytest.mark.spec("PSC-R15")
@pytest.mark.parametrize("place", ["0", "1"])
def test_the_chosen_one_reaches_the_rules(door: LinkingDoor, place: str) -> None:
    assert with_situations(door).send(f"{HERE}/situation", situation=place).headers["Location"] == HERE
    assert door.situations == [int(place)]


@pytest.mark.spec("PSC-R15")
@pytest.mark.parametrize("place", ["2", "-1", "", "01x", "²", "٣", "9" * 40, "0 ", "1.0"])
def test_one_that_was_not_told_is_refused_in_words(door: LinkingDoor, place: str) -> None:
    response = with_situations(door).send(f"{HERE}/situation", situation=place)
    assert response.status_code == 422
    assert 'role="alert"' in response.get_data(as_text=True)
    assert door.situations == []


# ── it was not me ──


@pytest.mark.spec("RST-05", "LNK-09")
def test_the_mails_link_leaves_the_address_bar_and_looking_does_nothing(door: LinkingDoor) -> None:
    response = door.client.get(f"/not_me/{LINK}")
    assert (response.status_code, response.headers["Location"]) == (303, "/not_me")
    html = door.client.get("/not_me").get_data(as_text=True)
    assert 'action="/not_me"' in html and LINK not in html
    assert door.disputes.said == []


@pytest.mark.spec("LNK-09")
def test_saying_so_is_told_and_the_link_is_forgotten(door: LinkingDoor) -> None:
    door.client.get(f"/not_me/{LINK}")
    response = door.send("/not_me")
    assert (response.headers["Location"], door.disputes.said) == ("/not_me?done", [LINK])
    assert door.client.get("/not_me?done").status_code == 200
    assert door.client.get("/not_me").status_code == 410


@pytest.mark.parametrize("token", ["short", "x" * 101, "M" * 43, "%00" * 20])
def test_an_unknown_link_is_gone(door: LinkingDoor, token: str) -> None:
    door.client.get(f"/not_me/{token}")
    assert door.client.get("/not_me").status_code == 410
    assert door.client.post("/not_me", data={}).status_code == 403


def test_a_link_of_another_purpose_says_nothing_here(door: LinkingDoor) -> None:
    door.client.set_cookie("__Host-link", f"reset.{LINK}", domain="localhost")
    assert door.client.get("/not_me").status_code == 410
