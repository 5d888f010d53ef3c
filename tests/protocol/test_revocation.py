"""POST /revoke (RFC 7009; OID-05, OID-09)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.journal.effects import NO_EFFECTS
from gateway.journal.events import Event, Outcome
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from gateway.web.machine_door import MachineResponse
from tests.protocol.provider import ACCOUNT, Provider, basic, json_of, secret_of

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EphemeralStore]:
    opened = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    yield opened
    opened.close()


@pytest.fixture
def provider(store: EphemeralStore) -> Provider:
    return Provider(store)


def revoke(provider: Provider, token: str | None, client_id: str = "durable", **more: str | None) -> MachineResponse:
    return provider.form("/revoke", client_id=client_id, token=token, **more)


def refused(answer: MachineResponse) -> str:
    assert answer.status in {400, 401}, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    return str(json_of(answer)["error"])


def refreshes(provider: Provider, begun: dict[str, Any], client_id: str = "durable") -> bool:
    answer = provider.token(grant_type="refresh_token", refresh_token=begun["refresh_token"], client_id=client_id)
    return answer.status == 200


def introspects(provider: Provider, token: str, client_id: str = "durable") -> bool:
    return bool(json_of(provider.form("/introspect", client_id=client_id, token=token))["active"])


def journaled(store: EphemeralStore) -> list[Event]:
    return [event for _, event in store.spool.take_events(100)]


# ── what ends ──


@pytest.mark.spec("OID-09")
@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "device_code", "id_token"])
def test_either_token_ends_all_that_its_grant_gave_whatever_the_hint(provider, store, which, hint):
    begun = provider.begin("durable")
    answer = revoke(provider, begun[which], token_type_hint=hint)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    assert not refreshes(provider, begun)
    assert provider.userinfo(begun["access_token"]).status == 401
    assert not introspects(provider, begun["access_token"])
    (line,) = (event for event in journaled(store) if event.name == "token.revoked")
    assert (line.outcome, line.actor, line.client) == (Outcome.SUCCESS, ACCOUNT, "durable")
    assert line.details["token_kind"] == which


@pytest.mark.spec("OID-09")
def test_a_public_client_gives_its_tokens_back_too_from_its_pages(provider):
    begun = provider.begin("mobile")
    assert revoke(provider, begun["refresh_token"], "mobile").status == 200
    assert not refreshes(provider, begun, "mobile")
    said = provider.machine("OPTIONS", "/revoke", origin="https://mobile.example")
    assert said.headers["Access-Control-Allow-Origin"] == "https://mobile.example"
    said = provider.machine("OPTIONS", "/revoke", origin="https://durable.example")
    assert "Access-Control-Allow-Origin" not in said.headers


def test_a_spent_refresh_token_of_its_own_client_ends_the_family_too(provider):
    begun = provider.begin("durable")
    turn = json_of(
        provider.token(grant_type="refresh_token", refresh_token=begun["refresh_token"], client_id="durable")
    )
    provider.clock.advance(60)
    assert revoke(provider, begun["refresh_token"]).status == 200
    assert not refreshes(provider, turn)


def test_the_session_and_other_grants_live_on(provider, store):
    one, other = provider.begin("durable"), provider.begin("durable")
    revoke(provider, one["refresh_token"])
    assert refreshes(provider, other)
    assert store.sessions.find(next(iter(provider.ephemeral.sessions)), provider.clock.now()) is not None


def test_a_service_gives_back_one_token_and_its_others_live(provider, store):
    one, other = (
        json_of(provider.token(grant_type="client_credentials", client_id="service"))["access_token"] for _ in range(2)
    )
    assert introspects(provider, one, "service")
    assert revoke(provider, one, "service").status == 200
    assert not introspects(provider, one, "service")
    assert introspects(provider, other, "service")
    assert [event.name for event in journaled(store)].count("token.revoked") == 1


# ── what changes nothing ──


def test_what_is_dead_or_was_never_alive_is_as_dead_as_was_asked(provider, store):
    begun = provider.begin("durable")
    grant, generation, secret, tag, facts = begun["refresh_token"].split(".")
    for unknown in (
        "x",
        "a.b.c",
        "x" * 40_000,
        "é",
        f"{grant}.{generation}.{secret}.{'A' * 22}",
        f"{grant}.0.{'A' * 43}.{tag}",
        f"{grant}.0.{'A' * 43}.{tag}.{facts}",
        begun["access_token"][:-6] + "AAAAAA",
        begun["id_token"],
        grant,
    ):
        answer = revoke(provider, unknown)
        assert (answer.status, answer.body) == (200, b""), unknown
    assert refreshes(provider, begun)
    assert "token.revoked" not in [event.name for event in journaled(store)]


def test_an_access_token_that_is_over_ends_nothing(provider):
    """It may have leaked long ago: it must not be worth a family."""
    begun = provider.begin("durable")
    provider.clock.advance(300)
    assert revoke(provider, begun["access_token"]).status == 200
    assert refreshes(provider, begun)


def test_revoking_twice_is_no_error_and_told_once(provider, store):
    begun = provider.begin("durable")
    for which in ("refresh_token", "refresh_token", "access_token"):
        assert revoke(provider, begun[which]).status == 200
    assert [event.name for event in journaled(store)].count("token.revoked") == 1


def test_a_token_whose_session_ended_is_no_error(provider, store):
    begun = provider.begin("durable")
    store.sessions.end(next(iter(provider.ephemeral.sessions)), provider.clock.now(), NO_EFFECTS)
    assert revoke(provider, begun["refresh_token"]).status == 200


@pytest.mark.spec("OID-09")
def test_of_refreshes_that_race_a_revocation_none_survives_it(provider, store):
    begun = provider.begin("durable")

    def one(number: int) -> MachineResponse:
        if number % 4 == 2:
            return revoke(provider, begun["refresh_token"])
        return provider.token(grant_type="refresh_token", refresh_token=begun["refresh_token"], client_id="durable")

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(one, range(20)))
    given = [json_of(answer) for answer in answers if answer.status == 200 and answer.body]
    assert not refreshes(provider, begun)
    assert not any(refreshes(provider, one) for one in given)
    names = [event.name for event in journaled(store)]
    assert names.count("token.revoked") == 1
    assert "token.refresh_reused" not in names


# ── who may ask ──


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
@pytest.mark.parametrize("client_id", ["autre", "mobile", "service"])
def test_the_token_of_another_client_is_refused_and_lives_on(provider, store, which, client_id):
    begun = provider.begin("durable")
    assert refused(revoke(provider, begun[which], client_id)) == "invalid_grant"
    assert refreshes(provider, begun)
    (line,) = (event for event in journaled(store) if event.name == "token.revocation_refused")
    assert (line.outcome, line.client) == (Outcome.REFUSED, client_id)


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize(
    ("proof", "fields"),
    [
        ({}, {}),
        ({}, {"client_id": "durable"}),
        ({"authorization": basic("durable", "wrong" * 9)}, {}),
        ({"authorization": basic("nobody", "wrong" * 9)}, {}),
        ({}, {"client_id": "durable", "client_secret": secret_of("durable")}),
    ],
    ids=["nothing", "no proof", "wrong secret", "unknown client", "another method"],
)
def test_a_client_that_does_not_prove_itself_revokes_nothing(provider, store, proof, fields):
    begun = provider.begin("durable")
    body = urlencode({"token": begun["refresh_token"], **fields}).encode()
    answer = provider.machine("POST", "/revoke", body=body, content_type=FORM, **proof)
    assert (answer.status, refused(answer)) == (401, "invalid_client")
    assert ("WWW-Authenticate" in answer.headers) == bool(proof)
    assert refreshes(provider, begun)
    assert "client.refused" in [event.name for event in journaled(store)]


def test_a_client_proves_itself_in_one_way(provider):
    begun = provider.begin("durable")
    answer = revoke(provider, begun["refresh_token"], client_secret=secret_of("durable"))
    assert refused(answer) == "invalid_request"
    assert refreshes(provider, begun)


# ── malformed requests ──


@pytest.mark.parametrize("token", [None, ""])
def test_a_missing_token_is_said(provider, token):
    assert refused(revoke(provider, token)) == "invalid_request"


@pytest.mark.parametrize("name", ["token", "token_type_hint", "client_id", "unheard_of"])
def test_no_parameter_comes_twice(provider, name):
    begun = provider.begin("durable")
    fields = {"token": begun["refresh_token"], "token_type_hint": "refresh_token", "unheard_of": "x"}
    answer = provider.form("/revoke", (name, "other"), (name, ""), client_id="durable", **fields)
    assert refused(answer) == "invalid_request"
    assert refreshes(provider, begun)


def test_it_is_a_form_in_the_body_of_a_post(provider):
    proof = {"authorization": basic("durable", secret_of("durable"))}
    token = provider.begin("durable")["refresh_token"]
    asked = f"token={token}".encode()
    assert provider.machine("GET", "/revoke", query=asked, **proof).status == 405
    answer = provider.machine("POST", "/revoke", query=asked, body=asked, content_type=FORM, **proof)
    assert refused(answer) == "invalid_request"
    for wrong in ("application/json", "multipart/form-data", "text/plain", ""):
        answer = provider.machine("POST", "/revoke", body=asked, content_type=wrong, **proof)
        assert refused(answer) == "invalid_request"
    answer = provider.machine("POST", "/revoke", body=asked + b"&%ff=\xff", content_type=FORM, **proof)
    assert refused(answer) == "invalid_request"
    answer = provider.machine("POST", "/revoke", body=b"&".join([asked, b"a=1"] + [b"p%d=1" % n for n in range(64)]),
                              content_type=FORM, **proof)  # fmt: skip
    assert refused(answer) == "invalid_request"


@pytest.fixture(scope="module")
def fuzzed() -> tuple[Provider, dict[str, Any]]:
    """A provider that all examples share, and the tokens of one of its clients."""
    made = Provider()
    return made, made.begin("durable")


_parts = st.lists(
    st.sampled_from(["<refresh>", "<access>", "token", "token_type_hint", "=", "&", "%", ".", "\x00", "client_id"]),
    max_size=8,
).map(lambda parts: "".join(parts).encode())


@settings(max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(body=st.one_of(st.binary(max_size=300), _parts))
@pytest.mark.parametrize("path", ["/revoke", "/introspect"])
def test_no_body_breaks_it(fuzzed, path, body):
    """Another client sends them: whatever it says, nothing of the first one ends, and nothing is told."""
    provider, begun = fuzzed
    body = body.replace(b"<refresh>", begun["refresh_token"].encode()).replace(
        b"<access>", begun["access_token"].encode()
    )
    proof = basic("autre", secret_of("autre"))
    answer = provider.machine("POST", path, body=body, content_type=FORM, authorization=proof)
    assert answer.status in {200, 400, 401}
    if answer.status == 200:
        assert answer.body in {b"", b'{"active":false}'}
    else:
        assert set(json_of(answer)) == {"error", "error_description"}
    assert len(provider.ephemeral.grants) == 1
