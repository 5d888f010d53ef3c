"""The token exchange grant at the token endpoint (RFC 8693; TOK-04, TOK-05, DECISIONS 10).

The pages of `facade` call the API of `relais` with the person's access token; `relais` acts for her at `notif`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.applications.client import ClientAuthenticationMethod
from gateway.journal.effects import NO_EFFECTS
from gateway.journal.events import Event
from gateway.keys.signing_key import Algorithm
from gateway.oidc.grants.token_exchange import NAME
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from gateway.web.machine_door import MachineResponse
from tests.protocol.provider import ACCOUNT, ISSUER, Provider, claims_of, header_of, json_of, structure

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
NOTIF = "https://notif.example/api"
ONE, TWO = "fineg:990000001", "fineg:990000002"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EphemeralStore]:
    opened = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    yield opened
    opened.close()


@pytest.fixture
def provider(store: EphemeralStore) -> Provider:
    made = Provider(store)
    made.people.structures = [structure(1), structure(2)]
    return made


def subject(provider: Provider, **changes: str | None) -> str:
    return str(provider.begin("facade", **{"scope": "openid profile ror", "structure": ONE, **changes})["access_token"])


def exchange(
    provider: Provider, token: str | None, *more: tuple[str, str], client_id: str = "relais", **changes: str | None
) -> MachineResponse:
    fields = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, "audience": NOTIF, **changes}
    return provider.form("/token", *more, client_id=client_id, grant_type=NAME, **fields)


def exchanged(provider: Provider, token: str, **changes: str | None) -> str:
    answer = exchange(provider, token, **changes)
    assert answer.status == 200, answer.body
    return str(json_of(answer)["access_token"])


def refused(answer: MachineResponse) -> str:
    assert answer.status == 400, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    return str(json_of(answer)["error"])


def introspected(provider: Provider, token: str, client_id: str = "notif") -> dict[str, Any]:
    return json_of(provider.form("/introspect", client_id=client_id, token=token))


def change(provider: Provider, client_id: str, **values: Any) -> None:
    clients = provider.clients.clients
    clients[client_id] = replace(clients[client_id], **values)


def journaled(store: EphemeralStore) -> list[Event]:
    return [event for _, event in store.spool.take_events(100)]


# ── what is given ──


@pytest.mark.spec("TOK-03", "TOK-04")
def test_a_token_becomes_one_of_the_same_person_for_another_service_that_names_its_actor(provider, store):
    token = subject(provider)
    before = claims_of(token)
    assert before["may_act"] == {"sub": "relais"}
    answer = json_of(exchange(provider, token))
    assert set(answer) == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (answer["issued_token_type"], answer["token_type"]) == (ACCESS_TOKEN, "Bearer")
    assert (answer["scope"], answer["expires_in"]) == ("openid ror", 300)
    after = claims_of(answer["access_token"])
    assert header_of(answer["access_token"])["typ"] == "at+jwt"
    assert (after["iss"], after["aud"], after["client_id"]) == (ISSUER, NOTIF, "relais")
    assert after["act"] == {"sub": "relais"}
    assert "may_act" not in after
    for name in ("sub", "acr", "amr", "auth_time", "sid"):
        assert after[name] == before[name]
    assert after["jti"] != before["jti"]
    (line,) = (event for event in journaled(store) if event.details.get("token_kind") == "exchanged")
    assert (line.name, line.actor, line.client, line.structure) == ("token.issued", ACCOUNT, "relais", ONE)
    assert (line.details["audience"], line.details["jti"]) == (NOTIF, after["jti"])


@pytest.mark.spec("TOK-05")
def test_it_holds_the_rights_of_one_structure_only(provider):
    token = subject(provider)
    assert len(claims_of(token)["structures"]) == 2
    active = claims_of(exchanged(provider, token))
    assert (active["structure"], [item["id"] for item in active["structures"]]) == ({"id": ONE}, [ONE])
    other = claims_of(exchanged(provider, token, structure=TWO))
    assert (other["structure"], [item["id"] for item in other["structures"]]) == ({"id": TWO}, [TWO])
    assert other["structures_total"] == 1
    assert other["roles"] == ["msph.notif"]


@pytest.mark.spec("TOK-05")
def test_without_a_structure_there_is_no_right_in_any(provider):
    token = subject(provider, structure=None, scope="openid profile")
    provider_scope = claims_of(exchanged(provider, token))
    assert provider_scope["scope"] == "openid" and "structures" not in provider_scope


@pytest.mark.spec("TOK-05")
def test_the_rights_are_those_of_the_application_that_the_person_uses_and_never_the_actors_own(provider):
    subject_token = subject(provider)
    change(provider, "relais", role_application="suivi")
    exchanged(provider, subject_token)
    assert provider.people.asked_application == "handicap"


@pytest.mark.spec("TOK-06")
def test_the_rights_are_read_anew(provider):
    token = subject(provider)
    provider.people.structures = [structure(2)]
    assert claims_of(exchanged(provider, token))["structures"] == []
    assert refused(exchange(provider, token, structure=ONE)) == "invalid_request"


def test_it_never_lives_longer_than_the_token_it_is_made_from(provider):
    token = subject(provider)
    provider.clock.advance(299)
    answer = json_of(exchange(provider, token))
    assert answer["expires_in"] == 1
    assert claims_of(answer["access_token"])["exp"] == claims_of(token)["exp"]
    provider.clock.advance(1)
    assert refused(exchange(provider, token)) == "invalid_request"


def test_a_scope_may_be_narrowed_and_never_widened(provider):
    token = subject(provider)
    assert claims_of(exchanged(provider, token, scope="ror"))["scope"] == "ror"
    for asked in ("openid ror profile", "email", "openid openid", "openid  ror", " ", "notif_read"):
        assert refused(exchange(provider, token, scope=asked)) == "invalid_scope"
    less = subject(provider, scope="openid profile", structure=None)
    assert refused(exchange(provider, less, scope="ror")) == "invalid_scope"
    change(provider, "relais", exchanges={NOTIF: frozenset({"ror"})})
    assert refused(exchange(provider, less)) == "invalid_scope"


def test_a_token_of_a_narrowed_refresh_is_no_wider_than_itself(provider):
    begun = provider.begin("facade", scope="openid profile ror", structure=ONE)
    narrow = json_of(
        provider.token(
            grant_type="refresh_token", refresh_token=begun["refresh_token"], client_id="facade", scope="openid"
        )
    )
    assert json_of(exchange(provider, narrow["access_token"]))["scope"] == "openid"
    assert refused(exchange(provider, narrow["access_token"], scope="ror")) == "invalid_scope"


@pytest.mark.parametrize(
    "named",
    [{"audience": NOTIF}, {"audience": None, "resource": NOTIF}, {"audience": NOTIF, "resource": NOTIF}],
    ids=["audience", "resource", "both"],
)
def test_audience_and_resource_name_the_service_alike(provider, named):
    assert claims_of(exchanged(provider, subject(provider), **named))["aud"] == NOTIF


# ── who may ──


@pytest.mark.spec("OID-10")
def test_a_client_whose_file_gives_no_exchange_may_not(provider):
    token = subject(provider)
    for client_id in ("facade", "notif", "durable", "service"):
        assert refused(exchange(provider, token, client_id=client_id)) == "unauthorized_client"


@pytest.mark.spec("OID-05", "OID-10")
def test_a_public_client_may_not_whatever_its_file_says(provider):
    assert refused(exchange(provider, subject(provider), client_id="mobile")) == "unauthorized_client"


@pytest.mark.spec("TOK-04")
def test_only_the_resource_server_of_the_token_may(provider):
    change(provider, "autre", exchanges={NOTIF: frozenset({"openid", "ror"})})
    change(provider, "facade", may_act="autre")
    token = subject(provider)
    assert refused(exchange(provider, token, client_id="autre")) == "invalid_request"
    change(provider, "autre", audience="https://relais.example/api")
    assert exchange(provider, token, client_id="autre").status == 200


def test_only_the_actor_that_the_token_names_may(provider):
    change(provider, "autre", exchanges={NOTIF: frozenset({"openid"})}, audience="https://relais.example/api")
    assert refused(exchange(provider, subject(provider), client_id="autre")) == "invalid_request"
    change(provider, "facade", may_act=None)
    assert refused(exchange(provider, subject(provider))) == "invalid_request"


@pytest.mark.spec("OID-10")
def test_what_the_files_withdraw_is_withdrawn_at_once(provider):
    token = subject(provider)
    change(provider, "facade", may_act=None)
    assert refused(exchange(provider, token)) == "invalid_request"
    change(provider, "facade", may_act="relais", scopes=frozenset({"openid", "profile"}))
    assert json_of(exchange(provider, token))["scope"] == "openid"
    change(provider, "relais", exchanges={"https://elsewhere.example": frozenset({"openid"})})
    assert refused(exchange(provider, token)) == "invalid_target"


@pytest.mark.parametrize(
    "audience", ["https://relais.example/api", "notif", NOTIF + "/", NOTIF.upper(), "*", "x" * 9000]
)
def test_no_other_service_than_those_of_the_file(provider, audience):
    token = subject(provider)
    assert refused(exchange(provider, token, audience=audience)) == "invalid_target"
    assert refused(exchange(provider, token, audience=None, resource=audience)) == "invalid_target"
    assert refused(exchange(provider, token, resource=audience)) == "invalid_target"


# ── which tokens ──


def test_an_exchanged_token_cannot_be_exchanged_again(provider):
    once = exchanged(provider, subject(provider))
    change(provider, "notif", exchanges={"https://relais.example/api": frozenset({"openid", "ror"})})
    assert refused(exchange(provider, once, client_id="notif", audience="https://relais.example/api")) == (
        "invalid_request"
    )
    change(provider, "relais", audience=NOTIF, exchanges={"https://far.example": frozenset({"openid", "ror"})})
    assert refused(exchange(provider, once, audience="https://far.example")) == "invalid_request"


def test_what_is_no_access_token_of_a_person_is_refused(provider):
    change(provider, "service", audience="https://relais.example/api")
    begun = provider.begin("facade", scope="openid ror", structure=ONE)
    claims = claims_of(begun["access_token"])
    service = json_of(provider.token(grant_type="client_credentials", client_id="service"))["access_token"]
    for token in (
        service,
        begun["id_token"],
        begun["refresh_token"],
        begun["access_token"][:-6] + "AAAAAA",
        provider.signer.sign(claims, typ="JWT", algorithm=Algorithm.ES256),
        provider.signer.sign({**claims, "iss": "https://evil.example"}, typ="at+jwt", algorithm=Algorithm.ES256),
        provider.signer.sign({**claims, "jti": "0" * 44 + ".x"}, typ="at+jwt", algorithm=Algorithm.ES256),
        provider.signer.sign({**claims, "jti": "0" * 44}, typ="at+jwt", algorithm=Algorithm.ES256),
        provider.signer.sign({**claims, "may_act": {"sub": "x"}}, typ="at+jwt", algorithm=Algorithm.ES256),
        provider.signer.sign({**claims, "may_act": "relais"}, typ="at+jwt", algorithm=Algorithm.ES256),
        provider.signer.sign({**claims, "client_id": "autre"}, typ="at+jwt", algorithm=Algorithm.ES256),
        "x",
        "x" * 40_000,
    ):
        assert refused(exchange(provider, token)) == "invalid_request", token[:40]


@pytest.mark.spec("OID-08")
def test_a_token_bound_to_a_key_does_not_become_one_for_any_bearer(provider):
    claims = {**claims_of(subject(provider)), "cnf": {"jkt": "k" * 43}}
    bound = provider.signer.sign(claims, typ="at+jwt", algorithm=Algorithm.ES256)
    assert refused(exchange(provider, bound)) == "invalid_request"


@pytest.mark.parametrize("end", ["session ended", "grant revoked", "account locked", "client withdrawn"])
def test_a_token_that_hangs_on_something_dead_gives_nothing(provider, store, end):
    token = subject(provider)
    match end:
        case "session ended":
            store.sessions.end(next(iter(provider.ephemeral.sessions)), provider.clock.now(), NO_EFFECTS)
        case "grant revoked":
            provider.form("/revoke", client_id="facade", token=token)
        case "account locked":
            provider.people.known[ACCOUNT] = replace(provider.people.known[ACCOUNT], active=False)
        case "client withdrawn":
            del provider.clients.clients["facade"]
    assert refused(exchange(provider, token)) == "invalid_request"
    assert "token.refused" in [event.name for event in journaled(store)]


# ── what becomes of it ──


@pytest.mark.spec("TOK-06")
def test_introspection_tells_the_service_what_it_is_worth_at_this_instant(provider, store):
    token = exchanged(provider, subject(provider))
    said = introspected(provider, token)
    assert (said["active"], said["act"], said["client_id"]) == (True, {"sub": "relais"}, "relais")
    assert [item["id"] for item in said["structures"]] == [ONE]
    provider.people.structures = [structure(2)]
    assert introspected(provider, token)["structures"] == []
    assert introspected(provider, token, "relais") == {"active": False}, "it is another service's"
    change(provider, "relais", exchanges={NOTIF: frozenset({"openid"})})
    assert introspected(provider, token)["scope"] == "openid"
    change(provider, "facade", may_act=None)
    assert introspected(provider, token) == {"active": False}
    change(provider, "facade", may_act="relais")
    store.sessions.end(next(iter(provider.ephemeral.sessions)), provider.clock.now(), NO_EFFECTS)
    assert introspected(provider, token) == {"active": False}


@pytest.mark.spec("OID-04")
def test_it_dies_with_the_family_that_it_comes_from(provider):
    begun = provider.begin("facade", scope="openid ror", structure=ONE)
    token = exchanged(provider, begun["access_token"])
    provider.form("/revoke", client_id="facade", token=begun["refresh_token"])
    assert introspected(provider, token) == {"active": False}


def test_revoked_by_its_actor_it_dies_alone(provider):
    source = subject(provider)
    one, other = exchanged(provider, source), exchanged(provider, source)
    assert provider.form("/revoke", client_id="relais", token=one).status == 200
    assert introspected(provider, one) == {"active": False}
    assert introspected(provider, other)["active"] is True
    assert introspected(provider, source, "relais")["active"] is True
    assert refused(provider.form("/revoke", client_id="facade", token=other)) == "invalid_grant"


def test_userinfo_is_not_for_the_actor(provider):
    assert provider.userinfo(exchanged(provider, subject(provider))).status == 401


# ── malformed requests ──


@pytest.mark.parametrize("name", ["subject_token", "subject_token_type", "audience"])
@pytest.mark.parametrize("value", [None, ""])
def test_what_is_missing_is_said(provider, name, value):
    fields = {"token": subject(provider), ("token" if name == "subject_token" else name): value}
    answer = exchange(provider, **fields)
    assert refused(answer) == "invalid_request"
    assert name in json_of(answer)["error_description"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:jwt"},
        {"subject_token_type": "access_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:saml2"},
        {"actor_token": "x", "actor_token_type": ACCESS_TOKEN},
        {"actor_token_type": ACCESS_TOKEN},
        {"structure": "fineg:990000099"},
        {"structure": "x" * 5000},
        {"structure": "<script>"},
        {"structure": TWO, "scope": "openid"},
    ],
)
def test_a_wrong_value_is_refused(provider, wrong):
    token = subject(provider)
    assert refused(exchange(provider, token, **wrong)) == "invalid_request"
    assert exchange(provider, token).status == 200


@pytest.mark.parametrize("name", ["subject_token", "scope", "structure", "actor_token"])
def test_no_parameter_comes_twice(provider, name):
    answer = exchange(provider, subject(provider), (name, NOTIF), (name, ""), resource=NOTIF)
    assert refused(answer) == "invalid_request"


@pytest.fixture(scope="module")
def fuzzed() -> tuple[Provider, str]:
    """A provider that all examples share, and a token that could be exchanged."""
    made = Provider()
    made.people.structures = [structure(1), structure(2)]
    return made, subject(made)


_names = st.sampled_from(
    ["subject_token", "subject_token_type", "requested_token_type", "audience", "resource", "scope", "structure", "act"]
)
_values = st.one_of(st.sampled_from([ACCESS_TOKEN, NOTIF, "openid", "ror", ONE, ""]), st.text(max_size=60))


@settings(max_examples=200, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(_names, _values, max_size=6))
def test_whatever_is_asked_nothing_wider_is_given(fuzzed, changes):
    provider, good = fuzzed
    answer = exchange(provider, changes.pop("subject_token", good), **changes)
    assert answer.status in {200, 400}
    if answer.status == 200:
        claims = claims_of(json_of(answer)["access_token"])
        assert (claims["aud"], claims["sub"], claims["act"]) == (NOTIF, ACCOUNT, {"sub": "relais"})
        assert set(claims["scope"].split()) <= {"openid", "ror"}
        assert claims["exp"] <= claims_of(good)["exp"]
        assert claims.get("structures_total", 0) <= 1
    else:
        assert set(json_of(answer)) == {"error", "error_description"}


def test_a_client_that_became_public_may_not(provider):
    token = subject(provider)
    change(provider, "relais", authentication_method=ClientAuthenticationMethod.NONE)
    assert refused(exchange(provider, token)) == "unauthorized_client"
