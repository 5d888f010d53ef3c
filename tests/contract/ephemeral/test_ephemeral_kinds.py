"""An artefact of one kind is never usable as another, and no secret handle is kept, on every engine."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.journal.effects import NO_EFFECTS
from gateway.oidc.ports import Redemption
from gateway.signin.ports import CodeVerdict
from gateway.storage.ephemeral import EphemeralStore
from gateway.storage.ephemeral.documents import WrongKindError, dump_grant, load_code
from tests.contract.ephemeral.conftest import Run
from tests.contract.ephemeral.ephemeral_samples import (
    NOW,
    RIGHT_MAC,
    a_challenge,
    a_code,
    a_grant,
    a_pushed_request,
    a_session,
    a_throttle_key,
    a_transaction,
    because_of,
    drained,
    sending,
)
from tests.contract.ephemeral.test_ephemeral_throttle import GROWING


@pytest.fixture
def artefacts(store: EphemeralStore, run: Run[Any]) -> dict[str, str]:
    """A live handle of every kind, all of one account."""
    session = a_session()
    transaction, challenge, code, spent = (
        a_transaction(),
        a_challenge(session.account_id),
        a_code(session),
        a_code(session),
    )
    store.sessions.start(session, NOW, NO_EFFECTS)
    store.transactions.open(transaction, NO_EFFECTS)
    store.one_time_codes.begin(challenge, NO_EFFECTS)
    pushed = a_pushed_request()
    run(store.pushes.push(pushed, NO_EFFECTS))
    for one in (code, spent):
        assert store.codes.issue(one, NO_EFFECTS)
    run(store.grants.redeem_code(spent.handle, a_grant(spent), NOW, if_redeemed=NO_EFFECTS, if_replayed=NO_EFFECTS))
    return {
        "session": session.handle,
        "transaction": transaction.handle,
        "challenge": challenge.id,
        "code": code.handle,
        "grant": spent.grant_id,
        "pushed_request": pushed.handle,
    }


@pytest.mark.parametrize("kind", ["session", "transaction", "challenge", "code", "grant", "pushed_request"])
def test_a_handle_of_one_kind_is_unknown_to_every_other(
    store: EphemeralStore, run: Run[Any], artefacts: dict[str, str], kind: str
) -> None:
    handle = artefacts.pop(kind)
    if kind != "session":
        assert store.sessions.find(handle, NOW) is None
        assert store.sessions.use(handle, NOW) is None
        assert store.sessions.end(handle, NOW, because_of("ended")) is None
        store.sessions.start(a_session(), NOW, NO_EFFECTS, replacing=a_session(handle=handle))
    if kind != "transaction":
        assert store.transactions.find(handle, NOW) is None
        assert not store.transactions.save(a_transaction(handle=handle), NOW, because_of("saved"))
        assert not store.transactions.close(a_transaction(handle=handle), NOW, because_of("closed"))
    if kind != "challenge":
        assert store.one_time_codes.find(handle, NOW) is None
        verdict = store.one_time_codes.attempt(
            handle, RIGHT_MAC, NOW, if_accepted=because_of("accepted"), if_wrong=because_of("wrong")
        )
        assert verdict == (CodeVerdict.DEAD, 0)
    if kind != "code":
        assert run(store.grants.find_code(handle, NOW)) is None
        owner = a_code(a_session())
        redeemed = store.grants.redeem_code(
            handle, a_grant(owner), NOW, if_redeemed=because_of("redeemed"), if_replayed=because_of("replayed")
        )
        assert run(redeemed) == Redemption.UNKNOWN
    if kind != "grant":
        assert run(store.grants.find_grant(handle, NOW)) is None
    if kind != "pushed_request":
        assert store.pushed_requests.take(handle, "orientation", NOW) is None
    assert drained(store.spool) == []
    assert store.sessions.find(artefacts.get("session", handle), NOW) is not None
    assert store.transactions.find(artefacts.get("transaction", handle), NOW) is not None
    assert store.one_time_codes.find(artefacts.get("challenge", handle), NOW) is not None
    assert run(store.grants.find_code(artefacts.get("code", handle), NOW)) is not None
    assert run(store.grants.find_grant(artefacts.get("grant", handle), NOW)) is not None


def test_a_document_of_another_kind_is_not_read() -> None:
    code = a_code(a_session())
    with pytest.raises(WrongKindError):
        load_code(dump_grant(a_grant(code)), code.handle, session_digest=code.session_handle_digest, life=(NOW, NOW))


def _all_that_is_kept(url: str) -> bytes:
    if url.startswith("sqlite:///"):
        folder = Path(url.removeprefix("sqlite:///")).parent
        return b"".join(file.read_bytes() for file in folder.iterdir())
    with redis.Redis.from_url(url, protocol=2) as server:
        kept = b""
        for key in server.scan_iter():
            kind = server.type(key)
            kept += key
            if kind == b"hash":
                kept += repr(server.hgetall(key)).encode()
            elif kind == b"zset":
                kept += repr(server.zrange(key, 0, -1)).encode()
            elif kind == b"stream":
                kept += repr(server.xrange(key)).encode()
        return kept


@pytest.mark.spec("SES-01")
def test_no_secret_handle_is_kept(store: EphemeralStore, ephemeral_url: str, artefacts: dict[str, str]) -> None:
    kept = _all_that_is_kept(ephemeral_url)
    assert b"orientation" in kept
    for kind in ("session", "transaction", "challenge", "code", "pushed_request"):
        assert artefacts[kind].encode() not in kept, kind


def test_what_expired_is_removed_and_what_is_spooled_stays(
    store: EphemeralStore, ephemeral_url: str, artefacts: dict[str, str]
) -> None:
    """In SQLite by a purge; in Redis every key but the spool's has an end of its own."""
    store.throttle.admit(a_throttle_key(), GROWING, NOW, NO_EFFECTS)
    store.throttle.count(a_throttle_key(), limit=1, window_seconds=60, now=NOW)
    store.spool.note(because_of("told") + sending(1))
    if ephemeral_url.startswith("sqlite"):
        assert store.purge(NOW) == 0
        assert store.purge(NOW + 60) == 2  # a fresh code, a window
        assert store.purge(NOW + 86_400 * 31) == 7
        with sqlite3.connect(ephemeral_url.removeprefix("sqlite:///")) as connection:
            tables = ["transactions", "sessions", "codes", "grants", "challenges", "failures", "windows"]
            tables.append("pushed_requests")
            assert [connection.execute(f"SELECT count(*) FROM {table}").fetchone() for table in tables] == [(0,)] * 8
        connection.close()
    else:
        assert store.purge(NOW + 86_400 * 31) == 0
        with redis.Redis.from_url(ephemeral_url, protocol=2) as server:
            eternal = {key.split(b":")[1] for key in server.scan_iter() if server.pttl(key) < 0}
            assert eternal == {b"events", b"outgoing", b"outgoing-items", b"outgoing-last"}
            ends = {key.split(b":")[1]: server.pttl(key) / 1000 for key in server.scan_iter()}
            assert ends[b"session"] == pytest.approx(14_400 + 60, abs=20)
            assert ends[b"sessions-of"] == pytest.approx(14_400 + 60, abs=20)
            assert ends[b"held-by"] == pytest.approx(300 + 60, abs=20)
            assert ends[b"pushed-request"] == pytest.approx(90 + 60, abs=20)
            assert ends[b"transaction"] == pytest.approx(900 + 60, abs=20)
    assert store.spool.backlog() == 2
