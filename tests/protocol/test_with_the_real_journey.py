"""From /authorize through the real journey and back, on the SQLite ephemeral store: what the rooms promise each other."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.oidc.ports import Person
from gateway.randomness import system_randomness
from gateway.signin.evidence import Evidence, Means
from gateway.signin.gate import Gate
from gateway.signin.journey import Journey, Step
from gateway.signin.session import Session
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from tests.protocol.provider import OTP_SMS, Provider, answer_of, claims_of, error_of, json_of, structure
from tests.unit.signin.world import CONTEXT, World


class Whole:
    """A provider, a journey and a gate on one store; the sign-in pages are played by `walk`."""

    def __init__(self, store: EphemeralStore) -> None:
        world = World()
        self.store = store
        self.provider = Provider(store)
        self.clock = self.provider.clock
        self.world = world
        account = world.claire
        self.provider.people.known[account.id] = Person(
            account.id, True, "Claire", "Fontaine", account.email, True, account.rpps, "declared", None, "fr"
        )
        self.journey = Journey(
            transactions=store.transactions,
            sessions=store.sessions,
            accounts=world.accounts,
            identities=world.identities,
            devices=world.devices,
            factors=world.factors,
            structures=self,
            browsers=world.browsers,
            scale=world.scale,
            policy=world.policy,
            clock=self.clock,
            randomness=system_randomness,
        )
        self.gate = Gate(
            sessions=store.sessions,
            accounts=world.accounts,
            factors=world.factors,
            scale=world.scale,
            policy=world.policy,
            clock=self.clock,
        )
        self.provider.assemble(self.gate, self.journey)

    def structures_of(self, account_id: str, client_id: str, acr: str, now: float) -> list[tuple[str, str]]:
        return [(held.id, held.name) for held in self.provider.people.structures]

    def walk(self, *means: Means, choose: str | None = None):
        """Signs in at the address /authorize gave, as the pages would, and follows the way back."""
        browser = self.provider.browser
        handle = self.address.removeprefix("/signin/")
        cookie = browser.get_cookie("__Host-browser")
        assert cookie is not None
        txn = self.journey.find(handle, browser_cookie=cookie.value)
        proofs = tuple(Evidence(item, self.clock.now()) for item in means)
        account = self.world.claire.id
        txn = replace(txn, account_id=account, evidence=(*txn.evidence, *proofs))
        assert self.store.transactions.save(txn, self.clock.now(), NO_EFFECTS)
        txn = self.journey.find(handle, browser_cookie=cookie.value)
        if choose is not None:
            assert self.journey.next_step(txn, device_id=None) is Step.STRUCTURE
            txn = self.journey.choose_structure(txn, choose)
        self.step = self.journey.next_step(txn, device_id=None)
        if self.step is Step.COMPLETE:
            previous = browser.get_cookie("__Host-session")
            session = self.journey.complete(txn, previous_session=previous.value if previous else None, context=CONTEXT)
            browser.set_cookie("__Host-session", session.handle, domain="localhost", secure=False)
        return browser.get(f"{txn.continuation['resume']}{handle}")

    def ask(self, **changes: str | None):
        response = self.provider.authorize(**changes)
        self.address = response.headers["Location"]
        return response

    def session(self) -> Session:
        cookie = self.provider.browser.get_cookie("__Host-session")
        session = self.gate.find(cookie.value if cookie else None)
        assert session is not None
        return session

    def tokens_for(self, response) -> dict[str, str]:
        answer = self.provider.token(code=answer_of(response)["code"])
        assert answer.status == 200
        return json_of(answer)


BOTH = (Means.PASSWORD, Means.EMAIL_CODE)


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Whole]:
    store = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    yield Whole(store)
    store.close()


def test_signing_in_leads_back_with_a_code_and_the_next_application_asks_nothing(whole):
    whole.ask()
    tokens = whole.tokens_for(whole.walk(*BOTH))
    assert claims_of(tokens["id_token"])["sub"] == whole.world.claire.id
    assert claims_of(tokens["id_token"])["amr"] == ["pwd", "otp"]
    assert "code" in answer_of(whole.ask())
    assert "code" in answer_of(whole.ask(prompt="none"))
    assert whole.session().clients == ("orientation",)


@pytest.mark.spec("OID-14", "LOA-04")
@pytest.mark.parametrize("changes", [{"max_age": "0"}, {"prompt": "login"}, {"prompt": "select_account"}])
def test_a_forced_sign_in_asks_everything_again(whole, changes):
    whole.ask()
    first = claims_of(whole.tokens_for(whole.walk(*BOTH))["id_token"])
    whole.clock.advance(30)
    whole.ask(**changes)
    assert whole.address.startswith("/signin/")
    second = claims_of(whole.tokens_for(whole.walk(*BOTH))["id_token"])
    assert second["auth_time"] == first["auth_time"] + 30


@pytest.mark.spec("LOA-04")
def test_a_step_up_asks_only_what_is_missing_and_says_the_new_level(whole):
    whole.world.change(whole.world.claire, phone="+33600000000", phone_verified_at=1.0)
    whole.ask()
    whole.walk(*BOTH)
    claims = f'{{"id_token":{{"acr":{{"essential":true,"values":["{OTP_SMS}"]}}}}}}'
    assert error_of(whole.ask(claims=claims, prompt="none")) == "interaction_required"
    whole.ask(claims=claims)
    said = claims_of(whole.tokens_for(whole.walk(Means.SMS_CODE))["id_token"])
    assert (said["acr"], said["amr"]) == (OTP_SMS, ["pwd", "sms", "mfa"])


@pytest.mark.spec("LOA-04")
def test_an_essential_level_out_of_reach_ends_in_an_error_for_the_application(whole):
    whole.ask(claims=f'{{"id_token":{{"acr":{{"essential":true,"values":["{OTP_SMS}"]}}}}}}')
    assert error_of(whole.walk(*BOTH)) == "unmet_authentication_requirements"
    assert whole.step is Step.REFUSED


def test_with_several_structures_the_person_chooses_and_rights_follow(whole):
    whole.provider.people.structures = [structure(1), structure(2, roles=("msph.stats",))]
    whole.ask()
    tokens = whole.tokens_for(whole.walk(*BOTH, choose="fineg:990000002"))
    said = claims_of(tokens["access_token"])
    assert (said["structure"], said["roles"]) == ({"id": "fineg:990000002"}, ["msph.stats"])
    assert "code" in answer_of(whole.ask())
    assert "code" in answer_of(whole.ask(structure="fineg:990000001"))


def test_a_structure_that_is_not_held_is_refused_after_the_sign_in(whole):
    whole.ask(structure="fineg:999999999")
    assert error_of(whole.walk(*BOTH)) == "access_denied"


@pytest.mark.spec("SES-06")
def test_logging_out_silences_the_tokens_and_the_session(whole):
    whole.ask()
    tokens = whole.tokens_for(whole.walk(*BOTH))
    provider = whole.provider
    assert provider.userinfo(tokens["access_token"]).status == 200
    assert provider.browser.get(f"/logout?id_token_hint={tokens['id_token']}").status_code == 200
    assert provider.userinfo(tokens["access_token"]).status == 401
    assert error_of(whole.ask(prompt="none")) == "login_required"


@pytest.mark.spec("SES-06")
def test_a_server_that_presents_the_hint_itself_ends_the_session_it_names(whole):
    """As applications written for Keycloak or Pro Santé Connect do: no browser, no cookie. A 2xx must not be a lie."""
    whole.ask()
    tokens = whole.tokens_for(whole.walk(*BOTH))
    provider = whole.provider
    server = provider.browser.application.test_client()
    damaged = tokens["id_token"][:-10] + "AAAAAAAAAA"
    server.get(f"/logout?id_token_hint={damaged}")
    server.get("/logout?client_id=orientation")
    assert provider.userinfo(tokens["access_token"]).status == 200
    whole.clock.advance(1000)  # the hint is over
    assert server.get(f"/logout?id_token_hint={tokens['id_token']}").status_code == 200
    assert error_of(whole.ask(prompt="none")) == "login_required"


def test_the_way_back_is_taken_once(whole):
    whole.ask()
    assert "code" in answer_of(whole.walk(*BOTH))
    again = whole.provider.browser.get("/authorize/resume/" + whole.address.removeprefix("/signin/"))
    assert again.status_code == 400
