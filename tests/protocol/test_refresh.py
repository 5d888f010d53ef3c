"""The refresh token grant at the token endpoint (RFC 6749 §6, RFC 9700 §4.14.2; OID-09, DECISIONS 8)."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.journal.effects import NO_EFFECTS
from gateway.oidc import refresh_tokens
from gateway.randomness import handle, partition_of, system_randomness
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from gateway.web.machine_door import MachineResponse
from tests.protocol.provider import ACCOUNT, ISSUER, VERIFIER, Provider, claims_of, json_of, structure

HALF_AN_HOUR = 1800
GRACE = 10


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EphemeralStore]:
    opened = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    yield opened
    opened.close()


@pytest.fixture
def provider(store: EphemeralStore) -> Provider:
    return Provider(store)


def begin(provider: Provider, client_id: str = "durable", **changes: str | None) -> dict[str, Any]:
    return provider.begin(client_id, **changes)


def refresh(provider: Provider, token: str, client_id: str = "durable", **changes: str | None) -> MachineResponse:
    return provider.token(grant_type="refresh_token", refresh_token=token, client_id=client_id, **changes)


def refused(answer: MachineResponse) -> str:
    assert answer.status == 400, answer.body
    return str(json_of(answer)["error"])


def journaled(store: EphemeralStore) -> list[str]:
    return [event.name for _, event in store.spool.take_events(100)]


@pytest.mark.spec("OID-09")
def test_a_client_without_refresh_tokens_in_its_file_gets_none_and_may_not_use_one(provider):
    assert "refresh_token" not in provider.tokens()
    token = begin(provider)["refresh_token"]
    assert refused(refresh(provider, token, "orientation")) == "unauthorized_client"


@pytest.mark.spec("OID-09")
def test_a_refresh_gives_new_tokens_of_the_same_person_and_a_new_refresh_token(provider):
    first = begin(provider)
    provider.clock.advance(240)
    second = json_of(refresh(provider, first["refresh_token"]))
    assert set(second) == set(first)
    assert second["refresh_token"] != first["refresh_token"]
    before, after = claims_of(first["id_token"]), claims_of(second["id_token"])
    for name in ("iss", "sub", "aud", "auth_time", "acr", "amr", "sid"):
        assert after[name] == before[name]
    assert after["iat"] == before["iat"] + 240 and "nonce" not in after
    assert provider.userinfo(second["access_token"]).status == 200
    assert provider.userinfo(first["access_token"]).status == 200


@pytest.mark.spec("OID-09")
def test_the_same_token_within_ten_seconds_gets_the_same_answer_and_nothing_new(provider, store):
    token = begin(provider)["refresh_token"]
    first = refresh(provider, token)
    provider.clock.advance(GRACE - 0.001)
    assert refresh(provider, token).body == first.body
    assert journaled(store).count("token.issued") == 2
    assert refresh(provider, json_of(first)["refresh_token"]).status == 200


@pytest.mark.spec("OID-09")
def test_the_same_token_later_revokes_the_family_and_says_so(provider, store):
    begun = begin(provider)
    first = json_of(refresh(provider, begun["refresh_token"]))
    provider.clock.advance(GRACE)
    assert refused(refresh(provider, begun["refresh_token"])) == "invalid_grant"
    assert refused(refresh(provider, first["refresh_token"])) == "invalid_grant"
    assert provider.userinfo(first["access_token"]).status == 401
    assert journaled(store)[-3:] == ["token.refresh_reused", "token.refused", "userinfo.refused"]


@pytest.mark.spec("OID-09")
def test_a_token_spent_two_refreshes_ago_revokes_the_family_at_once(provider):
    begun = begin(provider)
    second = json_of(refresh(provider, begun["refresh_token"]))
    third = json_of(refresh(provider, second["refresh_token"]))
    assert refused(refresh(provider, begun["refresh_token"])) == "invalid_grant"
    assert refused(refresh(provider, third["refresh_token"])) == "invalid_grant"


@pytest.mark.spec("OID-09")
def test_the_token_of_another_client_revokes_the_family(provider, store):
    token = begin(provider)["refresh_token"]
    assert refused(refresh(provider, token, "mobile")) == "invalid_grant"
    assert refused(refresh(provider, token)) == "invalid_grant"
    assert "token.refresh_reused" in journaled(store)


@pytest.mark.spec("OID-09")
def test_an_invention_revokes_nothing(provider):
    """A resource server knows the grant's name from its access tokens; that must not be enough to end it."""
    begun = begin(provider)
    grant, generation, secret, tag, facts = begun["refresh_token"].split(".")
    other = "A" if secret[0] != "A" else "B"
    for invented in (
        f"{grant}.{generation}.{other}{secret[1:]}.{tag}",
        f"{grant}.{generation}.{other}{secret[1:]}.{tag}.{facts}",
        f"{grant}.7.{secret}.{tag}",
        f"{grant}.7.{secret}.{tag}.{facts}",
        f"{grant}.{generation}.{secret}.{'A' * 22}",
        f"{grant}.{generation}.{secret}",
        grant,
        "x" * 5000,
        begun["access_token"],
    ):
        assert refused(refresh(provider, invented)) == "invalid_grant"
    assert refresh(provider, begun["refresh_token"]).status == 200


