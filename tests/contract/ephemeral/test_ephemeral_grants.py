"""Authorization codes and the grants they become, on every engine."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.oidc.ports import AuthorizationCode, CodeState, Redemption
from gateway.randomness import digest
from gateway.signin.session import Session
from gateway.storage.ephemeral import EphemeralStore, RecordExistsError
from tests.contract.ephemeral.conftest import AtOnce, Run
from tests.contract.ephemeral.ephemeral_samples import (
    MILLISECOND,
    NOW,
    a_code,
    a_grant,
    a_handle,
    a_session,
    an_account,
    because_of,
    drained,
)


@pytest.fixture
def session(store: EphemeralStore) -> Session:
    started = a_session()
    store.sessions.start(started, NOW, NO_EFFECTS)
    return started


@pytest.fixture
def code(store: EphemeralStore, session: Session) -> AuthorizationCode:
    issued = a_code(session)
    assert store.codes.issue(issued, NO_EFFECTS)
    return issued


async def _redeem(store: EphemeralStore, code: AuthorizationCode, now: float = NOW, **changes: Any) -> Redemption:
    return await store.grants.redeem_code(
        code.handle,
        a_grant(code, **changes),
        now,
        if_redeemed=because_of("redeemed"),
        if_replayed=because_of("replayed"),
    )


def test_a_code_comes_back_as_it_was_issued(store: EphemeralStore, run: Run[Any], session: Session) -> None:
    issued = a_code(session)
    assert store.codes.issue(issued, because_of("issued"))
    assert run(store.grants.find_code(issued.handle, NOW)) == (issued, CodeState.FRESH)
    assert run(store.grants.find_code(a_handle(), NOW)) is None
    assert drained(store.spool) == ["issued"]


@pytest.mark.spec("OID-04")
def test_a_code_becomes_its_grant_once(store: EphemeralStore, run: Run[Any], code: AuthorizationCode) -> None:
    assert run(_redeem(store, code)) == Redemption.REDEEMED
    assert run(store.grants.find_grant(code.grant_id, NOW)) == a_grant(code)
    assert run(store.grants.find_code(code.handle, NOW)) == (code, CodeState.SPENT)
    assert run(_redeem(store, code, id=a_handle(code.account_id))) == Redemption.REPLAYED
    assert drained(store.spool) == ["redeemed", "replayed"]


@pytest.mark.spec("OID-04")
def test_a_replay_revokes_the_grant_of_the_first_use(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode
) -> None:
    run(_redeem(store, code))
    second = a_handle(code.account_id)
    assert run(_redeem(store, code, id=second)) == Redemption.REPLAYED
    assert run(store.grants.find_grant(code.grant_id, NOW)) is None
    assert run(store.grants.find_grant(second, NOW)) is None
    assert run(_redeem(store, code)) == Redemption.REPLAYED
    assert run(store.grants.find_grant(code.grant_id, NOW)) is None


@pytest.mark.spec("OID-04")
def test_of_fifty_parallel_redemptions_one_succeeds_and_its_grant_is_dead_afterwards(
    store: EphemeralStore, run: Run[Any], at_once: AtOnce, code: AuthorizationCode
) -> None:
    redeemed = at_once(50, lambda: _redeem(store, code))
    assert redeemed.count(Redemption.REDEEMED) == 1
    assert redeemed.count(Redemption.REPLAYED) == 49
    assert run(store.grants.find_grant(code.grant_id, NOW)) is None
    assert sorted(map(str, drained(store.spool))) == ["redeemed"] + ["replayed"] * 49


@pytest.mark.spec("OID-04")
def test_of_fifty_redemptions_on_one_event_loop_one_succeeds(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode
) -> None:
    async def all_at_once() -> list[Redemption]:
        return await asyncio.gather(*(_redeem(store, code) for _ in range(50)))

    redeemed = run(all_at_once())
    assert redeemed.count(Redemption.REDEEMED) == 1
    assert redeemed.count(Redemption.REPLAYED) == 49
    assert run(store.grants.find_grant(code.grant_id, NOW)) is None


@pytest.mark.spec("OID-04")
def test_a_code_is_unknown_at_its_end_and_not_a_millisecond_before(
    store: EphemeralStore, run: Run[Any], session: Session
) -> None:
    late, in_time = a_code(session, expires_at=NOW + 60), a_code(session, expires_at=NOW + 60)
    for code in (late, in_time):
        assert store.codes.issue(code, NO_EFFECTS)
    assert run(store.grants.find_code(late.handle, NOW + 60)) is None
    assert run(_redeem(store, late, NOW + 60)) == Redemption.UNKNOWN
    assert run(store.grants.find_grant(late.grant_id, NOW + 60)) is None
    assert run(_redeem(store, in_time, NOW + 60 - MILLISECOND)) == Redemption.REDEEMED
    assert drained(store.spool) == ["redeemed"]


@pytest.mark.spec("OID-04")
def test_a_spent_code_is_remembered_until_the_end_of_its_grant(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode
) -> None:
    run(_redeem(store, code, expires_at=NOW + 300))
    last = NOW + 300 - MILLISECOND
    assert run(store.grants.find_code(code.handle, last)) == (code, CodeState.SPENT)
    assert run(store.grants.find_grant(code.grant_id, last)) == a_grant(code)
    assert run(store.grants.find_grant(code.grant_id, NOW + 300)) is None
    assert run(store.grants.find_code(code.handle, NOW + 300)) is None
    assert run(_redeem(store, code, last)) == Redemption.REPLAYED
    assert run(store.grants.find_grant(code.grant_id, last)) is None


@pytest.mark.spec("OID-04")
def test_a_code_whose_session_has_ended_is_unknown(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode
) -> None:
    store.sessions.end(session.handle, NOW, NO_EFFECTS)
    assert run(_redeem(store, code)) == Redemption.UNKNOWN
    assert run(store.grants.find_grant(code.grant_id, NOW)) is None
    assert drained(store.spool) == []


@pytest.mark.spec("OID-04")
def test_a_code_whose_session_has_expired_is_unknown(store: EphemeralStore, run: Run[Any]) -> None:
    session = a_session(idle_seconds=30)
    store.sessions.start(session, NOW, NO_EFFECTS)
    code = a_code(session, expires_at=NOW + 60)
    assert store.codes.issue(code, NO_EFFECTS)
    assert run(_redeem(store, code, NOW + 30)) == Redemption.UNKNOWN
    assert run(store.grants.find_grant(code.grant_id, NOW)) is None
    assert drained(store.spool) == []


@pytest.mark.spec("OID-04")
def test_no_code_is_issued_for_a_session_that_has_ended(store: EphemeralStore, run: Run[Any], session: Session) -> None:
    store.sessions.end(session.handle, NOW, NO_EFFECTS)
    refused = a_code(session)
    assert not store.codes.issue(refused, because_of("issued"))
    assert run(store.grants.find_code(refused.handle, NOW)) is None
    assert drained(store.spool) == []


def test_no_code_is_issued_for_the_session_of_somebody_else(store: EphemeralStore, session: Session) -> None:
    other = an_account(int(session.handle[0], 16))
    assert not store.codes.issue(a_code(session, account_id=other), because_of("issued"))
    assert drained(store.spool) == []


def test_codes_issued_while_their_session_ends_never_survive_it(
    store: EphemeralStore, run: Run[Any], at_once: AtOnce
) -> None:
    session = a_session()
    store.sessions.start(session, NOW, NO_EFFECTS)
    codes = [a_code(session) for _ in range(24)]
    waiting = iter([*codes[:12], None, *codes[12:]])

    def one() -> bool | None:
        code = next(waiting)
        return (
            store.codes.issue(code, NO_EFFECTS) if code else bool(store.sessions.end(session.handle, NOW, NO_EFFECTS))
        )

    at_once(25, one)
    assert [run(store.grants.find_code(code.handle, NOW)) for code in codes] == [None] * 24


def test_a_code_is_issued_once(store: EphemeralStore, run: Run[Any], code: AuthorizationCode) -> None:
    run(_redeem(store, code))
    with pytest.raises(RecordExistsError):
        store.codes.issue(code, because_of("again"))
    assert run(store.grants.find_code(code.handle, NOW)) == (code, CodeState.SPENT)
    assert drained(store.spool) == ["redeemed"]


def test_two_codes_never_share_a_grant(store: EphemeralStore, run: Run[Any], session: Session) -> None:
    first = a_code(session)
    second = a_code(session, grant_id=first.grant_id)
    for code in (first, second):
        assert store.codes.issue(code, NO_EFFECTS)
    run(_redeem(store, first))
    with pytest.raises(RecordExistsError):
        run(_redeem(store, second))
    assert run(store.grants.find_code(second.handle, NOW)) == (second, CodeState.FRESH)


@pytest.mark.spec("OID-04")
def test_a_burnt_code_gives_nothing_any_more(store: EphemeralStore, run: Run[Any], code: AuthorizationCode) -> None:
    run(store.grants.burn_code(code.handle, NOW, because_of("refused")))
    assert run(store.grants.find_code(code.handle, NOW)) == (code, CodeState.SPENT)
    assert run(_redeem(store, code)) == Redemption.REPLAYED
    assert run(store.grants.find_grant(code.grant_id, NOW)) is None
    assert drained(store.spool) == ["refused", "replayed"]


@pytest.mark.spec("OID-04")
def test_burning_a_spent_code_revokes_its_grant(store: EphemeralStore, run: Run[Any], code: AuthorizationCode) -> None:
    run(_redeem(store, code))
    run(store.grants.burn_code(code.handle, NOW, because_of("refused")))
    assert run(store.grants.find_grant(code.grant_id, NOW)) is None
    assert drained(store.spool) == ["redeemed", "refused"]


def test_a_refusal_is_told_even_when_there_is_nothing_left_to_burn(store: EphemeralStore, run: Run[Any]) -> None:
    run(store.grants.burn_code(a_handle(), NOW, because_of("refused")))
    run(store.grants.burn_code("malformed", NOW, because_of("refused too")))
    assert sorted(map(str, drained(store.spool))) == ["refused", "refused too"]


def test_a_grant_belongs_to_the_session_of_its_code_whatever_its_request_says(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode
) -> None:
    other = a_session(session.account_id)
    store.sessions.start(other, NOW, NO_EFFECTS)
    run(_redeem(store, code, session_handle_digest=digest(other.handle)))
    found = run(store.grants.find_grant(code.grant_id, NOW))
    assert found == replace(a_grant(code), session_handle_digest=digest(session.handle))
    store.sessions.end(session.handle, NOW, NO_EFFECTS)
    assert run(store.grants.find_grant(code.grant_id, NOW)) is None


@pytest.mark.parametrize("handle", ["", "x", "é" * 44, "7" + "\udcff" * 43, "7" * 5_000, "7{p1}:session"])
def test_what_was_never_drawn_is_unknown(
    store: EphemeralStore, run: Run[Any], code: AuthorizationCode, handle: str
) -> None:
    assert run(store.grants.find_code(handle, NOW)) is None
    assert run(store.grants.find_grant(handle, NOW)) is None
    assert run(_redeem(store, replace(code, handle=handle))) == Redemption.UNKNOWN


MINUTE = 60.0


async def _used(store: EphemeralStore, code: AuthorizationCode, now: float, jti: str = "unsilenced") -> Any:
    return await store.grants.use_session(code.grant_id, now, jti=jti, least_seconds=MINUTE)


def _life(grant: Any) -> tuple[float, float]:
    return grant.session_idle_at, grant.session_ends_at


def test_what_a_session_gave_says_when_the_session_ends(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode
) -> None:
    life = (NOW + session.idle_seconds, session.absolute_end)
    found, _ = run(store.grants.find_code(code.handle, NOW))
    assert found.session_idle_at == life[0]
    run(_redeem(store, code))
    assert _life(run(store.grants.find_grant(code.grant_id, NOW))) == life
    store.sessions.use(session.handle, NOW + 10)
    assert _life(run(store.grants.find_grant(code.grant_id, NOW + 10))) == (life[0] + 10, life[1])


@pytest.mark.spec("SES-03")
def test_use_told_by_an_application_moves_the_idle_end_and_never_the_absolute_one(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode
) -> None:
    run(_redeem(store, code, expires_at=session.absolute_end))
    at, idle = NOW, session.idle_seconds
    while at + idle - 1 < session.absolute_end:
        at += idle - 1
        assert _life(run(_used(store, code, at))) == (min(at + idle, session.absolute_end), session.absolute_end)
    assert run(_used(store, code, session.absolute_end - MILLISECOND)) is not None
    assert run(_used(store, code, session.absolute_end)) is None
    assert store.sessions.find(session.handle, session.absolute_end) is None


@pytest.mark.spec("SES-03")
def test_use_is_counted_once_a_minute(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode
) -> None:
    run(_redeem(store, code))
    idle = session.idle_seconds
    assert _life(run(_used(store, code, NOW + MINUTE - MILLISECOND)))[0] == NOW + idle
    assert _life(run(_used(store, code, NOW + MINUTE)))[0] == NOW + MINUTE + idle
    assert _life(run(_used(store, code, NOW)))[0] == NOW + MINUTE + idle, "a clock that went back takes nothing away"


@pytest.mark.spec("SES-03")
def test_of_parallel_uses_none_is_lost_and_none_gives_more_than_the_latest(
    store: EphemeralStore, run: Run[Any], at_once: AtOnce, session: Session, code: AuthorizationCode
) -> None:
    run(_redeem(store, code))
    now = NOW + 2 * MINUTE
    assert {_life(grant)[0] for grant in at_once(20, lambda: _used(store, code, now))} == {now + session.idle_seconds}
    kept = store.sessions.find(session.handle, now)
    assert kept is not None
    assert kept.last_used_at == now
    assert kept.version == session.version, "nobody's amendment is disturbed"


@pytest.mark.spec("SES-03", "SES-05")
def test_a_dead_session_grant_or_token_is_not_used(
    store: EphemeralStore, run: Run[Any], session: Session, code: AuthorizationCode
) -> None:
    run(_redeem(store, code, expires_at=session.absolute_end))
    assert run(store.grants.use_session("nonsense", NOW, jti="x", least_seconds=MINUTE)) is None
    jti = f"{code.grant_id}.silenced"
    run(store.grants.silence(jti, NOW + 300, NOW, NO_EFFECTS))
    assert run(_used(store, code, NOW + MINUTE, jti)) is None
    assert _life(run(store.grants.find_grant(code.grant_id, NOW + MINUTE)))[0] == NOW + session.idle_seconds
    assert run(_used(store, code, NOW + session.idle_seconds)) is None, "an idle session is not brought back"
    store.sessions.end(session.handle, NOW, NO_EFFECTS)
    assert run(_used(store, code, NOW + MINUTE)) is None
