"""POST /par and the `request_uri` that it gives (RFC 9126)."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.oidc.pushed_request import PUSHED_PER_ORIGIN
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from tests.protocol.provider import (
    CALLBACK,
    PUBLIC,
    Provider,
    answer_of,
    basic,
    error_of,
    json_of,
    parameters,
    secret_of,
)
from tests.protocol.signed_requests import signed_request

FORM = "application/x-www-form-urlencoded"
URN = "urn:ietf:params:oauth:request_uri:"
PLAIN: dict[str, str | None] = dict.fromkeys(parameters())


def pushed(provider: Provider, **changes: str | None) -> str:
    response = provider.push(**changes)
    assert response.status == 201, response.body
    uri: str = json_of(response)["request_uri"]
    return uri


def use(provider: Provider, uri: str, client_id: str = "orientation", **beside: str | None):
    return provider.authorize(**{**PLAIN, "client_id": client_id, "request_uri": uri, **beside})


def page(response) -> None:
    assert response.status_code == 400
    assert "Location" not in response.headers


@pytest.mark.spec("OID-06")
def test_a_pushed_request_is_named_for_ninety_seconds_and_followed(provider):
    response = provider.push(state="pushed", scope="openid email")
    told = json_of(response)
    assert (response.status, told["expires_in"]) == (201, 90)
    assert response.headers["Cache-Control"] == "no-store"
    assert told["request_uri"].startswith(URN)
    assert len(told["request_uri"].removeprefix(URN)) >= 43
    provider.sign_in()
    answer = answer_of(use(provider, told["request_uri"], state="outside", scope="openid profile", prompt="none"))
    assert answer["state"] == "pushed"
    assert provider.ephemeral.codes[answer["code"]][0].scope == ("openid", "email")
    assert provider.event_names() == ["authorization.pushed", "authorization.granted"]


@pytest.mark.spec("OID-06")
def test_a_request_uri_serves_once(provider):
    uri = pushed(provider)
    provider.sign_in()
    assert "code" in answer_of(use(provider, uri))
    page(use(provider, uri))
    assert error_of(use(provider, uri, redirect_uri=CALLBACK)) == "invalid_request_uri"


@pytest.mark.spec("OID-06")
def test_a_request_uri_serves_until_its_end_and_not_at_it(provider):
    early, late = pushed(provider), pushed(provider)
    provider.sign_in()
    provider.clock.advance(89.999)
    assert "code" in answer_of(use(provider, early))
    provider.clock.advance(0.001)
    page(use(provider, late))


@pytest.mark.spec("OID-06")
def test_a_request_uri_is_its_clients_own_and_another_client_does_not_spend_it(provider):
    uri = pushed(provider)
    provider.sign_in()
    page(use(provider, uri, client_id="autre"))
    page(use(provider, uri, client_id="unknown"))
    assert "code" in answer_of(use(provider, uri))


@pytest.mark.parametrize("uri", [URN, URN + "0" * 44, URN + "0" * 5000, URN + "é", URN + "\0"])
def test_an_unknown_request_uri_gets_a_page(provider, uri):
    provider.sign_in()
    page(use(provider, uri))


@pytest.mark.parametrize("uri", ["https://orientation.example/request.jwt", "file:///etc/passwd", "urn:x", "x" * 5000])
def test_nothing_is_ever_fetched(provider, uri):
    provider.sign_in()
    assert error_of(use(provider, uri, redirect_uri=CALLBACK)) == "request_uri_not_supported"


@pytest.mark.spec("OID-15")
def test_a_request_uri_stands_alone_and_once(provider):
    uri = pushed(provider)
    provider.sign_in()
    assert error_of(use(provider, uri, redirect_uri=CALLBACK, request="x")) == "invalid_request"
    twice = provider.authorize(
        ("state", "a"), ("state", "b"), **{**PLAIN, "client_id": "orientation", "request_uri": uri}
    )
    page(twice)
    page(provider.authorize(("request_uri", uri), **{**PLAIN, "client_id": "orientation", "request_uri": uri}))
    assert error_of(use(provider, uri, redirect_uri=CALLBACK, response_type="token")) == "invalid_request"


def test_it_is_examined_again_when_it_is_used(provider):
    uri = pushed(provider)
    clients = provider.clients.clients
    clients["orientation"] = replace(clients["orientation"], redirect_uris=("https://orientation.example/new",))
    provider.sign_in()
    page(use(provider, uri))
    clients["orientation"] = replace(clients["orientation"], redirect_uris=(CALLBACK,))
    uri = pushed(provider)
    clients["orientation"] = replace(clients["orientation"], scopes=frozenset({"openid"}))
    assert error_of(use(provider, uri)) == "invalid_scope"


@pytest.mark.spec("LOA-04")
def test_a_forced_sign_in_counts_from_its_use_and_not_from_its_push(provider):
    uri = pushed(provider, max_age="0")
    provider.clock.advance(60)
    handle = use(provider, uri).headers["Location"].removeprefix("/signin/")
    assert provider.journey.transactions[handle].demand.fresh_since == provider.clock.now()


@pytest.mark.spec("OID-06")
def test_a_client_whose_file_says_so_must_push(provider):
    clients = provider.clients.clients
    clients["orientation"] = replace(clients["orientation"], require_pushed_authorization_requests=True)
    provider.sign_in()
    assert error_of(provider.authorize()) == "invalid_request"
    assert "code" in answer_of(use(provider, pushed(provider)))
    clients["signant"] = replace(clients["signant"], require_pushed_authorization_requests=True)
    asked = signed_request(provider) | {"redirect_uri": "https://signant.example/cb"}
    assert error_of(provider.authorize(**asked)) == "invalid_request"


def test_what_came_signed_is_followed_without_its_signature_and_its_end(provider):
    uri = pushed(provider, **signed_request(provider, state="signed", exp=int(provider.clock.now()) + 30))
    provider.clock.advance(60)
    provider.sign_in()
    assert answer_of(use(provider, uri, client_id="signant"))["state"] == "signed"


def test_only_what_means_something_is_kept(provider):
    provider.push(("client_secret_hint", "x"), ("flood", "y" * 9000))
    kept = next(iter(provider.ephemeral.pushed.values()))
    assert {name for name, _ in kept.parameters} == set(parameters())


@pytest.mark.spec("OID-05", "OID-06")
@pytest.mark.parametrize(
    ("more", "changes", "status", "error"),
    [
        ([], {"authenticated_as": "autre"}, 400, "invalid_request"),
        ([], {"client_id": None}, 400, "invalid_request"),
        ([("client_id", "orientation")], {}, 400, "invalid_request"),
        ([("client_secret", "wrong")], {}, 400, "invalid_request"),
        ([("state", "again")], {}, 400, "invalid_request"),
        ([("request_uri", URN + "x")], {}, 400, "invalid_request"),
        ([("request", "x")], {}, 400, "request_not_supported"),
        ([], {"redirect_uri": None}, 400, "invalid_request"),
        ([], {"redirect_uri": "https://evil.example/"}, 400, "invalid_request"),
        ([], {"redirect_uri": "x" * 5000}, 400, "invalid_request"),
        ([], {"response_type": "token"}, 400, "unsupported_response_type"),
        ([], {"response_mode": "fragment"}, 400, "invalid_request"),
        ([], {"scope": "openid stranger"}, 400, "invalid_scope"),
        ([], {"code_challenge": None}, 400, "invalid_request"),
        ([], {"state": "s" * 2049}, 400, "invalid_request"),
        ([], {"id_token_hint": "not.a.token"}, 400, "invalid_request"),
        ([], {"resource": "https://autre.example/api"}, 400, "invalid_target"),
        ([], {"client_id": "signant", "request": "not.an.object"}, 400, "invalid_request_object"),
    ],
)
def test_a_request_that_breaks_a_rule_is_told_at_once_and_not_kept(provider, more, changes, status, error):
    response = provider.push(*more, **changes)
    assert (response.status, json_of(response)["error"]) == (status, error)
    assert not provider.ephemeral.pushed
    assert provider.event_names()[-1] in {"authorization.push_refused", "client.refused"}


@pytest.mark.spec("OID-05")
@pytest.mark.parametrize(
    ("client_id", "authorization"),
    [
        ("orientation", None),
        ("orientation", basic("orientation", "wrong")),
        ("orientation", "Bearer x"),
        ("unknown", None),
        ("postant", basic("postant", secret_of("postant"))),
        ("suivi", basic("suivi", "anything")),
    ],
)
def test_who_does_not_prove_to_be_the_client_may_not_push(provider, client_id, authorization):
    body = urlencode(parameters(client_id=client_id)).encode()
    headers = {"content_type": FORM, **({"authorization": authorization} if authorization else {})}
    response = provider.machine("POST", "/par", body=body, **headers)
    assert (response.status, json_of(response)["error"]) == (401, "invalid_client")
    assert provider.event_names() == ["client.refused"]
    assert not provider.ephemeral.pushed


def test_a_public_client_pushes_too_from_its_own_pages_and_no_others(provider):
    changes = {"client_id": "suivi", "redirect_uri": PUBLIC.redirect_uris[0]}
    uri = pushed(provider, **changes)
    provider.sign_in()
    assert "code" in answer_of(use(provider, uri, client_id="suivi"))
    body = urlencode(parameters(**changes)).encode()
    for origin, allowed in (("https://suivi.example", True), ("https://evil.example", False)):
        answer = provider.machine("POST", "/par", body=body, content_type=FORM, origin=origin)
        assert ("Access-Control-Allow-Origin" in answer.headers) is allowed


def test_what_anybody_may_leave_here_from_one_address_is_bounded(provider, monkeypatch):
    assert PUSHED_PER_ORIGIN == 2000
    monkeypatch.setattr("gateway.oidc.pushed_request.PUSHED_PER_ORIGIN", 3)
    provider.assemble(provider.gate, provider.journey)
    changes = {"client_id": "suivi", "redirect_uri": PUBLIC.redirect_uris[0]}
    assert [provider.push(**changes).status for _ in range(4)] == [201, 201, 201, 429]
    assert provider.push().status == 201


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 405), ("HEAD", 405)])
def test_only_a_posted_form_is_a_push(provider, method, status):
    assert provider.machine(method, "/par").status == status
    good = urlencode(parameters()).encode()
    headers = {"authorization": basic("orientation", secret_of("orientation"))}
    for content_type in ("application/json", "text/plain", ""):
        assert provider.machine("POST", "/par", body=good, content_type=content_type, **headers).status == 400
    assert provider.machine("POST", "/par", body=good, query=good, content_type=FORM, **headers).status == 400
    assert provider.machine("POST", "/par", body=b"a=%ff", content_type=FORM, **headers).status == 400
    assert provider.machine("POST", "/par", body=b"a=1&" * 100, content_type=FORM, **headers).status == 400


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changed=st.lists(st.tuples(st.sampled_from([*parameters(), "request", "claims"]), st.text(max_size=30)), max_size=3)
)
def test_whatever_is_pushed_is_kept_whole_or_refused(provider, changed):
    kept = [pair for pair in parameters().items() if pair[0] not in dict(changed)]
    headers = {"authorization": basic("orientation", secret_of("orientation")), "content_type": FORM}
    response = provider.machine("POST", "/par", body=urlencode([*kept, *changed]).encode(), **headers)
    assert response.status in {201, 400, 401}


# ── on the real store ──


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EphemeralStore]:
    opened = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    yield opened
    opened.close()


@pytest.mark.spec("OID-06")
def test_of_eight_uses_at_once_one_gets_a_code(store):
    provider = Provider(store)
    uri = pushed(provider)
    provider.sign_in()
    application = provider.browser.application
    cookie = provider.browser.get_cookie("__Host-session")
    query = urlencode({"client_id": "orientation", "request_uri": uri})
    together = Barrier(8)

    def once(_: int) -> int:
        browser = application.test_client()
        browser.set_cookie("__Host-session", cookie.value, domain="localhost", secure=False)
        together.wait()
        return browser.get(f"/authorize?{query}").status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(once, range(8))) == [303] + [400] * 7
    lines = [event.name for _, event in store.spool.take_events(100)]
    assert lines == ["authorization.pushed", "authorization.granted"]
    asyncio.run(store.close_async())