def counted(provider: Provider, store: EphemeralStore) -> list[str]:
    """What is asked of the store's grants from now on."""
    asked: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return getattr(store.grants, name)

    provider.store = replace(store, grants=Counting())
    provider.assemble(provider.gate, provider.journey)
    return asked


def test_a_refresh_is_one_step_of_the_store(provider, store):
    token = begin(provider)["refresh_token"]
    asked = counted(provider, store)
    token = json_of(refresh(provider, token))["refresh_token"]
    assert refresh(provider, token).status == 200
    assert asked == ["rotate_refresh"] * 2


@pytest.mark.parametrize("facts", ["none", "empty", "altered", "another grant's"])
def test_a_token_whose_facts_are_not_its_own_is_an_invention(provider, facts):
    begun, other = begin(provider), begin(provider, scope="openid")
    parts, others = begun["refresh_token"].split("."), other["refresh_token"].split(".")
    said = {"none": [], "empty": [""], "altered": [parts[4][:-4] + "AAAA"], "another grant's": [others[4]]}[facts]
    assert refused(refresh(provider, ".".join([*parts[:4], *said]))) == "invalid_grant"
    assert refresh(provider, begun["refresh_token"]).status == 200


def test_facts_that_another_version_wrote_are_read_from_the_store_and_written_anew(provider, store, monkeypatch):
    with monkeypatch.context() as another_version:
        another_version.setattr(refresh_tokens, "_FACTS", refresh_tokens._FACTS[:-1])
        another_version.setattr(refresh_tokens, "_LISTED", attrgetter(*refresh_tokens._FACTS))
        begun = begin(provider)
    asked = counted(provider, store)
    answer = json_of(refresh(provider, begun["refresh_token"]))
    assert answer["scope"] == begun["scope"]
    assert refresh(provider, answer["refresh_token"]).status == 200
    assert asked == ["find_refresh", "rotate_refresh", "rotate_refresh"]


def test_the_facts_of_a_refresh_token_are_not_readable(provider):
    facts = begin(provider)["refresh_token"].split(".")[4]
    raw = base64.urlsafe_b64decode(facts + "==")
    assert ACCOUNT.encode() not in raw and b"durable" not in raw


def test_claims_asked_one_by_one_that_do_not_fit_in_a_token_stay_in_the_store(provider, store, monkeypatch):
    monkeypatch.setattr(refresh_tokens, "_FACTS_LIMIT", 100)
    token = begin(provider)["refresh_token"]
    assert token.endswith(".")
    asked = counted(provider, store)
    assert refresh(provider, token).status == 200
    assert asked == ["find_refresh", "rotate_refresh"]


@pytest.mark.spec("OID-09")
def test_fifty_parallel_refreshes_with_one_token_give_one_successor(provider):
    token = begin(provider)["refresh_token"]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: refresh(provider, token), range(50)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert refresh(provider, json_of(answers[0])["refresh_token"]).status == 200


@pytest.mark.spec("OID-09")
def test_a_token_that_is_not_used_for_half_an_hour_is_dead(provider, store):
    fresh = begin(provider)["refresh_token"]
    session = next(iter(provider.ephemeral.sessions))
    provider.clock.advance(HALF_AN_HOUR - 1)
    store.sessions.use(session, provider.clock.now())
    fresh = json_of(refresh(provider, fresh))["refresh_token"]
    provider.clock.advance(HALF_AN_HOUR - 1)
    store.sessions.use(session, provider.clock.now())
    provider.clock.advance(1)
    assert refused(refresh(provider, fresh)) == "invalid_grant"


