"""A sign-in that is too weak or too old for our own resources, and the request that helps (RFC 9470; LOA-04, OID-12)."""

import re
from dataclasses import replace
from typing import Any

import pytest

from gateway.signin.evidence import Means
from gateway.web.machine_door import MachineResponse
from tests.protocol.proofs import SIGNING, asserted, code_fields, post, proof, register
from tests.protocol.provider import OTP_SMS, PWD, Provider, answer_of, claims_of, json_of

HOUR = 3600
RESOURCES = ("/userinfo",)


@pytest.fixture
def provider() -> Provider:
    return Provider()


def declare(provider: Provider, client_id: str = "durable", **changes: Any) -> None:
    """Its file changes while its tokens live."""
    provider.clients.clients[client_id] = replace(provider.clients.clients[client_id], **changes)


def ask(provider: Provider, token: str, path: str = "/userinfo") -> MachineResponse:
    return provider.machine("GET", path, authorization=f"Bearer {token}")


def demanded(answer: MachineResponse) -> dict[str, str]:
    """What the challenge says, by name."""
    assert answer.status == 401, answer.body
    assert json_of(answer) == {"error": "insufficient_user_authentication"}
    assert answer.headers["Cache-Control"] == "no-store"
    return dict(re.findall(r'(\w+)="([^"]*)"', answer.headers["WWW-Authenticate"]))


@pytest.mark.spec("LOA-04", "RFC 9470 §3")
@pytest.mark.parametrize("path", RESOURCES)
def test_a_token_of_a_weaker_sign_in_is_refused_with_the_level_that_helps(provider, path):
    token = provider.begin("durable")["access_token"]
    assert ask(provider, token, path).status == 200
    declare(provider, min_acr=OTP_SMS)
    said = demanded(ask(provider, token, path))
    assert said["error"] == "insufficient_user_authentication"
    assert said["acr_values"] == OTP_SMS
    assert "max_age" not in said


@pytest.mark.spec("LOA-04", "RFC 9470 §3")
@pytest.mark.parametrize("path", RESOURCES)
def test_a_token_of_an_older_sign_in_is_refused_from_its_age_on(provider, path):
    declare(provider, max_authentication_age_seconds=HOUR)
    answer = provider.begin("durable")
    provider.clock.advance(HOUR - 100)
    provider.gate.use(next(iter(provider.ephemeral.sessions)))
    provider.ephemeral.refreshes = {
        name: (replace(state[0], ends_at=1e12), *state[1:]) for name, state in provider.ephemeral.refreshes.items()
    }
    session = next(iter(provider.ephemeral.sessions.values()))
    provider.ephemeral.sessions[session.handle] = replace(session, last_used_at=provider.clock.now())
    refreshed = provider.token(client_id="durable", grant_type="refresh_token", refresh_token=answer["refresh_token"])
    token = json_of(refreshed)["access_token"]
    provider.clock.advance(100)
    assert ask(provider, token, path).status == 200
    provider.clock.advance(1)
    said = demanded(ask(provider, token, path))
    assert said["max_age"] == str(HOUR)
    assert "acr_values" not in said


@pytest.mark.spec("LOA-04", "RFC 9470 §4")
def test_the_request_with_the_parameters_of_the_challenge_succeeds(provider):
    token = provider.begin("durable")["access_token"]
    provider.clock.advance(120)
    declare(provider, min_acr=OTP_SMS, max_authentication_age_seconds=60)
    said = demanded(ask(provider, token))
    wanted = {"acr_values": said["acr_values"], "max_age": said["max_age"]}
    redirect_uri = provider.clients.clients["durable"].redirect_uris[0]
    silently = provider.authorize(client_id="durable", redirect_uri=redirect_uri, prompt="none", **wanted)
    assert answer_of(silently)["error"] == "login_required"
    journey = provider.authorize(client_id="durable", redirect_uri=redirect_uri, **wanted)
    assert journey.headers["Location"].startswith("/signin/"), "the session at hand does not do"
    provider.sign_in(Means.PASSWORD, Means.SMS_CODE)
    answer = answer_of(provider.authorize(client_id="durable", redirect_uri=redirect_uri, **wanted))
    token = json_of(provider.token(client_id="durable", code=answer["code"]))["access_token"]
    assert ask(provider, token).status == 200


@pytest.mark.spec("LOA-04")
def test_a_request_is_held_to_the_age_of_the_clients_file_and_may_only_shorten_it(provider):
    declare(provider, max_authentication_age_seconds=600)
    redirect_uri = provider.clients.clients["durable"].redirect_uris[0]
    provider.sign_in()
    for max_age, age, silent in ((None, 600, True), (None, 601, False), ("9999", 601, False), ("60", 61, False)):
        provider.sign_in()
        provider.clock.advance(age)
        answer = answer_of(
            provider.authorize(client_id="durable", redirect_uri=redirect_uri, prompt="none", max_age=max_age)
        )
        assert ("code" in answer) is silent, (max_age, age)


def test_a_bound_token_is_refused_under_its_own_scheme(provider):
    register(provider, SIGNING)
    fields = {**asserted(), **code_fields(provider, "signataire")}
    token = json_of(post(provider, headers={"dpop": proof(nonce=provider.nonce())}, **fields))["access_token"]
    declare(provider, "signataire", min_acr=OTP_SMS)
    good = proof(token=token, method="GET", path="/userinfo", nonce=provider.nonce())
    answer = provider.machine("GET", "/userinfo", authorization=f"DPoP {token}", dpop=good)
    assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
    assert demanded(answer)["acr_values"] == OTP_SMS


def test_what_is_wrong_with_the_token_itself_is_said_first(provider):
    """A challenge tells what a client demands: to the bearer of one of its good tokens alone."""
    token = provider.begin("durable")["access_token"]
    declare(provider, min_acr=OTP_SMS)
    provider.clock.advance(301)
    assert json_of(ask(provider, token)) == {"error": "invalid_token"}


def test_staying_signed_in_needs_no_stronger_sign_in(provider):
    token = provider.begin("durable")["access_token"]
    declare(provider, min_acr=OTP_SMS)
    assert provider.machine("POST", "/v1/session/activity", authorization=f"Bearer {token}").status == 200


@pytest.mark.spec("LOA-01", "RFC 9068 §2.2.1")
def test_access_tokens_and_introspection_say_level_and_instant_of_the_sign_in(provider):
    provider.sign_in(Means.PASSWORD, Means.SMS_CODE)
    at = int(provider.clock.now())
    provider.clock.advance(30)
    token = provider.tokens()["access_token"]
    for said in (claims_of(token), json_of(provider.form("/introspect", token=token))):
        assert (said["acr"], said["auth_time"]) == (OTP_SMS, at)
    assert PWD != OTP_SMS
