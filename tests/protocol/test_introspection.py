"""POST /introspect (RFC 7662, RFC 9701; OID-05, TOK-04, TOK-06, TOK-08)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jws

from gateway.applications.client import ClientAuthenticationMethod
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.signing_key import Algorithm
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from gateway.web.machine_door import MachineResponse
from tests.protocol.provider import (
    ACCOUNT,
    ISSUER,
    Provider,
    basic,
    claims_of,
    header_of,
    json_of,
    secret_of,
    structure,
)

FORM = "application/x-www-form-urlencoded"
JWT = "application/token-introspection+jwt"
DEAD = {"active": False}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EphemeralStore]:
    opened = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    yield opened
    opened.close()


@pytest.fixture
def provider(store: EphemeralStore) -> Provider:
    return Provider(store)


def ask(provider: Provider, token: str | None, client_id: str = "durable", **more: str | None) -> MachineResponse:
    return provider.form("/introspect", client_id=client_id, token=token, **more)


def told(provider: Provider, token: str, client_id: str = "durable") -> dict[str, Any]:
    answer = ask(provider, token, client_id)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    return json_of(answer)


def change(provider: Provider, client_id: str, **values: Any) -> None:
    clients = provider.clients.clients
    clients[client_id] = replace(clients[client_id], **values)


# ── what is told ──


@pytest.mark.spec("TOK-06")
def test_a_living_access_token_is_told_with_the_rights_of_this_instant(provider):
    token = provider.begin("durable", scope="openid profile ror")["access_token"]
    claims = claims_of(token)
    said = told(provider, token)
    for name in ("iss", "sub", "aud", "client_id", "iat", "exp", "jti", "acr", "amr", "auth_time", "sid"):
        assert said[name] == claims[name]
    assert said["active"] is True
    assert (said["token_type"], said["scope"]) == ("Bearer", "openid profile ror")
    assert said["structures_total"] == 1
    assert not {"name", "given_name", "email", "rpps", "professions"} & set(said)


@pytest.mark.spec("TOK-06")
def test_a_right_lost_or_won_shows_at_once(provider):
    token = provider.begin("durable", scope="openid ror", structure="fineg:990000001")["access_token"]
    assert told(provider, token)["roles"] == ["msph.notif"]
    provider.people.structures = [structure(2)]
    said = told(provider, token)
    assert (said["roles"], said["entitlements"]) == ([], [])
    assert [item["id"] for item in said["structures"]] == ["fineg:990000002"]
    provider.people.structures = []
    assert told(provider, token)["structures"] == []


@pytest.mark.spec("TOK-08")
def test_rights_that_did_not_fit_in_the_token_are_all_told(provider):
    provider.people.structures = [structure(number) for number in range(1, 501)]
    token = provider.begin("durable", scope="openid ror", structure="fineg:990000001")["access_token"]
    assert len(token) <= 8192
    assert len(claims_of(token)["structures"]) < 500
    said = told(provider, token)
    assert len(said["structures"]) == said["structures_total"] == 500
    assert said["structures_truncated"] is False


def test_no_right_is_told_without_its_scope(provider):
    assert "structures" not in told(provider, provider.begin("durable", scope="openid profile")["access_token"])


def test_a_living_refresh_token_is_told_to_its_own_client(provider):
    begun = provider.begin("durable", scope="openid ror")
    now = int(provider.clock.now())
    assert told(provider, begun["refresh_token"]) == {
        "active": True,
        "iss": ISSUER,
        "sub": ACCOUNT,
        "client_id": "durable",
        "scope": "openid ror",
        "exp": now + 1800,
    }


def test_the_token_of_a_service_is_told_to_its_resource_server(provider):
    token = json_of(provider.token(grant_type="client_credentials", client_id="service"))["access_token"]
    said = told(provider, token, "service")
    assert (said["active"], said["sub"], said["scope"]) == (True, "service", "directory_read stats_read")
    assert not {"acr", "sid", "roles"} & set(said)


def test_a_resource_server_asks_about_tokens_issued_to_an_application_of_its_own(provider):
    token = provider.begin("facade")["access_token"]
    assert told(provider, token, "relais")["client_id"] == "facade"


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "id_token", "nonsense"])
def test_a_wrong_hint_does_no_harm(provider, hint):
    begun = provider.begin("durable")
    for which in ("access_token", "refresh_token"):
        assert json_of(ask(provider, begun[which], token_type_hint=hint))["active"] is True


def test_asking_writes_nothing_and_uses_nothing_up(provider, store):
    begun = provider.begin("durable")
    before = [name for name, _ in store.spool.take_events(100)]
    for _ in range(3):
        told(provider, begun["access_token"])
        told(provider, begun["refresh_token"])
    assert [name for name, _ in store.spool.take_events(100)] == before
    assert provider.token(grant_type="refresh_token", refresh_token=begun["refresh_token"], client_id="durable").body


def test_the_happy_path_makes_one_trip_to_the_store(provider, store):
    begun = provider.begin("durable")
    service = json_of(provider.token(grant_type="client_credentials", client_id="service"))["access_token"]
    counted: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> Any:
            counted.append(name)
            return getattr(store.grants, name)

    provider.store = replace(store, grants=Counting())
    provider.assemble(provider.gate, provider.journey)
    told(provider, begun["access_token"])
    told(provider, begun["refresh_token"])
    told(provider, service, "service")
    assert counted == ["find_grant", "find_refresh", "is_silenced"]


# ── what is dead, and nothing else is told ──


@pytest.mark.spec("TOK-06", "OID-09")
@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize(
    "end", ["session ended", "session idle", "grant revoked", "account locked", "client withdrawn"]
)
def test_what_hangs_on_something_dead_is_dead(provider, store, which, end):
    begun = provider.begin("durable")
    assert told(provider, begun[which])["active"] is True
    match end:
        case "session ended":
            store.sessions.end(next(iter(provider.ephemeral.sessions)), provider.clock.now(), NO_EFFECTS)
        case "session idle":
            provider.clock.advance(1800)
        case "grant revoked":
            provider.form("/revoke", client_id="durable", token=begun["access_token"])
        case "account locked":
            provider.people.known[ACCOUNT] = replace(provider.people.known[ACCOUNT], active=False)
        case "client withdrawn":
            change(provider, "autre", audience="https://durable.example/api")
            del provider.clients.clients["durable"]
    asker = "autre" if end == "client withdrawn" else "durable"
    assert told(provider, begun[which], asker) == DEAD


def test_an_access_token_is_dead_at_its_end_and_not_a_second_before(provider):
    token = provider.begin("durable")["access_token"]
    provider.clock.advance(299.999)
    assert told(provider, token)["active"] is True
    provider.clock.advance(0.001)
    assert told(provider, token) == DEAD


@pytest.mark.spec("OID-09")
def test_a_refresh_token_is_dead_once_spent_and_asking_about_it_ends_nothing(provider):
    begun = provider.begin("durable")
    turn = json_of(
        provider.token(grant_type="refresh_token", refresh_token=begun["refresh_token"], client_id="durable")
    )
    provider.clock.advance(60)
    assert told(provider, begun["refresh_token"]) == DEAD
    assert told(provider, turn["refresh_token"])["active"] is True


@pytest.mark.spec("OID-09")
def test_a_refresh_token_is_dead_when_it_was_not_used_for_too_long_or_its_client_may_use_none(provider, store):
    token = provider.begin("durable")["refresh_token"]
    change(provider, "durable", refresh_tokens=False)
    assert told(provider, token) == DEAD
    change(provider, "durable", refresh_tokens=True)
    session = next(iter(provider.ephemeral.sessions))
    provider.clock.advance(1799)
    store.sessions.use(session, provider.clock.now())
    assert told(provider, token)["active"] is True
    provider.clock.advance(1)
    assert told(provider, token) == DEAD


@pytest.mark.spec("OID-10")
def test_a_scope_that_the_file_no_longer_gives_is_not_told(provider):
    token = provider.begin("durable", scope="openid profile ror")["access_token"]
    change(provider, "durable", scopes=frozenset({"openid", "profile"}))
    said = told(provider, token)
    assert said["scope"] == "openid profile"
    assert "roles" not in said
    service = json_of(provider.token(grant_type="client_credentials", client_id="service"))["access_token"]
    change(provider, "service", service_scopes=frozenset({"stats_read"}))
    assert told(provider, service, "service")["scope"] == "stats_read"
    change(provider, "service", service_scopes=frozenset())
    assert told(provider, service, "service") == DEAD


@pytest.mark.spec("TOK-04")
@pytest.mark.parametrize("client_id", ["autre", "service", "orientation", "postant", "facade"])
def test_nothing_is_told_to_another_client(provider, client_id):
    begun = provider.begin("durable")
    assert told(provider, begun["access_token"], client_id) == DEAD
    assert told(provider, begun["refresh_token"], client_id) == DEAD


def test_the_refresh_token_of_an_application_is_not_its_resource_servers_to_know(provider):
    assert told(provider, provider.begin("facade")["refresh_token"], "relais") == DEAD


@pytest.mark.spec("TOK-03")
def test_what_is_no_token_of_ours_is_dead(provider):
    begun = provider.begin("durable")
    claims = claims_of(begun["access_token"])
    forged = [
        provider.signer.sign(claims, typ="JWT", algorithm=Algorithm.ES256),
        provider.signer.sign({**claims, "iss": "https://evil.example"}, typ="at+jwt", algorithm=Algorithm.ES256),
        provider.signer.sign({**claims, "jti": "0" * 44 + ".x"}, typ="at+jwt", algorithm=Algorithm.ES256),
        provider.signer.sign({**claims, "client_id": "nobody"}, typ="at+jwt", algorithm=Algorithm.ES256),
        provider.signer.sign({**claims, "client_id": "autre"}, typ="at+jwt", algorithm=Algorithm.ES256),
        begun["access_token"][:-6] + "AAAAAA",
        begun["id_token"],
        "x",
        "a.b.c",
        "é",
        "x" * 40_000,
    ]
    for token in forged:
        assert told(provider, token) == DEAD, token[:40]


# ── who may ask ──


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize(
    ("proof", "fields"),
    [
        ({}, {}),
        ({}, {"client_id": "durable"}),
        ({"authorization": basic("durable", "wrong" * 9)}, {}),
        ({"authorization": basic("nobody", "wrong" * 9)}, {}),
        ({"authorization": "Bearer x"}, {}),
        ({}, {"client_id": "durable", "client_secret": secret_of("durable")}),
        ({}, {"client_id": "mobile"}),
    ],
    ids=["nothing", "no proof", "wrong secret", "unknown client", "bearer", "another method", "public client"],
)
def test_only_a_client_that_proves_itself_is_told_anything(provider, store, proof, fields):
    token = provider.begin("durable")["access_token"]
    body = urlencode({"token": token, **fields}).encode()
    answer = provider.machine("POST", "/introspect", body=body, content_type=FORM, **proof)
    assert (answer.status, json_of(answer)["error"]) == (401, "invalid_client")
    assert ("WWW-Authenticate" in answer.headers) == bool(proof)
    assert "client.refused" in [event.name for _, event in store.spool.take_events(100)]


@pytest.mark.spec("OID-05")
def test_a_public_client_is_told_nothing_even_of_its_own_tokens(provider):
    token = provider.begin("mobile")["access_token"]
    answer = ask(provider, token, "mobile")
    assert (answer.status, json_of(answer)["error"]) == (401, "invalid_client")
    change(provider, "durable", audience="https://mobile.example/api")
    assert told(provider, token)["active"] is True, "its resource server is another client"


@pytest.mark.spec("WEB-05")
def test_no_page_of_another_origin_may_ask(provider):
    assert provider.machine("OPTIONS", "/introspect", origin="https://mobile.example").status == 405
    answer = provider.machine("POST", "/introspect", content_type=FORM, origin="https://mobile.example")
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


# ── malformed requests ──


@pytest.mark.parametrize("token", [None, ""])
def test_a_missing_token_is_said(provider, store, token):
    answer = ask(provider, token)
    assert (answer.status, json_of(answer)["error"]) == (400, "invalid_request")
    assert [event.name for _, event in store.spool.take_events(100)] == ["token.introspection_refused"]


@pytest.mark.parametrize("name", ["token", "token_type_hint", "unheard_of"])
def test_no_parameter_comes_twice(provider, name):
    fields = {"token": "x", "token_type_hint": "access_token", "unheard_of": "x"}
    answer = provider.form("/introspect", (name, ""), client_id="durable", **fields)
    assert (answer.status, json_of(answer)["error"]) == (400, "invalid_request")


def test_it_is_a_form_in_the_body_of_a_post(provider):
    proof = {"authorization": basic("durable", secret_of("durable"))}
    asked = f"token={provider.begin('durable')['access_token']}".encode()
    assert provider.machine("GET", "/introspect", query=asked, **proof).status == 405
    for query, body, content_type in (
        (asked, asked, FORM),
        (asked, b"", FORM),
        (b"", asked, "application/json"),
        (b"", asked, ""),
        (b"", asked + b"&a=\xff", FORM),
        (b"", asked + b"&a=%ff", FORM),
    ):
        answer = provider.machine("POST", "/introspect", query=query, body=body, content_type=content_type, **proof)
        assert (answer.status, json_of(answer)["error"]) == (400, "invalid_request")


# ── signed (RFC 9701) ──


@pytest.mark.parametrize("accept", [JWT, f"application/json;q=0.5, {JWT.upper()} ; q=1"])
def test_the_answer_is_signed_for_who_asks_when_that_is_asked(provider, accept):
    token = provider.begin("durable", scope="openid ror")["access_token"]
    answer = ask(provider, token, accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (200, JWT)
    assert answer.headers["Cache-Control"] == "no-store"
    key = provider.ring.verifying(header_of(answer.body.decode())["kid"])
    claims = json.loads(jws.deserialize_compact(answer.body, key.key, algorithms=["ES256"]).payload)
    assert header_of(answer.body.decode())["typ"] == "token-introspection+jwt"
    assert header_of(answer.body.decode())["alg"] == "ES256"
    assert set(claims) == {"iss", "aud", "iat", "token_introspection"}
    assert (claims["iss"], claims["aud"], claims["iat"]) == (ISSUER, "durable", int(provider.clock.now()))
    assert claims["token_introspection"] == told(provider, token)


def test_a_signed_answer_about_a_dead_token_says_no_more(provider):
    answer = ask(provider, "x", accept=JWT)
    assert claims_of(answer.body.decode())["token_introspection"] == DEAD


@pytest.mark.spec("TOK-03")
def test_a_signed_answer_is_no_access_token_and_no_id_token(provider):
    token = provider.begin("durable")["access_token"]
    signed = ask(provider, token, accept=JWT).body.decode()
    assert provider.userinfo(signed).status == 401
    assert told(provider, signed) == DEAD


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/json", "application/jwt", "", "nonsense"])
def test_anything_else_gets_json(provider, accept):
    assert ask(provider, "x", accept=accept).headers["Content-Type"] == "application/json"


def test_a_refusal_is_json_whatever_was_asked(provider):
    answer = ask(provider, None, accept=JWT)
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/json")


def test_a_client_that_became_public_is_told_nothing_any_more(provider):
    token = provider.begin("durable")["access_token"]
    change(provider, "durable", authentication_method=ClientAuthenticationMethod.NONE)
    assert ask(provider, token).status == 401