@pytest.mark.spec("OID-09")
@pytest.mark.parametrize("end", ["signed out", "absolute end", "idle"])
def test_no_refresh_token_outlives_its_session(provider, store, end):
    token = begin(provider)["refresh_token"]
    session = next(iter(provider.ephemeral.sessions))
    if end == "signed out":
        store.sessions.end(session, provider.clock.now(), NO_EFFECTS)
    elif end == "idle":
        provider.clock.advance(HALF_AN_HOUR)
    else:
        for _ in range(9):
            provider.clock.advance(HALF_AN_HOUR - 200)
            if store.sessions.use(session, provider.clock.now()) is None:
                break
            token = json_of(refresh(provider, token))["refresh_token"]
    assert refused(refresh(provider, token)) == "invalid_grant"


def test_roles_are_read_anew_at_each_refresh(provider):
    begun = begin(provider, scope="openid ror")
    assert claims_of(begun["access_token"])["structures_total"] == 1
    provider.people.structures = [structure(1), structure(2)]
    again = json_of(refresh(provider, begun["refresh_token"]))
    assert claims_of(again["access_token"])["structures_total"] == 2


def test_an_account_that_is_no_longer_active_gets_nothing_more(provider):
    token = begin(provider)["refresh_token"]
    provider.people.known[ACCOUNT] = replace(provider.people.known[ACCOUNT], active=False)
    assert refused(refresh(provider, token)) == "invalid_grant"


def test_a_scope_may_be_narrowed_and_never_widened(provider):
    begun = begin(provider, scope="openid profile ror")
    narrowed = json_of(refresh(provider, begun["refresh_token"], scope="openid"))
    assert narrowed["scope"] == "openid" and "name" not in claims_of(narrowed["id_token"])
    whole = json_of(refresh(provider, narrowed["refresh_token"]))
    assert whole["scope"] == "openid profile ror"
    for asked in ("openid email", "profile", "openid openid", "openid  profile"):
        assert refused(refresh(provider, whole["refresh_token"], scope=asked)) == "invalid_scope"
    assert refresh(provider, whole["refresh_token"]).status == 200


@pytest.mark.spec("OID-10")
def test_a_scope_that_the_file_no_longer_gives_is_not_refreshed(provider):
    begun = begin(provider, scope="openid profile ror")
    clients = provider.clients.clients
    clients["durable"] = replace(clients["durable"], scopes=frozenset({"openid", "profile"}))
    again = json_of(refresh(provider, begun["refresh_token"]))
    assert again["scope"] == claims_of(again["access_token"])["scope"] == "openid profile"
    assert "structures" not in claims_of(again["access_token"])
    assert refused(refresh(provider, again["refresh_token"], scope="openid ror")) == "invalid_scope"


@pytest.mark.spec("OID-09")
def test_a_spent_token_is_judged_as_spent_whatever_scope_it_asks_for(provider, store):
    """Otherwise a thief could try it without being noticed."""
    token = begin(provider, scope="openid profile")["refresh_token"]
    first = refresh(provider, token)
    assert refresh(provider, token, scope="openid email").body == first.body
    provider.clock.advance(GRACE)
    assert refused(refresh(provider, token, scope="openid email")) == "invalid_grant"
    assert refused(refresh(provider, json_of(first)["refresh_token"])) == "invalid_grant"
    assert "token.refresh_reused" in journaled(store)


@pytest.mark.spec("OID-09")
def test_a_step_up_keeps_the_tokens_and_signing_out_afterwards_ends_them(provider, store):
    begun = begin(provider)
    session = next(iter(provider.ephemeral.sessions.values()))
    renewed = replace(session, handle=handle(system_randomness, partition_of(ACCOUNT)))
    store.sessions.start(renewed, provider.clock.now(), NO_EFFECTS, replacing=session)
    again = json_of(refresh(provider, begun["refresh_token"]))
    store.sessions.end(renewed.handle, provider.clock.now(), NO_EFFECTS)
    assert refused(refresh(provider, again["refresh_token"])) == "invalid_grant"


@pytest.mark.spec("OID-09")
def test_a_replay_of_the_code_ends_its_refresh_tokens_hours_later(provider, store):
    redirect_uri = provider.clients.clients["durable"].redirect_uris[0]
    code = provider.code(client_id="durable", redirect_uri=redirect_uri)
    token = json_of(provider.token(code=code, client_id="durable"))["refresh_token"]
    session = next(iter(provider.ephemeral.sessions))
    for _ in range(5):
        provider.clock.advance(HALF_AN_HOUR - 1)
        store.sessions.use(session, provider.clock.now())
        token = json_of(refresh(provider, token))["refresh_token"]
    assert refused(provider.token(code=code, client_id="durable")) == "invalid_grant"
    assert refused(refresh(provider, token)) == "invalid_grant"


