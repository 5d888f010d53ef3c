"""Pairwise subjects (OpenID Connect Core §8.1; OID-16): one name by sector, everywhere, and nothing else that tells it away."""

import hashlib
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.applications.ports import SecretSlot
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose, PurposeKey, WrongPurposeError
from gateway.oidc.grants.token_exchange import NAME as TOKEN_EXCHANGE
from gateway.oidc.subjects import Subjects, exchange_sector
from tests.protocol.provider import (
    ACCOUNT,
    AFTER_LOGOUT,
    NOTIF,
    Provider,
    answer_of,
    claims_of,
    client,
    error_of,
    json_of,
    secret_of,
)

HIDDEN = client("carnet", redirect_uris=("https://carnet.example/cb",), sector="carnet.example", refresh_tokens=True)
SISTER = client("agenda", redirect_uris=("https://agenda.carnet.example/cb",), sector="carnet.example")
ELSEWHERE = client("enquete", redirect_uris=("https://enquete.example/cb",), sector="enquete.example")
FACADE = client(
    "vitrine",
    redirect_uris=("https://vitrine.example/cb",),
    audience="https://relais.example/api",
    may_act="relais",
    sector="vitrine.example",
)
TARGET = "https://notif.example/api"
EVERYTHING = "openid ror"
KNOWN_SUB = "pqV8flaISDPqAhHX4FvCsVu8qdCy3Q7hNZDrMKFD9Ac"
SUBJECTS = Subjects(PurposeKey(Purpose.PAIRWISE_SUBJECT, b"p" * 32))


@pytest.fixture
def provider() -> Provider:
    made = Provider()
    register(made, HIDDEN, SISTER, ELSEWHERE, FACADE)
    return made


def register(provider: Provider, *clients: Client) -> None:
    for one in clients:
        provider.clients.clients[one.client_id] = one
        if one.authentication_method is not ClientAuthenticationMethod.NONE:
            found = hashlib.sha256(secret_of(one.client_id).encode()).digest()
            provider.secrets.put(SecretSlot(one.client_id, 1, found, 0.0, None), NO_EFFECTS)


def begin(provider: Provider, one: Client, **changes: str | None) -> dict[str, Any]:
    return provider.begin(one.client_id, **{"scope": EVERYTHING, **changes})


def asked(one: Client, **changes: str | None) -> dict[str, str | None]:
    return {"client_id": one.client_id, "redirect_uri": one.redirect_uris[0], "scope": EVERYTHING, **changes}


def exchanged(provider: Provider, token: str) -> dict[str, Any]:
    answer = provider.form(
        "/token",
        client_id="relais",
        grant_type=TOKEN_EXCHANGE,
        subject_token=token,
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        audience=TARGET,
    )
    assert answer.status == 200, answer.body
    return claims_of(json_of(answer)["access_token"])


def strings(said: Any) -> set[str]:
    """Every text in it; of a `jti` and of a refresh token, which name their grant, also the parts."""
    if isinstance(said, dict):
        return set().union(*map(strings, said.values()), set())
    if isinstance(said, list):
        return set().union(*map(strings, said), set())
    if not isinstance(said, str):
        return set()
    return {said, *said.split(".")} if len(said) > 40 and ":" not in said else {said}


@pytest.mark.spec("OID-16")
def test_one_name_by_sector_the_same_everywhere_and_never_the_accounts(provider):
    answer = begin(provider, HIDDEN)
    sub = claims_of(answer["id_token"])["sub"]
    assert sub == SUBJECTS.sub(ACCOUNT, "carnet.example") != ACCOUNT
    assert len(sub) == 43
    token = answer["access_token"]
    assert claims_of(token)["sub"] == sub
    assert json_of(provider.userinfo(token))["sub"] == sub
    rights = provider.machine("GET", "/v1/me/habilitations", authorization=f"Bearer {token}")
    assert json_of(rights)["sub"] == sub
    activity = provider.machine("POST", "/v1/session/activity", authorization=f"Bearer {token}")
    assert activity.status == 200
    for presented in (token, answer["refresh_token"]):
        told = json_of(provider.form("/introspect", client_id="carnet", token=presented))
        assert told["active"] is True
        assert told["sub"] == sub
    again = json_of(
        provider.token(client_id="carnet", grant_type="refresh_token", refresh_token=answer["refresh_token"])
    )
    assert {claims_of(again[name])["sub"] for name in ("id_token", "access_token")} == {sub}
    assert {claims_of(again[name])["sid"] for name in ("id_token", "access_token")} == {claims_of(token)["sid"]}
    assert claims_of(begin(provider, SISTER)["id_token"])["sub"] == sub
    assert claims_of(begin(provider, ELSEWHERE)["id_token"])["sub"] not in {sub, ACCOUNT}
    assert claims_of(provider.tokens()["id_token"])["sub"] == ACCOUNT


