"""Refresh tokens, revoked grants and silenced access tokens, on every engine (OID-09, DECISIONS 8)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.oidc.ports import AuthorizationCode, Redemption, Refresh, RefreshState, Rotation
from gateway.randomness import digest, system_randomness
from gateway.signin.session import Session
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from tests.contract.ephemeral.conftest import AtOnce, Run
from tests.contract.ephemeral.ephemeral_samples import (
    MILLISECOND,
    NOW,
    a_code,
    a_grant,
    a_handle,
    a_session,
    because_of,
    drained,
)

GRACE = 10.0
IDLE = 1800.0
Rotating = Coroutine[Any, Any, Rotation]


def state(generation: int, *, ends_at: float = NOW + IDLE, secret: str = "") -> RefreshState:
    """What is kept of token number `generation`; `secret` tells two of the same number apart."""
    return RefreshState(generation, digest(f"secret {generation} {secret}"), ends_at)


FIRST, SECOND, THIRD = state(0), state(1), state(2)


@pytest.fixture
def session(store: EphemeralStore) -> Session:
    started = a_session()
    store.sessions.start(started, NOW, NO_EFFECTS)
    return started


@pytest.fixture
def code(store: EphemeralStore, run: Run[Any], session: Session) -> AuthorizationCode:
    """Redeemed, with the first refresh token of its grant, which ends with the session."""
    return redeemed(store, run, session)


def redeemed(store: EphemeralStore, run: Run[Any], session: Session, **changes: Any) -> AuthorizationCode:
    code = a_code(session)
    assert store.codes.issue(code, NO_EFFECTS)
    grant = a_grant(code, **{"expires_at": session.absolute_end, **changes})
    given = store.grants.redeem_code(
        code.handle, grant, NOW, if_redeemed=NO_EFFECTS, if_replayed=NO_EFFECTS, refresh=FIRST
    )
    assert run(given) == Redemption.REDEEMED
    return code


@pytest.fixture
def rotate(store: EphemeralStore, code: AuthorizationCode) -> Callable[..., Rotating]:
    def call(
        presented: RefreshState = FIRST,
        successor: RefreshState | None = None,
        now: float = NOW,
        *,
        by: str = "orientation",
        answer: bytes = b"the answer",
        grant_id: str = code.grant_id,
    ) -> Rotating:
        return store.grants.rotate_refresh(
            grant_id,
            presented,
            successor or state(presented.generation + 1, ends_at=now + IDLE),
            now,
            by=by,
            answer=answer,
            grace_seconds=GRACE,
            if_rotated=because_of("rotated"),
            if_reused=because_of("reused"),
        )

    return call


Rotate = Callable[..., Rotating]


def lives(store: EphemeralStore, run: Run[Any], code: AuthorizationCode, now: float = NOW) -> bool:
    return run(store.grants.find_grant(code.grant_id, now)) is not None


# ── rotation ──


@pytest.mark.spec("OID-09")
def test_a_token_is_rotated_with_its_journal_line(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode, rotate: Rotate
) -> None:
    grant = a_grant(code, expires_at=NOW + 14_400)
    assert run(store.grants.find_refresh(code.grant_id, NOW)) == (grant, FIRST)
    assert run(rotate())[:2] == (Refresh.ROTATED, b"")
    assert run(store.grants.find_refresh(code.grant_id, NOW)) == (grant, SECOND)
    assert run(rotate(SECOND))[:2] == (Refresh.ROTATED, b"")
    assert drained(store.spool) == ["rotated", "rotated"]


@pytest.mark.spec("OID-09")
def test_of_fifty_parallel_uses_one_rotates_and_the_others_get_its_answer(
    store: EphemeralStore, run: Run[Any], at_once: AtOnce, code: AuthorizationCode, rotate: Rotate
) -> None:
    number = count()

    def one() -> Rotating:
        mine = next(number)
        return rotate(successor=state(1, secret=str(mine)), answer=b"\x00answer \xff%d" % mine)

    answers = at_once(50, one)
    done = Counter(one.done for one in answers)
    assert done == {Refresh.ROTATED: 1, Refresh.AGAIN: 49}
    kept = {one.kept for one in answers if one.done is Refresh.AGAIN}
    assert len(kept) == 1
    winner = kept.pop().removeprefix(b"\x00answer \xff").decode()
    assert run(store.grants.find_refresh(code.grant_id, NOW))[1] == state(1, secret=winner)
    assert drained(store.spool) == ["rotated"]


@pytest.mark.spec("OID-09")
def test_of_fifty_uses_on_one_event_loop_one_rotates(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode, rotate: Rotate
) -> None:
    async def all_at_once() -> list[Rotation]:
        return await asyncio.gather(*(rotate(successor=state(1, secret=str(n)), answer=b"%d" % n) for n in range(50)))

    answers = run(all_at_once())
    assert Counter(one.done for one in answers) == {Refresh.ROTATED: 1, Refresh.AGAIN: 49}
    assert len({one.kept for one in answers if one.done is Refresh.AGAIN}) == 1
    assert lives(store, run, code)


@pytest.mark.spec("OID-09")
def test_the_answer_comes_back_to_the_octet(run: Run[Any], rotate: Rotate) -> None:
    answer = bytes(range(256)) * 32
    run(rotate(answer=answer))
    assert run(rotate(answer=b"another"))[:2] == (Refresh.AGAIN, answer)
    assert run(rotate(answer=b"another"))[:2] == (Refresh.AGAIN, answer)


@pytest.mark.spec("OID-09")
def test_the_grace_ends_to_the_millisecond_and_then_the_family(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode, rotate: Rotate
) -> None:
    run(rotate())
    assert run(rotate(now=NOW + GRACE - MILLISECOND))[:2] == (Refresh.AGAIN, b"the answer")
    assert run(rotate(now=NOW + GRACE))[:2] == (Refresh.REUSED, b"")
    assert not lives(store, run, code)
    assert run(rotate(SECOND))[:2] == (Refresh.UNKNOWN, b"")
    assert drained(store.spool) == ["rotated", "reused"]


@pytest.mark.spec("OID-09")
def test_the_grace_counts_from_the_first_use_and_is_not_prolonged(run: Run[Any], rotate: Rotate) -> None:
    run(rotate())
    for later in (4.0, 8.0):
        assert run(rotate(now=NOW + later))[0] is Refresh.AGAIN
    assert run(rotate(now=NOW + GRACE + MILLISECOND))[0] is Refresh.REUSED


@pytest.mark.spec("OID-09")
def test_another_holder_within_the_grace_gets_nothing_and_ends_the_family(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode, rotate: Rotate
) -> None:
    run(rotate())
    assert run(rotate(by="orientation another-key"))[:2] == (Refresh.REUSED, b"")
    assert not lives(store, run, code)
    assert drained(store.spool) == ["rotated", "reused"]


@pytest.mark.spec("OID-09")
def test_a_token_of_an_older_generation_ends_the_family_at_once(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode, rotate: Rotate
) -> None:
    run(rotate())
    run(rotate(SECOND))
    assert run(rotate())[:2] == (Refresh.REUSED, b"")
    assert run(rotate(THIRD))[:2] == (Refresh.UNKNOWN, b"")
    assert not lives(store, run, code)
    assert drained(store.spool) == ["rotated", "rotated", "reused"]


@pytest.mark.spec("OID-09")
@pytest.mark.parametrize("presented", [state(0, secret="other"), state(1), state(7)])
def test_a_token_that_was_never_the_live_one_ends_the_family(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode, rotate: Rotate, presented: RefreshState
) -> None:
    assert run(rotate(presented))[0] is Refresh.REUSED
    assert not lives(store, run, code)


@pytest.mark.spec("OID-09")
def test_a_token_dies_at_its_end_and_not_a_millisecond_before(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode, rotate: Rotate
) -> None:
    store.sessions.use(session.handle, NOW + IDLE - 1)
    assert run(rotate(now=NOW + IDLE))[:2] == (Refresh.UNKNOWN, b"")
    assert lives(store, run, code, NOW + IDLE)
    assert run(rotate(now=NOW + IDLE - MILLISECOND))[0] is Refresh.ROTATED
    assert drained(store.spool) == ["rotated"]


@pytest.mark.spec("OID-09")
def test_what_the_caller_says_of_the_end_of_the_presented_token_is_not_believed(run: Run[Any], rotate: Rotate) -> None:
    assert run(rotate(state(0, ends_at=NOW - 1)))[0] is Refresh.ROTATED
    assert run(rotate(state(1, ends_at=NOW + 10**9), now=NOW + IDLE))[0] is Refresh.UNKNOWN


def test_a_token_that_is_not_rotated_lives_longer_and_is_never_reused(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode, rotate: Rotate
) -> None:
    for moment in range(3):
        assert run(rotate(FIRST, state(0, ends_at=NOW + IDLE + moment)))[0] is Refresh.ROTATED
    assert run(store.grants.find_refresh(code.grant_id, NOW))[1] == state(0, ends_at=NOW + IDLE + 2)
    assert drained(store.spool) == ["rotated"] * 3


def test_a_grant_without_a_refresh_token_has_none(store: EphemeralStore, run: Run[Any], session: Session) -> None:
    code = a_code(session)
    store.codes.issue(code, NO_EFFECTS)
    run(store.grants.redeem_code(code.handle, a_grant(code), NOW, if_redeemed=NO_EFFECTS, if_replayed=NO_EFFECTS))
    assert run(store.grants.find_refresh(code.grant_id, NOW)) is None
    given = store.grants.rotate_refresh(
        code.grant_id, FIRST, SECOND, NOW, by="orientation", answer=b"", grace_seconds=GRACE,
        if_rotated=because_of("rotated"), if_reused=because_of("reused"),
    )  # fmt: skip
    assert run(given)[:2] == (Refresh.UNKNOWN, b"")
    assert drained(store.spool) == []


# ── the end of what it hangs on ──


@pytest.mark.spec("OID-09", "SES-05")
def test_a_token_dies_with_its_session(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode, rotate: Rotate
) -> None:
    run(rotate())
    store.sessions.end(session.handle, NOW, NO_EFFECTS)
    assert run(rotate(SECOND))[:2] == (Refresh.UNKNOWN, b"")
    assert run(rotate())[:2] == (Refresh.UNKNOWN, b""), "nor is its last answer told again"
    assert run(store.grants.find_refresh(code.grant_id, NOW)) is None
    assert drained(store.spool) == ["rotated"]


@pytest.mark.spec("OID-09", "SES-08")
def test_a_token_dies_with_all_the_sessions_of_its_person(
    store: EphemeralStore, run: Run[Any], session: Session, rotate: Rotate
) -> None:
    store.sessions.end_sessions_of(session.account_id, NOW, NO_EFFECTS)
    assert run(rotate())[:2] == (Refresh.UNKNOWN, b"")


@pytest.mark.spec("OID-09")
def test_a_token_dies_at_the_idle_end_of_its_session_and_not_a_millisecond_before(
    store: EphemeralStore, run: Run[Any]
) -> None:
    session = a_session(idle_seconds=600)
    store.sessions.start(session, NOW, NO_EFFECTS)
    code = redeemed(store, run, session)

    def rotation(presented: RefreshState, now: float) -> Rotating:
        return store.grants.rotate_refresh(
            code.grant_id, presented, state(presented.generation + 1), now, by="orientation", answer=b"",
            grace_seconds=GRACE, if_rotated=NO_EFFECTS, if_reused=NO_EFFECTS,
        )  # fmt: skip

    assert run(rotation(FIRST, NOW + 600 - MILLISECOND))[0] is Refresh.ROTATED
    assert run(rotation(SECOND, NOW + 600))[0] is Refresh.UNKNOWN


@pytest.mark.spec("OID-09")
def test_a_token_dies_at_the_end_of_its_grant(store: EphemeralStore, run: Run[Any], session: Session) -> None:
    code = redeemed(store, run, session, expires_at=NOW + 900)
    given = store.grants.rotate_refresh(
        code.grant_id, FIRST, SECOND, NOW + 900, by="orientation", answer=b"", grace_seconds=GRACE,
        if_rotated=NO_EFFECTS, if_reused=NO_EFFECTS,
    )  # fmt: skip
    assert run(given)[:2] == (Refresh.UNKNOWN, b"")


@pytest.mark.spec("OID-09", "SES-02")
def test_a_token_and_its_last_answer_survive_a_step_up(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode, rotate: Rotate
) -> None:
    """A renewed session has a new handle: what the old one gave goes on under it, and ends with it."""
    run(rotate())
    renewed = replace(session, handle=a_handle(session.account_id))
    store.sessions.start(renewed, NOW, NO_EFFECTS, replacing=session.handle)
    assert run(rotate(now=NOW + 1))[:2] == (Refresh.AGAIN, b"the answer")
    assert run(rotate(SECOND, now=NOW + 2))[0] is Refresh.ROTATED
    grant, live = run(store.grants.find_refresh(code.grant_id, NOW + 2))
    assert grant.session_handle_digest == digest(renewed.handle)
    assert live.generation == 2
    store.sessions.end(renewed.handle, NOW + 3, NO_EFFECTS)
    assert run(rotate(THIRD, now=NOW + 3))[:2] == (Refresh.UNKNOWN, b"")


@pytest.mark.spec("OID-09", "SES-03")
def test_whoever_gets_an_answer_is_told_until_when_the_session_lives(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode, rotate: Rotate
) -> None:
    jti = f"{code.grant_id}.used"
    before, last = run(rotate())[2:]
    assert last == session.absolute_end
    assert run(store.grants.use_session(code.grant_id, NOW + 5, jti=jti, least_seconds=1)).session_idle_at == before + 5
    assert run(rotate(now=NOW + 6)) == (Refresh.AGAIN, b"the answer", before + 5, last)
    assert run(rotate(SECOND, now=NOW + 7)) == (Refresh.ROTATED, b"", before + 5, last)
    assert run(rotate(now=NOW + 8)) == (Refresh.REUSED, b"", 0.0, 0.0)


@pytest.mark.spec("OID-09")
def test_rotations_during_a_step_up_all_happen_once(
    store: EphemeralStore, run: Run[Any], at_once: AtOnce, session: Session, rotate: Rotate
) -> None:
    renewed = replace(session, handle=a_handle(session.account_id))
    turns = count()

    def one() -> Any:
        if next(turns) == 10:
            return store.sessions.start(renewed, NOW, NO_EFFECTS, replacing=session.handle)
        return rotate()

    answers = [answer for answer in at_once(25, one) if answer is not None]
    assert Counter(one.done for one in answers) == {Refresh.ROTATED: 1, Refresh.AGAIN: 23}


@pytest.mark.spec("OID-04", "OID-09")
def test_a_replay_of_the_code_hours_later_ends_the_family(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode, rotate: Rotate
) -> None:
    run(rotate())
    later = NOW + IDLE - 1
    replay = store.grants.redeem_code(
        code.handle, a_grant(code), later, if_redeemed=because_of("redeemed"), if_replayed=because_of("replayed"),
        refresh=FIRST,
    )  # fmt: skip
    assert run(replay) == Redemption.REPLAYED
    assert run(rotate(SECOND, now=later))[:2] == (Refresh.UNKNOWN, b"")
    assert drained(store.spool) == ["rotated", "replayed"]


# ── revocation ──


@pytest.mark.spec("OID-09")
def test_a_revoked_grant_is_dead_with_its_refresh_token_and_revoked_once(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode, rotate: Rotate
) -> None:
    assert run(store.grants.revoke_grant(code.grant_id, NOW, because_of("revoked")))
    assert not lives(store, run, code)
    assert run(rotate())[:2] == (Refresh.UNKNOWN, b"")
    assert not run(store.grants.revoke_grant(code.grant_id, NOW, because_of("again")))
    assert drained(store.spool) == ["revoked"]


def test_a_grant_that_is_not_alive_is_not_revoked(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode
) -> None:
    for unknown in (a_handle(), "x", "", "7{p1}:grant"):
        assert not run(store.grants.revoke_grant(unknown, NOW, because_of("revoked")))
    for late in (NOW + IDLE, session.absolute_end):
        assert not run(store.grants.revoke_grant(code.grant_id, late, because_of("revoked")))
    store.sessions.end(session.handle, NOW, NO_EFFECTS)
    assert not run(store.grants.revoke_grant(code.grant_id, NOW, because_of("revoked")))
    assert drained(store.spool) == []


def test_the_other_grants_of_the_session_live_on(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode
) -> None:
    other = redeemed(store, run, session)
    run(store.grants.revoke_grant(code.grant_id, NOW, NO_EFFECTS))
    assert lives(store, run, other)
    assert store.sessions.find(session.handle, NOW) is not None


@pytest.mark.spec("OID-09")
def test_of_rotations_that_race_a_revocation_none_survives_it(
    store: EphemeralStore, run: Run[Any], at_once: AtOnce, code: AuthorizationCode, rotate: Rotate
) -> None:
    turns = count()

    def one() -> Any:
        if next(turns) % 5 == 2:
            return store.grants.revoke_grant(code.grant_id, NOW, because_of("revoked"))
        return rotate()

    answers = at_once(25, one)
    assert [answer for answer in answers if isinstance(answer, bool)].count(True) == 1
    done = Counter(answer[0] for answer in answers if isinstance(answer, tuple))
    assert done[Refresh.ROTATED] <= 1
    assert done[Refresh.REUSED] == 0
    assert not lives(store, run, code)
    assert run(rotate(SECOND))[:2] == (Refresh.UNKNOWN, b"")
    said = drained(store.spool)
    assert said.count("revoked") == 1
    assert said.count("rotated") == done[Refresh.ROTATED]


# ── one access token silenced ──


def test_a_silenced_access_token_finds_no_grant_and_its_sisters_do(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode
) -> None:
    jti, sister = f"{code.grant_id}.one", f"{code.grant_id}.two"
    assert run(store.grants.silence(jti, NOW + 300, NOW, because_of("silenced")))
    assert not run(store.grants.silence(jti, NOW + 300, NOW, because_of("again")))
    assert run(store.grants.find_grant(code.grant_id, NOW, jti=jti)) is None
    assert run(store.grants.find_grant(code.grant_id, NOW, jti=sister)) is not None
    assert lives(store, run, code)
    assert run(store.grants.is_silenced(jti, NOW)) and not run(store.grants.is_silenced(sister, NOW))
    assert drained(store.spool) == ["silenced"]


def test_a_token_without_grant_is_silenced_until_its_end(store: EphemeralStore, run: Run[Any]) -> None:
    jti = a_handle()
    assert not run(store.grants.is_silenced(jti, NOW))
    assert not run(store.grants.silence(jti, NOW, NOW, because_of("too late")))
    assert run(store.grants.silence(jti, NOW + 300, NOW, because_of("silenced")))
    assert run(store.grants.is_silenced(jti, NOW + 300 - MILLISECOND))
    assert not run(store.grants.is_silenced(jti, NOW + 300))
    assert drained(store.spool) == ["silenced"]


@pytest.mark.parametrize("jti", ["", "x", "é" * 22, "7" * 5_000, "Z" * 44])
def test_what_was_never_drawn_cannot_be_silenced(store: EphemeralStore, run: Run[Any], jti: str) -> None:
    assert not run(store.grants.silence(jti, NOW + 300, NOW, because_of("silenced")))
    assert not run(store.grants.is_silenced(jti, NOW))
    assert drained(store.spool) == []


def test_of_parallel_silencings_one_is_told(store: EphemeralStore, at_once: AtOnce) -> None:
    jti = a_handle()
    told = at_once(20, lambda: store.grants.silence(jti, NOW + 300, NOW, because_of("silenced")))
    assert told.count(True) == 1
    assert drained(store.spool) == ["silenced"]


def test_a_silence_that_is_over_leaves_no_row_behind(tmp_path: Path) -> None:
    """On SQLite; the keys of Redis expire by themselves."""
    store = open_ephemeral(f"sqlite:///{tmp_path / 'ephemeral.db'}", system_randomness)
    asyncio.run(store.grants.silence(a_handle(), NOW + 300, NOW, NO_EFFECTS))
    assert store.purge(NOW + 300 - MILLISECOND) == 0
    assert store.purge(NOW + 300) == 1
    store.close()
