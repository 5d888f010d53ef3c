"""Codes and grants through the endpoints, on the SQLite ephemeral store."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from gateway.web.machine_door import MachineRequest, MachineResponse
from tests.protocol.provider import CALLBACK, VERIFIER, Provider, basic, claims_of, error_of, json_of, secret_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EphemeralStore]:
    opened = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    yield opened
    opened.close()


@pytest.fixture
def provider(store: EphemeralStore) -> Provider:
    return Provider(store)


def journaled(store: EphemeralStore) -> list[str]:
    return [event.name for _, event in store.spool.take_events(100)]


def test_a_code_becomes_tokens_that_userinfo_accepts(provider, store):
    answer = provider.tokens(claims='{"id_token":{"email":null}}')
    assert claims_of(answer["id_token"])["email"] == "camille@exemple.example"
    assert provider.userinfo(answer["access_token"]).status == 200
    assert journaled(store) == ["authorization.granted", "token.issued", "userinfo.read"]


@pytest.mark.spec("OID-04")
def test_a_code_used_twice_silences_the_tokens_of_its_first_use(provider, store):
    code = provider.code()
    first = json_of(provider.token(code=code))
    assert provider.token(code=code).status == 400
    assert provider.userinfo(first["access_token"]).status == 401
    assert journaled(store)[-2:] == ["token.code_replayed", "userinfo.refused"]


@pytest.mark.spec("OID-04")
def test_a_code_presented_wrongly_is_burnt(provider):
    code = provider.code()
    assert provider.token(code=code, code_verifier="w" * 43).status == 400
    assert provider.token(code=code).status == 400


@pytest.mark.spec("OID-04")
def test_a_code_dies_at_its_sixtieth_second_and_with_its_session(provider, store):
    late = provider.code()
    provider.clock.advance(60)
    assert provider.token(code=late).status == 400
    code = provider.code()
    session = next(iter(provider.ephemeral.sessions))
    store.sessions.end(session, provider.clock.now(), NO_EFFECTS)
    assert provider.token(code=code).status == 400
    assert error_of(provider.authorize(prompt="none")) == "login_required"


@pytest.mark.spec("OID-04")
def test_a_token_dies_with_its_session(provider, store):
    token = provider.tokens()["access_token"]
    session = next(iter(provider.ephemeral.sessions))
    store.sessions.end(session, provider.clock.now(), NO_EFFECTS)
    assert provider.userinfo(token).status == 401


@pytest.mark.spec("OID-04")
def test_of_eight_redemptions_in_eight_threads_one_succeeds_and_its_grant_does_not_survive(provider):
    fields = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    body = urlencode({**fields, "code": provider.code()}).encode()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "authorization": basic("orientation", secret_of("orientation")),
    }
    answers: list[MachineResponse] = []
    together = threading.Barrier(8)

    def redeem() -> None:
        async def ask() -> MachineResponse:
            return await provider.endpoints["/token"](
                MachineRequest("POST", "/token", b"", headers, body, "192.0.2.7", "R")
            )

        together.wait()
        answers.append(asyncio.run(ask()))

    threads = [threading.Thread(target=redeem) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == [200] + [400] * 7
    winner = next(answer for answer in answers if answer.status == 200)
    assert provider.userinfo(json_of(winner)["access_token"]).status == 401