@pytest.mark.spec("OID-16")
def test_two_sectors_find_nothing_in_common_that_names_the_person_or_her_session(provider):
    """All that one person's two applications learn in one session, compared text by text."""
    learnt = []
    for one in (HIDDEN, ELSEWHERE, client()):
        answer = begin(provider, one)
        token = answer["access_token"]
        told = provider.form("/introspect", client_id=one.client_id, token=token)
        rights = provider.machine("GET", "/v1/me/habilitations", authorization=f"Bearer {token}")
        learnt.append(
            strings(
                [
                    {name: value for name, value in answer.items() if isinstance(value, str)},
                    claims_of(answer["id_token"]),
                    claims_of(token),
                    json_of(provider.userinfo(token)),
                    json_of(told),
                    json_of(rights),
                ]
            )
        )
    the_right = {"fineg:990000001", "Foyer fictif 1", "msph.notif", "notif.declare", "notif.repondre", "2028-03-01"}
    of_everybody = {
        "https://portail.example", "n-0S6_WzA2Mj", "Bearer", EVERYTHING, "urn:passerelle:acr:pwd-otp-mail", "pwd", "otp",
        "2026-10-01", "2027-01-15T05:13:20.000+00:00",
    }  # fmt: skip
    """The last two: the mapping's version, and when the sources were read."""
    for first, second in ((0, 1), (0, 2), (1, 2)):
        headers = {text for text in learnt[first] if text.startswith("eyJ")}
        assert learnt[first] & learnt[second] - headers - the_right - of_everybody == set()
    assert ACCOUNT not in learnt[0] | learnt[1]
    sid = next(iter(provider.ephemeral.sessions.values())).sid
    assert sid not in learnt[0] | learnt[1]


def test_a_subject_and_a_session_of_one_text_do_not_have_one_name():
    assert SUBJECTS.sub("same", "carnet.example") != SUBJECTS.sid("same", "carnet.example")
    assert SUBJECTS.sub("b", "a") != SUBJECTS.sub("ab", "")
    with pytest.raises(WrongPurposeError):
        Subjects(PurposeKey(Purpose.DPOP_NONCE, b"p" * 32))


@pytest.mark.spec("OID-16")
def test_the_name_is_this_one_for_ever():
    """A known answer: applications keep it in their databases."""
    known = SUBJECTS.sub("5b0c2f0e-7a51-4a8e-9f0d-3f1f6f0f0a01", "carnet.example")
    assert known == KNOWN_SUB


@pytest.mark.spec("OID-16", "OID-14")
def test_a_hint_names_the_person_in_the_clients_own_sector(provider):
    hint = begin(provider, HIDDEN)["id_token"]
    assert "code" in answer_of(provider.authorize(**asked(HIDDEN, id_token_hint=hint, prompt="none")))
    sub = claims_of(hint)["sub"]
    claims = '{"id_token":{"sub":{"value":"%s"}}}'
    assert "code" in answer_of(provider.authorize(**asked(HIDDEN, claims=claims % sub, prompt="none")))
    for other in (ACCOUNT, SUBJECTS.sub(ACCOUNT, "enquete.example"), SUBJECTS.sub("someone", "carnet.example")):
        refused = provider.authorize(**asked(HIDDEN, claims=claims % other, prompt="none"))
        assert error_of(refused) == "login_required"
    assert error_of(provider.authorize(**asked(ELSEWHERE, claims=claims % sub, prompt="none"))) == "login_required"
    assert error_of(provider.authorize(**asked(ELSEWHERE, id_token_hint=hint))) == "invalid_request"


@pytest.mark.spec("SES-06", "OID-16")
def test_a_hint_with_pairwise_names_ends_its_own_session_and_no_other(provider):
    hint = begin(provider, HIDDEN)["id_token"]
    provider.ephemeral.sessions.clear()
    provider.sign_in()
    fields = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT}
    [session] = provider.ephemeral.sessions.values()
    provider.ephemeral.sessions[session.handle] = replace(session, sid="another")
    assert provider.browser.get("/logout", query_string=fields).status_code == 200
    assert provider.ephemeral.sessions
    provider.ephemeral.sessions[session.handle] = replace(session, account_id="someone-else")
    assert provider.browser.get("/logout", query_string=fields).status_code == 200
    assert provider.ephemeral.sessions
    provider.ephemeral.sessions[session.handle] = session
    assert provider.browser.get("/logout", query_string=fields).status_code == 303
    assert not provider.ephemeral.sessions