class Key:
    """A public client's DPoP key, and its requests (RFC 9449)."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._key = ECKey.generate_key("P-256")
        self._jtis = count()

    def ask(self, **fields: str) -> MachineResponse:
        answer = self._asked("", fields)
        return self._asked(answer.headers["DPoP-Nonce"], fields)

    def _asked(self, nonce: str, fields: dict[str, str]) -> MachineResponse:
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._key.as_dict(private=False)}
        claims = {
            "htm": "POST",
            "htu": f"{ISSUER}/token",
            "iat": int(self._provider.clock.now()),
            "jti": str(next(self._jtis)),
            "nonce": nonce,
        }
        proof = jws.serialize_compact(header, json.dumps(claims), self._key, algorithms=["ES256"])
        body = urlencode({"client_id": "mobile", **fields}).encode()
        content_type = "application/x-www-form-urlencoded"
        return self._provider.machine("POST", "/token", body=body, content_type=content_type, dpop=proof)

    def refresh(self, token: str) -> MachineResponse:
        return self.ask(grant_type="refresh_token", refresh_token=token)


@pytest.mark.spec("OID-08", "OID-09")
def test_a_token_bound_to_a_key_is_refreshed_with_it_and_a_spent_one_from_another_key_ends_the_family(provider, store):
    own, other = Key(provider), Key(provider)
    redirect_uri = provider.clients.clients["mobile"].redirect_uris[0]
    code = provider.code(client_id="mobile", redirect_uri=redirect_uri)
    begun = json_of(
        own.ask(grant_type="authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=VERIFIER)
    )
    assert begun["token_type"] == "DPoP"
    live = begun["refresh_token"]
    assert refused(other.refresh(live)) == refused(refresh(provider, live, "mobile")) == "invalid_grant"
    turned = own.refresh(live)
    assert own.refresh(live).body == turned.body, "a new proof of the same key gets the same answer"
    assert "token.refresh_reused" not in journaled(store)
    assert refused(other.refresh(live)) == "invalid_grant"
    assert refused(own.refresh(json_of(turned)["refresh_token"])) == "invalid_grant"
    assert "token.refresh_reused" in journaled(store)


def test_the_answer_kept_for_ten_seconds_cannot_be_read_from_the_store(provider, store, tmp_path):
    token = begin(provider)["refresh_token"]
    answer = json_of(refresh(provider, token))
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("ephemeral.db*"))
    for kept in (token, answer["refresh_token"], answer["access_token"], answer["id_token"], token.split(".")[2]):
        assert kept.encode() not in raw


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"refresh_token": None}, "invalid_request"),
        ({"refresh_token": ""}, "invalid_request"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_a_wrong_request_is_refused_and_spends_nothing(provider, more, error):
    token = begin(provider)["refresh_token"]
    assert (
        refused(
            refresh(provider, **{"token": token, **more})
            if "refresh_token" not in more
            else provider.token(grant_type="refresh_token", client_id="durable", **more)
        )
        == error
    )
    assert refresh(provider, token).status == 200


def test_a_public_client_rotates_too(provider):
    begun = begin(provider, "mobile")
    again = json_of(refresh(provider, begun["refresh_token"], "mobile"))
    assert again["refresh_token"] != begun["refresh_token"]


def test_a_service_acts_for_itself(provider, store):
    answer = provider.token(grant_type="client_credentials", client_id="service", scope="stats_read")
    given = json_of(answer)
    assert set(given) == {"access_token", "token_type", "expires_in", "scope"} and given["scope"] == "stats_read"
    claims = claims_of(given["access_token"])
    assert claims["sub"] == claims["client_id"] == "service"
    assert not {"sid", "acr", "amr", "auth_time", "roles", "structures"} & set(claims)
    assert provider.userinfo(given["access_token"]).status == 401
    assert journaled(store) == ["token.issued", "userinfo.refused"]


def test_a_service_gets_its_own_scopes_and_no_others(provider):
    whole = json_of(provider.token(grant_type="client_credentials", client_id="service"))
    assert whole["scope"] == "directory_read stats_read"
    for scope in ("openid", "stats_read openid", "stats_read stats_read"):
        answer = provider.token(grant_type="client_credentials", client_id="service", scope=scope)
        assert refused(answer) == "invalid_scope"


@pytest.mark.parametrize("client_id", ["orientation", "mobile", "durable"])
def test_an_application_for_people_is_no_service(provider, client_id):
    assert refused(provider.token(grant_type="client_credentials", client_id=client_id)) == "unauthorized_client"
