"""GET and POST /v1/session/activity, and what token answers say of the session's life (DECISIONS 11; SES-03, SES-04)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.oidc.session_activity import LEAST_SECONDS
from gateway.randomness import handle as a_handle
from gateway.randomness import partition_of, system_randomness
from gateway.storage.ephemeral import open_ephemeral
from gateway.web.machine_door import MachineResponse
from tests.protocol.proofs import SIGNING, asserted, code_fields, post, proof, register
from tests.protocol.provider import ACCOUNT, PUBLIC, Provider, json_of

PATH = "/v1/session/activity"
IDLE, ABSOLUTE = 1800, 4 * 3600


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    """On the real store: what counts as use is decided there."""
    store = open_ephemeral(f"sqlite:///{tmp_path}/ephemeral.db", system_randomness)
    yield Provider(store)
    store.close()


def use(provider: Provider, token: str, method: str = "POST") -> MachineResponse:
    return provider.machine(method, PATH, authorization=f"Bearer {token}")


def ends(answer: MachineResponse) -> tuple[int, int]:
    assert answer.status == 200, answer.body
    said = json_of(answer)
    assert set(said) == {"session_idle_at", "session_expires_at", "now"}
    return said["session_idle_at"], said["session_expires_at"]


def assert_over(answer: MachineResponse) -> None:
    assert (answer.status, json_of(answer)) == (401, {"error": "invalid_token"})
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert answer.headers["Cache-Control"] == "no-store"


def started(provider: Provider, **changes: object) -> float:
    """A session with these members, beside the one that a test would get."""
    session = provider.sign_in()
    changed = replace(session, **changes)
    provider.ephemeral.sessions[session.handle] = changed
    assert provider.store is not None
    provider.store.sessions.end(session.handle, provider.clock.now(), NO_EFFECTS)
    provider.store.sessions.start(changed, provider.clock.now(), NO_EFFECTS)
    return provider.clock.now()


@pytest.mark.spec("SES-03", "SES-04")
def test_token_answers_say_when_the_session_ends(provider):
    began = int(provider.clock.now())
    answer = provider.begin("durable")
    life = (began + IDLE, began + ABSOLUTE)
    assert (answer["session_idle_at"], answer["session_expires_at"]) == life
    provider.clock.advance(100)
    again = json_of(
        provider.token(client_id="durable", grant_type="refresh_token", refresh_token=answer["refresh_token"])
    )
    assert (again["session_idle_at"], again["session_expires_at"]) == life, "a refresh is no use"


def test_the_answer_to_a_service_speaks_of_no_session(provider):
    answer = json_of(provider.token(client_id="service", grant_type="client_credentials"))
    assert not [name for name in answer if name.startswith("session")]


@pytest.mark.spec("SES-03", "SES-04")
def test_use_moves_the_idle_end_and_looking_does_not(provider):
    token = provider.tokens()["access_token"]
    began = int(provider.clock.now())
    provider.clock.advance(200)
    assert ends(use(provider, token, "GET")) == (began + IDLE, began + ABSOLUTE)
    answer = use(provider, token)
    assert ends(answer) == (began + 200 + IDLE, began + ABSOLUTE)
    assert json_of(answer)["now"] == began + 200
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.spec("SES-03")
def test_a_refresh_tells_what_use_has_moved(provider):
    began = int(provider.clock.now())
    answer = provider.begin("durable")
    provider.clock.advance(200)
    use(provider, answer["access_token"])

    def refreshed() -> dict:
        asked = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
        return json_of(provider.token(client_id="durable", **asked))

    first, again = refreshed(), refreshed()
    assert first["session_idle_at"] == began + 200 + IDLE
    assert again == first, "one presented again at once"


@pytest.mark.spec("SES-03", "SES-04")
@pytest.mark.parametrize("moved", [-3600, 600])
def test_a_refresh_tells_the_ends_of_the_session_that_has_taken_over(provider, moved):
    """Another sign-in of the person renews her session: for longer, or for less when Pro Santé Connect bounds it."""
    answer = provider.begin("durable")
    (session,) = provider.store.sessions.of(ACCOUNT, provider.clock.now())
    (handle,) = provider.ephemeral.sessions
    provider.clock.advance(200)
    now = provider.clock.now()
    renewed = replace(
        session,
        handle=a_handle(system_randomness, partition_of(ACCOUNT)),
        last_used_at=now,
        absolute_end=session.absolute_end + moved,
    )
    provider.store.sessions.start(renewed, now, NO_EFFECTS, replacing=handle)
    life = ends(use(provider, answer["access_token"], "GET"))
    assert life == (int(now) + IDLE, int(renewed.absolute_end))
    asked = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    for again in (json_of(provider.token(client_id="durable", **asked)) for _ in range(2)):
        assert (again["session_idle_at"], again["session_expires_at"]) == life


@pytest.mark.spec("SES-03", "AC-108")
def test_an_application_that_looks_every_ten_seconds_keeps_nothing_alive(provider):
    answer = provider.begin("durable")
    for _ in range(IDLE // 200):
        for _ in range(20):
            provider.clock.advance(10)
            use(provider, answer["access_token"], "GET")
            provider.userinfo(answer["access_token"])
        renewed = provider.token(client_id="durable", grant_type="refresh_token", refresh_token=answer["refresh_token"])
        if renewed.status != 200:
            break
        answer = json_of(renewed)
    assert json_of(renewed)["error"] == "invalid_grant"
    assert_over(use(provider, answer["access_token"]))


@pytest.mark.spec("SES-03")
def test_more_than_once_a_minute_is_answered_and_not_counted(provider):
    began = int(provider.clock.now())
    token = provider.tokens()["access_token"]
    assert LEAST_SECONDS == 60
    provider.clock.advance(59)
    assert ends(use(provider, token))[0] == began + IDLE
    provider.clock.advance(1)
    assert ends(use(provider, token))[0] == began + 60 + IDLE
    for _ in range(5):
        provider.clock.advance(10)
        assert ends(use(provider, token))[0] == began + 60 + IDLE


@pytest.mark.spec("SES-03", "AC-109")
def test_the_absolute_end_holds_whatever_use_is_told(provider):
    end = int(started(provider, absolute_end=provider.clock.now() + 200)) + 200
    token = provider.tokens()["access_token"]
    provider.clock.advance(199)
    assert ends(use(provider, token)) == (end, end)
    provider.clock.advance(1)
    assert_over(use(provider, token))


@pytest.mark.spec("SES-11")
def test_a_session_of_a_shared_post_keeps_its_short_limit(provider):
    token = provider.tokens()["access_token"]
    session = next(iter(provider.ephemeral.sessions.values()))
    short = replace(session, idle_seconds=240)
    assert provider.store.sessions.amend(short, provider.clock.now(), NO_EFFECTS)
    provider.clock.advance(100)
    now = int(provider.clock.now())
    assert ends(use(provider, token))[0] == now + 240
    provider.clock.advance(240)
    assert_over(use(provider, token))


@pytest.mark.spec("SES-03", "SES-05", "SES-08", "AC-112")
@pytest.mark.parametrize("end", ["session ended", "account locked", "grant revoked", "client withdrawn", "token over"])
def test_what_has_ended_is_not_brought_back(provider, end):
    token = provider.tokens()["access_token"]
    session = next(iter(provider.ephemeral.sessions.values()))
    provider.clock.advance(120)
    match end:
        case "session ended":
            provider.store.sessions.end(session.handle, provider.clock.now(), NO_EFFECTS)
        case "account locked":
            provider.people.known[ACCOUNT] = replace(provider.people.known[ACCOUNT], active=False)
        case "grant revoked":
            assert provider.form("/revoke", token=token).status == 200
        case "client withdrawn":
            del provider.clients.clients["orientation"]
        case "token over":
            provider.clock.advance(300)
    assert_over(use(provider, token))
    assert_over(use(provider, token, "GET"))
    kept = provider.store.sessions.find(session.handle, provider.clock.now())
    assert kept is None or kept.last_used_at == session.last_used_at


def test_the_token_of_a_service_has_no_session(provider):
    answer = json_of(provider.token(client_id="service", grant_type="client_credentials"))
    assert_over(use(provider, answer["access_token"]))


def test_only_an_access_token_in_the_header_serves(provider):
    answer = provider.begin("durable")
    for wrong in (answer["id_token"], answer["refresh_token"], "x.y.z"):
        assert_over(use(provider, wrong))
    assert provider.machine("POST", PATH).status == 401
    bearer = f"Bearer {answer['access_token']}"
    placed = f"access_token={answer['access_token']}".encode()
    for refused in (
        provider.machine("POST", PATH, body=placed),
        provider.machine("POST", PATH, query=placed),
        provider.machine("POST", PATH, body=b"{}", authorization=bearer),
        provider.machine("POST", PATH, query=b"structure=x", authorization=bearer),
    ):
        assert refused.status == 400
        assert 'error="invalid_request"' in refused.headers["WWW-Authenticate"]
    for method in ("PUT", "DELETE", "PATCH"):
        refused = provider.machine(method, PATH, authorization=bearer)
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, POST, OPTIONS")


@pytest.mark.spec("OID-08", "AC-099")
def test_a_bound_token_needs_the_proof_of_its_key(provider):
    register(provider, SIGNING)
    fields = {**asserted(), **code_fields(provider, "signataire")}
    token = json_of(post(provider, headers={"dpop": proof(nonce=provider.nonce())}, **fields))["access_token"]
    assert_over(use(provider, token))
    refused = provider.machine("POST", PATH, authorization=f"DPoP {token}")
    assert refused.status == 401
    assert 'error="invalid_dpop_proof"' in refused.headers["WWW-Authenticate"]
    good = proof(token=token, method="POST", path=PATH, nonce=provider.nonce())
    answer = provider.machine("POST", PATH, authorization=f"DPoP {token}", dpop=good)
    assert ends(answer)
    assert "DPoP-Nonce" in answer.headers


def test_the_page_of_a_public_client_may_ask(provider):
    origin = "https://suivi.example"
    preflight = provider.machine("OPTIONS", PATH, origin=origin)
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    token = provider.begin(PUBLIC.client_id)["access_token"]
    answer = provider.machine("POST", PATH, authorization=f"Bearer {token}", origin=origin)
    assert ends(answer)
    assert answer.headers["Access-Control-Allow-Origin"] == origin
