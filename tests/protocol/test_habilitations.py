"""GET /v1/me/habilitations: all that a person holds in the calling application (DECISIONS 10)."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.oidc.habilitations import PAGE
from gateway.web.machine_door import MachineResponse
from tests.protocol.proofs import SIGNING, asserted, code_fields, post, proof, register
from tests.protocol.provider import ACCOUNT, Provider, claims_of, client, json_of, structure
from tests.protocol.test_userinfo import assert_refused, forged

PATH = "/v1/me/habilitations"
ONE = "fineg:990000001"


def ask(provider: Provider, token: str, query: str = "", **headers: str) -> MachineResponse:
    return provider.machine("GET", PATH, query=query.encode(), authorization=f"Bearer {token}", **headers)


def whole(provider: Provider, token: str, *, limit: int = PAGE) -> list[dict[str, Any]]:
    """Page after page, as an application reads it."""
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        answer = ask(provider, token, f"limit={limit}&after={after}")
        assert answer.status == 200, answer.body
        page = json_of(answer)
        assert len(page["structures"]) <= limit
        found += page["structures"]
        if "next" not in page:
            return found
        after = page["next"]


def test_it_gives_names_roles_rights_and_ends(provider):
    provider.people.structures = [structure(2, end="2027-01-31"), structure(1)]
    answer = ask(provider, provider.tokens(structure=ONE)["access_token"])
    assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
    said = json_of(answer)
    rights = {"roles": ["msph.notif"], "entitlements": ["notif.declare", "notif.repondre"]}
    assert said == {
        "sub": ACCOUNT,
        "structures": [
            {"id": "fineg:990000001", "name": "Foyer fictif 1", **rights, "end": "2028-03-01"},
            {"id": "fineg:990000002", "name": "Foyer fictif 2", **rights, "end": "2027-01-31"},
        ],
        "structures_total": 2,
        "roles_version": "2026-10-01",
        "roles_as_of": said["roles_as_of"],
    }
    assert provider.event_names()[-1] == "habilitations.read"
    assert provider.ephemeral.events[-1].actor == ACCOUNT


@pytest.mark.spec("TOK-08", "AC-106")
@pytest.mark.parametrize("count", [41, 500], ids=str)
def test_a_token_that_says_it_was_cut_has_the_rest_here(provider, count):
    provider.people.structures = [structure(n) for n in range(count, 0, -1)]
    answer = provider.tokens(structure=ONE)
    for token in (answer["access_token"], answer["id_token"]):
        said = claims_of(token)
        assert len(token) <= provider.policy.token_size_limit
        assert said.get("structures_truncated") or said.get("roles_overflow")
        assert said["structures_total"] == count
    for limit in (PAGE, 7):
        found = whole(provider, answer["access_token"], limit=limit)
        assert [item["id"] for item in found] == [structure(n).id for n in range(1, count + 1)]


def test_pages_neither_repeat_nor_hide_when_a_right_goes_meanwhile(provider):
    provider.people.structures = [structure(n) for n in range(1, 6)]
    token = provider.tokens(structure=ONE)["access_token"]
    first = json_of(ask(provider, token, "limit=2"))
    provider.people.structures = [structure(n) for n in (1, 3, 4, 5)]
    second = json_of(ask(provider, token, f"limit=2&after={first['next']}"))
    assert [item["id"] for item in second["structures"]] == [structure(3).id, structure(4).id]
    assert (second["structures_total"], second["next"]) == (4, structure(4).id)
    assert "next" not in json_of(ask(provider, token, f"limit=2&after={second['next']}"))


@pytest.mark.spec("TOK-05")
def test_it_knows_the_rights_of_the_calling_application_alone(provider):
    held = begun(provider, "suivi")
    assert provider.people.asked_application == "suivi"
    assert json_of(ask(provider, held))["structures"] == []


def begun(provider: Provider, client_id: str, **changes: str) -> str:
    return str(provider.begin(client_id, **changes)["access_token"])


@pytest.mark.spec("TOK-06")
def test_a_lost_right_is_gone_at_once(provider):
    token = provider.tokens()["access_token"]
    provider.people.structures = []
    assert json_of(ask(provider, token))["structures"] == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=-1", "limit=x", "limit=1&limit=2", "after=" + "a" * 129, "%ff=%ff"]
)
def test_a_wrong_question_is_refused(provider, query):
    token = provider.tokens()["access_token"]
    assert_refused(ask(provider, token, query), "invalid_request", 400)


@pytest.mark.spec("TOK-07")
def test_it_needs_the_scope_of_rights_in_the_token_and_in_the_clients_file(provider):
    answer = ask(provider, provider.tokens(scope="openid profile")["access_token"])
    assert_refused(answer, "insufficient_scope", 403)
    assert 'scope="ror"' in answer.headers["WWW-Authenticate"]
    assert provider.event_names()[-1] == "habilitations.refused"
    token = provider.tokens()["access_token"]
    provider.clients.clients["orientation"] = client(scopes=frozenset({"openid", "profile"}))
    assert_refused(ask(provider, token), "insufficient_scope", 403)


@pytest.mark.spec("TOK-07", "OID-09")
def test_a_token_refreshed_for_less_gets_less(provider):
    begun_with = provider.begin("durable", scope="openid profile ror")
    fields = {"grant_type": "refresh_token", "refresh_token": begun_with["refresh_token"], "scope": "openid"}
    narrowed = json_of(provider.token(client_id="durable", **fields))["access_token"]
    assert json_of(provider.userinfo(narrowed)) == {"sub": ACCOUNT}
    assert_refused(ask(provider, narrowed), "insufficient_scope", 403)


@pytest.mark.spec("TOK-03", "TOK-04", "TOK-10")
def test_it_takes_what_userinfo_takes_and_nothing_else(provider):
    answer = provider.tokens()
    token = answer["access_token"]
    assert provider.machine("GET", PATH).status == 401
    assert_refused(ask(provider, answer["id_token"]), "invalid_token")
    assert_refused(ask(provider, token, f"access_token={token}"), "invalid_request", 400)
    assert_refused(ask(provider, forged(provider, token, aud="https://autre.example/api")), "invalid_token")
    assert_refused(ask(provider, forged(provider, token, sub="someone-else")), "invalid_token")
    service = json_of(provider.form("/token", client_id="service", grant_type="client_credentials"))["access_token"]
    assert ask(provider, service).status in {401, 403}
    for method in ("POST", "PUT", "DELETE"):
        assert provider.machine(method, PATH, authorization=f"Bearer {token}").status == 405
    provider.people.known[ACCOUNT] = replace(provider.people.known[ACCOUNT], active=False)
    assert_refused(ask(provider, token), "invalid_token")
    provider.ephemeral.sessions.clear()
    assert_refused(ask(provider, token), "invalid_token")


@pytest.mark.spec("OID-08")
def test_a_bound_token_comes_with_the_proof_of_its_key(provider):
    register(provider, replace(SIGNING, scopes=frozenset({"openid", "ror"})))
    fields = {**asserted(), **code_fields(provider, "signataire", scope="openid ror")}
    token = json_of(post(provider, headers={"dpop": proof(nonce=provider.nonce())}, **fields))["access_token"]
    assert ask(provider, token).status == 401
    shown = {"authorization": f"DPoP {token}"}
    assert_refused(provider.machine("GET", PATH, **shown), "invalid_dpop_proof")
    for path, status in (("/userinfo", 401), (PATH, 200)):
        made = proof(path, "GET", token=token, nonce=provider.nonce())
        assert provider.machine("GET", PATH, **shown, dpop=made).status == status