@pytest.mark.spec("OID-16", "TOK-04")
def test_an_exchange_between_sectors_carries_a_name_that_neither_uses(provider):
    provider.sign_in()
    shown = claims_of(begin(provider, FACADE)["access_token"])
    made = exchanged(provider, begin(provider, FACADE)["access_token"])
    named = {ACCOUNT, shown["sub"], SUBJECTS.sub(ACCOUNT, "notif.example")}
    assert made["sub"] not in named
    assert made["sid"] not in {shown["sid"], next(iter(provider.ephemeral.sessions.values())).sid}
    assert made["sub"] == exchanged(provider, begin(provider, FACADE)["access_token"])["sub"]
    # a public application, whose service has a sector of its own: the service does not learn the account
    provider.clients.clients["vitrine"] = replace(FACADE, sector=None)
    assert exchanged(provider, begin(provider, FACADE)["access_token"])["sub"] == ACCOUNT
    provider.clients.clients["notif"] = replace(NOTIF, sector="notif.example")
    assert exchanged(provider, begin(provider, FACADE)["access_token"])["sub"] not in named
    # both of one sector: the name they share
    provider.clients.clients["vitrine"] = replace(FACADE, sector="notif.example")
    assert exchanged(provider, begin(provider, FACADE)["access_token"])["sub"] == SUBJECTS.sub(ACCOUNT, "notif.example")


@pytest.mark.spec("OID-16")
def test_the_service_may_ask_about_the_exchanged_token_and_learns_that_name_alone(provider):
    answer = provider.form(
        "/token",
        client_id="relais",
        grant_type=TOKEN_EXCHANGE,
        subject_token=begin(provider, FACADE)["access_token"],
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
        audience=TARGET,
    )
    token = json_of(answer)["access_token"]
    told = json_of(provider.form("/introspect", client_id="notif", token=token))
    assert (told["active"], told["sub"], told["sid"]) == (True, claims_of(token)["sub"], claims_of(token)["sid"])


@pytest.mark.parametrize(
    ("holder", "theirs", "sector"),
    [
        (None, [], None),
        (None, [None], None),
        (None, ["a.example"], " https://api.example"),
        (None, [None, "a.example"], " https://api.example"),
        ("a.example", [], "a.example https://api.example"),
        ("a.example", [None], "a.example https://api.example"),
        ("a.example", ["b.example"], "a.example https://api.example"),
        ("a.example", ["a.example"], "a.example"),
    ],
    ids=["nobody", "public", "theirs", "mixed", "hidden-nobody", "hidden-public", "hidden-other", "same"],
)
def test_whose_sector_an_exchanged_token_is_of(holder, theirs, sector):
    there = [client(f"c{n}", audience="https://api.example", sector=one) for n, one in enumerate(theirs)]
    other = client("x", audience="https://other.example", sector="other.example")
    assert exchange_sector(client("h", sector=holder), "https://api.example", [*there, other]) == sector


@pytest.mark.spec("OID-16", "LOG-01")
def test_the_journal_knows_the_account_and_not_its_names(provider):
    answer = begin(provider, HIDDEN)
    provider.userinfo(answer["access_token"])
    provider.form("/revoke", client_id="carnet", token=answer["access_token"])
    provider.userinfo(answer["access_token"])
    lines = {event.name: event.actor for event in provider.ephemeral.events}
    assert lines["userinfo.read"] == lines["token.revoked"] == ACCOUNT
    assert lines["userinfo.refused"] is None
    sub = claims_of(answer["id_token"])["sub"]
    assert sub not in str(provider.ephemeral.events)


@pytest.mark.spec("OID-12", "OID-16")
def test_discovery_says_which_subjects_there_are(provider):
    def types() -> list[str]:
        found: list[str] = json_of(provider.machine("GET", "/.well-known/openid-configuration"))[
            "subject_types_supported"
        ]
        return found

    assert types() == ["public", "pairwise"]
    for one in (HIDDEN, SISTER, ELSEWHERE, FACADE):
        del provider.clients.clients[one.client_id]
    assert types() == ["public"]
    provider.clients.clients.clear()
    assert types() == ["public"]
    register(provider, HIDDEN)
    assert types() == ["pairwise"]


def test_a_client_that_becomes_pairwise_gets_no_answer_about_the_name_it_had(provider):
    answer = provider.tokens()
    provider.clients.clients["orientation"] = replace(client(), sector="orientation.example")
    assert provider.userinfo(answer["access_token"]).status == 401
    back = provider.authorize(id_token_hint=answer["id_token"])
    assert urlsplit(back.headers["Location"]).path.startswith("/signin/")
    assert "sub" not in parse_qs(urlsplit(back.headers["Location"]).query)
