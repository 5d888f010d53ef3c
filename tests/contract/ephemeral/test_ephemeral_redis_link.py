"""How the store speaks to Redis: short timeouts, no second try, one connection per event loop."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import redis

from gateway.journal.effects import NO_EFFECTS
from gateway.oidc.ports import Redemption
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, EphemeralStoreUnavailableError, open_ephemeral
from gateway.storage.ephemeral.on_redis.address import read_address
from gateway.storage.ephemeral.on_redis.async_link import AsyncRedisLink
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.store import REDIS_TIMEOUT_SECONDS
from tests.contract.ephemeral.ephemeral_samples import (
    NOW,
    a_code,
    a_grant,
    a_session,
    a_transaction,
    because_of,
    drained,
)
from tests.redis_server import running_redis


@pytest.fixture(autouse=True)
def _no_more_patient_than_the_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.storage.ephemeral.store.REDIS_TIMEOUT_SECONDS", REDIS_TIMEOUT_SECONDS)


@pytest.fixture
def redis_store(redis_url: str) -> Iterator[EphemeralStore]:
    with redis.Redis.from_url(redis_url, protocol=2) as server:
        server.flushall()
    store = open_ephemeral(redis_url, system_randomness)
    yield store
    store.close()


class _SilentServer:
    """Takes connections and whole requests, and never answers; counts the requests."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self.received: list[bytes] = []
        self._connections: list[socket.socket] = []
        self._threads = [Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._connections.append(connection)
            reading = Thread(target=self._read, args=(connection,))
            self._threads.append(reading)
            reading.start()

    def _read(self, connection: socket.socket) -> None:
        try:
            while received := connection.recv(65_536):
                self.received.append(received)
                if b"CLIENT" in received:
                    connection.sendall(b"+OK\r\n" * received.count(b"CLIENT"))
        except OSError:
            return

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._connections:
            connection.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def silent() -> Iterator[_SilentServer]:
    server = _SilentServer()
    yield server
    server.close()


def test_a_server_that_does_not_answer_is_asked_once_and_reported(silent: _SilentServer) -> None:
    link = RedisLink(read_address(silent.url), 0.2)
    with pytest.raises(EphemeralStoreUnavailableError):
        link.run("note", ["{p0}:events"], b"")
    assert b"".join(silent.received).count(b"EVALSHA") == 1
    link.close()


def test_the_machine_door_asks_a_silent_server_once_and_reports_it(silent: _SilentServer) -> None:
    async def ask() -> None:
        link = AsyncRedisLink(read_address(silent.url), 0.2)
        with pytest.raises(EphemeralStoreUnavailableError):
            await link.run("note", ["{p0}:events"], b"")
        await link.close()

    asyncio.run(ask())
    assert b"".join(silent.received).count(b"EVALSHA") == 1


@pytest.mark.spec("THR-10")
def test_without_a_server_every_answer_is_an_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    store = open_ephemeral(f"redis://127.0.0.1:{port}/0", system_randomness)
    with pytest.raises(EphemeralStoreUnavailableError):
        store.health()
    with pytest.raises(EphemeralStoreUnavailableError):
        store.sessions.find("7" + "x" * 43, NOW)
    with pytest.raises(EphemeralStoreUnavailableError):
        asyncio.run(_checked(store))
    store.close()


async def _checked(store: EphemeralStore) -> None:
    try:
        await store.health_async()
    finally:
        await store.close_async()


def test_scripts_that_the_server_forgot_are_sent_again(redis_store: EphemeralStore, redis_url: str) -> None:
    async def use() -> None:
        session = a_session()
        redis_store.sessions.start(session, NOW, NO_EFFECTS)
        with redis.Redis.from_url(redis_url, protocol=2) as server:
            server.script_flush()
        code = a_code(session)
        assert redis_store.codes.issue(code, NO_EFFECTS)
        with redis.Redis.from_url(redis_url, protocol=2) as server:
            server.script_flush()
        assert await redis_store.grants.find_code(code.handle, NOW) is not None
        await redis_store.close_async()

    asyncio.run(use())


def test_the_machine_door_reconnects_after_its_connection_was_cut(redis_store: EphemeralStore, redis_url: str) -> None:
    async def use() -> None:
        session = a_session()
        redis_store.sessions.start(session, NOW, NO_EFFECTS)
        code = a_code(session)
        assert redis_store.codes.issue(code, NO_EFFECTS)
        assert await redis_store.grants.find_code(code.handle, NOW) is not None
        with redis.Redis.from_url(redis_url, protocol=2) as server:
            server.client_kill_filter(_type="normal", skipme=True)
        failures = 0
        while failures < 3:
            try:
                await redis_store.health_async()
                break
            except EphemeralStoreUnavailableError:
                failures += 1
        assert failures <= 1
        assert await redis_store.grants.find_code(code.handle, NOW) is not None
        await redis_store.close_async()

    asyncio.run(use())


def test_the_people_s_door_reconnects_after_its_connection_was_cut(redis_store: EphemeralStore, redis_url: str) -> None:
    transaction = a_transaction()
    redis_store.transactions.open(transaction, NO_EFFECTS)
    with redis.Redis.from_url(redis_url, protocol=2) as server:
        server.client_kill_filter(_type="normal", skipme=True)
    assert redis_store.transactions.find(transaction.handle, NOW) == transaction


def test_answers_reach_their_askers_even_when_some_have_left(redis_store: EphemeralStore) -> None:
    async def use() -> None:
        session = a_session()
        redis_store.sessions.start(session, NOW, NO_EFFECTS)
        codes = [a_code(session) for _ in range(40)]
        for code in codes:
            assert redis_store.codes.issue(code, NO_EFFECTS)
        await redis_store.health_async()
        asked = [asyncio.ensure_future(redis_store.grants.find_code(code.handle, NOW)) for code in codes]
        await asyncio.sleep(0)
        for gone in asked[::3]:
            gone.cancel()
        found: list[Any] = await asyncio.gather(*asked, return_exceptions=True)
        for index, (code, answer) in enumerate(zip(codes, found, strict=True)):
            if index % 3:
                assert answer[0] == code
            else:
                assert isinstance(answer, asyncio.CancelledError)
        await redis_store.close_async()

    asyncio.run(use())


def test_a_password_and_a_database_are_used_by_both_doors(tmp_path: Path) -> None:
    async def use() -> None:
        session = a_session()
        store.sessions.start(session, NOW, NO_EFFECTS)
        code = a_code(session)
        assert store.codes.issue(code, NO_EFFECTS)
        done = await store.grants.redeem_code(
            code.handle, a_grant(code), NOW, if_redeemed=because_of("redeemed"), if_replayed=NO_EFFECTS
        )
        assert done == Redemption.REDEEMED
        await store.close_async()

    socket_path = tmp_path / "redis.sock"
    options = ("--requirepass", "of-the-test", "--unixsocket", str(socket_path))
    with running_redis(tmp_path, *options) as url:
        for address in (url.replace("/0", "/3"), f"unix://{socket_path}?db=4"):
            store = open_ephemeral(address, system_randomness, password="of-the-test")
            asyncio.run(use())
            assert drained(store.spool) == ["redeemed"]
            store.close()
            refused = open_ephemeral(address, system_randomness, password="another")
            with pytest.raises(EphemeralStoreUnavailableError):
                refused.health()
            with pytest.raises(EphemeralStoreUnavailableError):
                asyncio.run(_checked(refused))
            refused.close()
