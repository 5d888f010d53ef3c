"""Sessions, on every engine: limits, replacement, and what dies with a session."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.oidc.ports import CodeState, Redemption
from gateway.randomness import digest, partition_of
from gateway.signin.ended_session import LOGOUT_CALL, logout_calls
from gateway.signin.evidence import Evidence, Means
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


def _grant_id(store: EphemeralStore, run: Run[Any], session: Session) -> str:
    code = a_code(session)
    assert store.codes.issue(code, NO_EFFECTS)
    redeemed = run(
        store.grants.redeem_code(code.handle, a_grant(code), NOW, if_redeemed=NO_EFFECTS, if_replayed=NO_EFFECTS)
    )
    assert redeemed == Redemption.REDEEMED
    return code.grant_id


def test_a_session_comes_back_as_it_was_started(store: EphemeralStore) -> None:
    session = a_session()
    store.sessions.start(session, NOW, because_of("started"))
    assert store.sessions.find(session.handle, NOW) == session
    assert drained(store.spool) == ["started"]


@pytest.mark.spec("SES-03")
def test_a_session_dies_of_idleness_at_the_limit_and_not_a_millisecond_before(store: EphemeralStore) -> None:
    session = a_session(idle_seconds=1_800)
    store.sessions.start(session, NOW, NO_EFFECTS)
    assert store.sessions.find(session.handle, NOW + 1_800 - MILLISECOND) == session
    assert store.sessions.find(session.handle, NOW + 1_800) is None
    assert store.sessions.use(session.handle, NOW + 1_800) is None
    assert not store.sessions.amend(session, NOW + 1_800, because_of("late"))
    used = store.sessions.use(session.handle, NOW + 1_800 - MILLISECOND)
    assert used == replace(session, last_used_at=NOW + 1_800 - MILLISECOND)
    assert drained(store.spool) == []


@pytest.mark.spec("SES-03")
def test_only_use_puts_off_the_idle_limit(store: EphemeralStore) -> None:
    session = a_session(idle_seconds=1_800)
    store.sessions.start(session, NOW, NO_EFFECTS)
    store.sessions.find(session.handle, NOW + 1_000)
    store.sessions.of(session.account_id, NOW + 1_000)
    assert store.sessions.find(session.handle, NOW + 1_800) is None
    store.sessions.use(session.handle, NOW + 1_000)
    found = store.sessions.find(session.handle, NOW + 1_800)
    assert found is not None
    assert found.last_used_at == NOW + 1_000
    assert store.sessions.find(session.handle, NOW + 2_800) is None


@pytest.mark.spec("SES-03")
def test_no_use_puts_off_the_absolute_limit(store: EphemeralStore) -> None:
    session = a_session(idle_seconds=1_800, absolute_end=NOW + 3_000)
    store.sessions.start(session, NOW, NO_EFFECTS)
    for later in (1_500, 2_900, 3_000 - MILLISECOND):
        assert store.sessions.use(session.handle, NOW + later) is not None
    assert store.sessions.use(session.handle, NOW + 3_000) is None
    assert store.sessions.find(session.handle, NOW + 3_000) is None


@pytest.mark.spec("SES-03")
def test_an_amendment_cannot_move_the_limits(store: EphemeralStore) -> None:
    session = a_session(idle_seconds=1_800, absolute_end=NOW + 3_000)
    store.sessions.start(session, NOW, NO_EFFECTS)
    longer = replace(session, absolute_end=NOW + 9_000_000, idle_seconds=9_000_000, last_used_at=NOW + 2_000)
    assert store.sessions.amend(longer, NOW, NO_EFFECTS)
    assert store.sessions.find(session.handle, NOW) == replace(session, version=2)
    assert store.sessions.find(session.handle, NOW + 1_800) is None


def test_use_never_goes_back_in_time(store: EphemeralStore) -> None:
    session = a_session()
    store.sessions.start(session, NOW, NO_EFFECTS)
    store.sessions.use(session.handle, NOW + 10)
    used = store.sessions.use(session.handle, NOW + 5)
    assert used is not None
    assert used.last_used_at == NOW + 10


def test_an_amendment_needs_the_version_that_was_read(store: EphemeralStore) -> None:
    session = a_session()
    store.sessions.start(session, NOW, NO_EFFECTS)
    proved = (*session.evidence, Evidence(Means.SMS_CODE, NOW + 1))
    amended = replace(session, clients=("orientation", "suivi"), active_structure=None, evidence=proved)
    store.sessions.use(session.handle, NOW + 1)
    assert store.sessions.amend(amended, NOW + 1, because_of("first"))
    assert not store.sessions.amend(amended, NOW + 1, because_of("second"))
    assert store.sessions.find(session.handle, NOW + 1) == replace(amended, version=2, last_used_at=NOW + 1)
    assert drained(store.spool) == ["first"]


def test_of_fifty_parallel_amendments_from_one_version_one_succeeds(store: EphemeralStore, at_once: AtOnce) -> None:
    session = a_session()
    store.sessions.start(session, NOW, NO_EFFECTS)
    assert at_once(50, lambda: store.sessions.amend(session, NOW, NO_EFFECTS)).count(True) == 1


def test_of_fifty_parallel_ends_one_gets_the_session(store: EphemeralStore, at_once: AtOnce) -> None:
    session = a_session()
    store.sessions.start(session, NOW, NO_EFFECTS)
    ended = at_once(50, lambda: store.sessions.end(session.handle, NOW, because_of("ended")))
    assert [one for one in ended if one is not None] == [session]
    assert drained(store.spool) == ["ended"]
    assert store.sessions.find(session.handle, NOW) is None
    assert store.sessions.use(session.handle, NOW) is None
    assert not store.sessions.amend(session, NOW, NO_EFFECTS)


def test_the_end_of_a_session_that_has_expired_says_nothing(store: EphemeralStore) -> None:
    session = a_session()
    store.sessions.start(session, NOW, NO_EFFECTS)
    assert store.sessions.end(session.handle, NOW + 1_800, because_of("ended")) is None
    assert drained(store.spool) == []


def test_a_session_takes_its_codes_and_grants_with_it(store: EphemeralStore, run: Run[Any]) -> None:
    session, other = a_session(), a_session()
    for one in (session, other):
        store.sessions.start(one, NOW, NO_EFFECTS)
    grant_id, kept = _grant_id(store, run, session), _grant_id(store, run, other)
    code = a_code(session)
    assert store.codes.issue(code, NO_EFFECTS)
    store.sessions.end(session.handle, NOW, NO_EFFECTS)
    assert run(store.grants.find_grant(grant_id, NOW)) is None
    assert run(store.grants.find_code(code.handle, NOW)) is None
    assert run(store.grants.find_grant(kept, NOW)) is not None
    again = replace(session, sid="again")  # even should the same handle live again, nothing comes back to life
    store.sessions.start(again, NOW, NO_EFFECTS)
    assert run(store.grants.find_grant(grant_id, NOW)) is None
    assert run(store.grants.find_code(code.handle, NOW)) is None


def test_an_expired_session_gives_nothing_any_more(store: EphemeralStore, run: Run[Any]) -> None:
    session = a_session(absolute_end=NOW + 30)
    store.sessions.start(session, NOW, NO_EFFECTS)
    grant_id = _grant_id(store, run, session)
    code = a_code(session)
    assert store.codes.issue(code, NO_EFFECTS)
    assert run(store.grants.find_grant(grant_id, NOW + 30 - MILLISECOND)) is not None
    assert run(store.grants.find_grant(grant_id, NOW + 30)) is None
    assert run(store.grants.find_code(code.handle, NOW + 30)) is None
    assert not store.codes.issue(a_code(session, issued_at=NOW + 30, expires_at=NOW + 90), because_of("issued"))
    assert drained(store.spool) == []


def test_the_sessions_of_an_account_end_together(store: EphemeralStore, run: Run[Any]) -> None:
    account_id = an_account()
    neighbour = a_session(an_account(partition_of(account_id)))
    sessions = [a_session(account_id) for _ in range(3)]
    expired = a_session(account_id, idle_seconds=5)
    for one in (*sessions, neighbour, expired):
        store.sessions.start(one, NOW, NO_EFFECTS)
    grant_ids = [_grant_id(store, run, one) for one in (*sessions, expired)]
    kept = _grant_id(store, run, neighbour)
    later = NOW + 5
    assert {one.sid for one in store.sessions.of(account_id, later)} == {one.sid for one in sessions}
    assert {one.handle for one in store.sessions.of(account_id, later)} == {""}
    assert store.sessions.end_sessions_of(account_id, later, because_of("all ended")) == 3
    assert store.sessions.end_sessions_of(account_id, later, because_of("again")) == 0
    assert store.sessions.of(account_id, later) == []
    assert [run(store.grants.find_grant(grant_id, NOW)) for grant_id in grant_ids] == [None] * 4
    assert store.sessions.find(neighbour.handle, later) is not None
    assert run(store.grants.find_grant(kept, later)) is not None
    assert drained(store.spool) == ["all ended"]


def test_of_parallel_ends_of_an_account_each_session_counts_once(store: EphemeralStore, at_once: AtOnce) -> None:
    account_id = an_account()
    for _ in range(5):
        store.sessions.start(a_session(account_id), NOW, NO_EFFECTS)
    assert sum(at_once(20, lambda: store.sessions.end_sessions_of(account_id, NOW, NO_EFFECTS))) == 5


def test_a_replaced_session_is_dead_and_hands_on_its_grants(store: EphemeralStore, run: Run[Any]) -> None:
    old = a_session()
    new = a_session(old.account_id)
    store.sessions.start(old, NOW, NO_EFFECTS)
    grant_id, waiting, spent = _grant_id(store, run, old), a_code(old), a_code(old)
    for code in (waiting, spent):
        assert store.codes.issue(code, NO_EFFECTS)
    run(store.grants.redeem_code(spent.handle, a_grant(spent), NOW, if_redeemed=NO_EFFECTS, if_replayed=NO_EFFECTS))
    store.sessions.start(new, NOW, because_of("started"), replacing=old)
    assert store.sessions.find(old.handle, NOW) is None
    assert [one.sid for one in store.sessions.of(old.account_id, NOW)] == [new.sid]
    assert not store.codes.issue(a_code(old), NO_EFFECTS)
    moved = run(store.grants.find_grant(grant_id, NOW))
    assert moved is not None
    assert moved.session_handle_digest == digest(new.handle)
    code, state = run(store.grants.find_code(waiting.handle, NOW))
    assert (code.session_handle_digest, state) == (digest(new.handle), CodeState.FRESH)
    replayed = run(
        store.grants.redeem_code(spent.handle, a_grant(spent), NOW, if_redeemed=NO_EFFECTS, if_replayed=NO_EFFECTS)
    )
    assert replayed == Redemption.REPLAYED
    assert run(store.grants.find_grant(spent.grant_id, NOW)) is None
    store.sessions.end(new.handle, NOW, NO_EFFECTS)
    assert run(store.grants.find_grant(grant_id, NOW)) is None
    assert run(store.grants.find_code(waiting.handle, NOW)) is None
    assert drained(store.spool) == ["started"]


@pytest.mark.parametrize("same_partition", [True, False])
def test_a_session_replaced_by_another_persons_hands_on_nothing(
    store: EphemeralStore, run: Run[Any], same_partition: bool
) -> None:
    old = a_session()
    partition = partition_of(old.account_id)
    new = a_session(an_account(partition if same_partition else (partition + 1) % 16))
    store.sessions.start(old, NOW, NO_EFFECTS)
    grant_id = _grant_id(store, run, old)
    code = a_code(old)
    assert store.codes.issue(code, NO_EFFECTS)
    store.sessions.start(new, NOW, NO_EFFECTS, replacing=old)
    assert store.sessions.find(old.handle, NOW) is None
    assert store.sessions.of(old.account_id, NOW) == []
    assert store.sessions.find(new.handle, NOW) == new
    assert run(store.grants.find_grant(grant_id, NOW)) is None
    assert run(store.grants.find_code(code.handle, NOW)) is None


def test_an_expired_session_that_is_replaced_hands_on_nothing(store: EphemeralStore, run: Run[Any]) -> None:
    old = a_session(idle_seconds=10)
    new = a_session(old.account_id, last_used_at=NOW + 10)
    store.sessions.start(old, NOW, NO_EFFECTS)
    grant_id = _grant_id(store, run, old)
    assert not store.sessions.start(new, NOW + 10, NO_EFFECTS, replacing=old)
    assert store.sessions.find(new.handle, NOW + 10) is None
    assert store.sessions.start(new, NOW + 10, NO_EFFECTS)
    assert run(store.grants.find_grant(grant_id, NOW + 10)) is None


@pytest.mark.spec("SES-07")
def test_a_session_is_not_renewed_from_what_it_held_before_an_application_joined_or_after_its_end(
    store: EphemeralStore,
) -> None:
    read = a_session(clients=("one",))
    store.sessions.start(read, NOW, NO_EFFECTS)
    assert store.sessions.amend(replace(read, clients=BOTH), NOW, NO_EFFECTS)
    renewed = a_session(read.account_id, sid=read.sid, clients=read.clients)
    assert not store.sessions.start(renewed, NOW, because_of("started"), replacing=read)
    assert store.sessions.find(renewed.handle, NOW) is None
    joined = store.sessions.find(read.handle, NOW)
    assert joined is not None
    assert joined.clients == BOTH
    assert store.sessions.start(replace(renewed, clients=BOTH), NOW, NO_EFFECTS, replacing=joined)
    once_more = a_session(read.account_id, sid=read.sid, clients=BOTH)
    store.sessions.end(renewed.handle, NOW, NO_EFFECTS)
    assert not store.sessions.start(once_more, NOW, because_of("started"), replacing=renewed)
    assert store.sessions.of(read.account_id, NOW) == []
    assert len(_calls(store)) == len(BOTH)


@pytest.mark.spec("SES-07")
def test_of_renewals_at_once_one_takes_the_session_over(store: EphemeralStore, at_once: AtOnce) -> None:
    read = a_session()
    store.sessions.start(read, NOW, NO_EFFECTS)
    done = at_once(20, lambda: store.sessions.start(a_session(read.account_id), NOW, NO_EFFECTS, replacing=read))
    assert sorted(done) == [False] * 19 + [True]
    assert len(store.sessions.of(read.account_id, NOW)) == 1


@pytest.mark.parametrize("handle", ["", "not a handle", "\udcff"])
def test_a_session_of_another_person_that_is_nowhere_is_replaced_all_the_same(
    store: EphemeralStore, handle: str
) -> None:
    session = a_session()
    assert store.sessions.start(session, NOW, NO_EFFECTS, replacing=a_session(handle=handle))
    assert store.sessions.find(session.handle, NOW) == session


def test_a_handle_is_started_once(store: EphemeralStore) -> None:
    session = a_session()
    store.sessions.start(session, NOW, NO_EFFECTS)
    with pytest.raises(RecordExistsError):
        store.sessions.start(replace(session, sid="another"), NOW, because_of("second"))
    assert store.sessions.find(session.handle, NOW) == session
    assert drained(store.spool) == []


def test_a_session_outside_the_partition_of_its_account_is_refused(store: EphemeralStore) -> None:
    account_id = an_account(3)
    with pytest.raises(ValueError, match="partition"):
        store.sessions.start(a_session(account_id, handle=a_handle(an_account(4))), NOW, NO_EFFECTS)


def _calls(store: EphemeralStore) -> list[tuple[object, object, object]]:
    """Client, sid and account of each logout call that waits, which then waits no more."""
    taken = store.spool.take_outgoing(NOW, 1000, 60)
    for item_id, _, _ in taken:
        store.spool.done(item_id, NO_EFFECTS)
    assert {item.kind for _, item, _ in taken} <= {LOGOUT_CALL}
    return sorted((item.payload["client"], item.payload["sid"], item.payload["account"]) for _, item, _ in taken)


def _expected(*sessions: Session) -> list[tuple[object, object, object]]:
    items = [item for session in sessions for item in logout_calls(session).outgoing]
    return sorted((item.payload["client"], item.payload["sid"], item.payload["account"]) for item in items)


BOTH = ("orientation", "suivi")


@pytest.mark.spec("SES-07")
def test_the_end_of_a_session_is_told_once_to_the_applications_that_have_joined_by_then(
    store: EphemeralStore, at_once: AtOnce
) -> None:
    session = a_session()
    store.sessions.start(session, NOW, NO_EFFECTS)
    assert store.sessions.amend(replace(session, clients=BOTH), NOW, NO_EFFECTS)
    at_once(20, lambda: store.sessions.end(session.handle, NOW, NO_EFFECTS))
    assert _calls(store) == _expected(replace(session, clients=BOTH))
    assert len(_expected(replace(session, clients=BOTH))) == 2


@pytest.mark.spec("SES-07")
def test_a_session_that_nobody_joined_or_that_had_expired_is_told_to_nobody(store: EphemeralStore) -> None:
    lonely, expired = a_session(clients=()), a_session(idle_seconds=5)
    for session in (lonely, expired):
        store.sessions.start(session, NOW, NO_EFFECTS)
        store.sessions.end(session.handle, NOW + 5, NO_EFFECTS)
    assert _calls(store) == []


@pytest.mark.spec("SES-07")
def test_when_all_sessions_of_an_account_end_the_applications_of_each_are_told(store: EphemeralStore) -> None:
    account_id = an_account()
    mine = [a_session(account_id, clients=BOTH), a_session(account_id)]
    expired = a_session(account_id, idle_seconds=5)
    for session in (*mine, expired, a_session(an_account(partition_of(account_id)))):
        store.sessions.start(session, NOW, NO_EFFECTS)
    store.sessions.end_sessions_of(account_id, NOW + 5, because_of("all ended"))
    assert _calls(store) == _expected(*mine)
    assert drained(store.spool) == ["all ended"]


@pytest.mark.spec("SES-07")
@pytest.mark.parametrize("same_partition", [True, False])
def test_the_applications_of_a_session_replaced_by_another_persons_are_told(
    store: EphemeralStore, same_partition: bool
) -> None:
    old = a_session(clients=BOTH)
    partition = partition_of(old.account_id)
    new = a_session(an_account(partition if same_partition else (partition + 1) % 16))
    store.sessions.start(old, NOW, NO_EFFECTS)
    store.sessions.start(new, NOW, NO_EFFECTS, replacing=old)
    assert _calls(store) == _expected(old)


@pytest.mark.spec("SES-07")
def test_a_session_renewed_under_its_name_is_told_to_nobody_and_under_another_name_to_all(
    store: EphemeralStore,
) -> None:
    first = a_session(clients=BOTH)
    renewed = a_session(first.account_id, sid=first.sid, clients=BOTH)
    store.sessions.start(first, NOW, NO_EFFECTS)
    store.sessions.start(renewed, NOW, NO_EFFECTS, replacing=first)
    assert _calls(store) == []
    store.sessions.start(a_session(first.account_id), NOW, NO_EFFECTS, replacing=renewed)
    assert _calls(store) == _expected(renewed)


# ── what its holder does with several ──


@pytest.mark.spec("SES-09")
def test_one_session_ends_by_its_public_name_within_its_account(store: EphemeralStore, run: Run[Any]) -> None:
    account_id = an_account(7)
    here, there, stranger = a_session(account_id), a_session(account_id), a_session(an_account(7))
    for session in (here, there, stranger):
        store.sessions.start(session, NOW, NO_EFFECTS)
    grant = _grant_id(store, run, there)
    assert not store.sessions.end_one_of(account_id, stranger.sid, NOW, because_of("of another"))
    assert store.sessions.end_one_of(account_id, there.sid, NOW, because_of("ended"))
    assert not store.sessions.end_one_of(account_id, there.sid, NOW, because_of("again"))
    assert store.sessions.find(there.handle, NOW) is None
    assert store.sessions.find(here.handle, NOW) == here
    assert store.sessions.find(stranger.handle, NOW) == stranger
    assert run(store.grants.find_grant(grant, NOW)) is None
    assert drained(store.spool) == ["ended"]
    assert [(item.kind, item.payload["sid"]) for _, item, _ in store.spool.take_outgoing(NOW, 9, 0.0)] == [
        (LOGOUT_CALL, there.sid)
    ]


@pytest.mark.spec("SES-09")
def test_all_the_others_end_and_the_one_that_asks_stays(store: EphemeralStore) -> None:
    account_id = an_account()
    here, *others = (a_session(account_id) for _ in range(4))
    for session in (here, *others):
        store.sessions.start(session, NOW, NO_EFFECTS)
    assert store.sessions.end_sessions_of(account_id, NOW, because_of("ended"), sparing=here.handle) == 3
    assert store.sessions.end_sessions_of(account_id, NOW, because_of("nothing"), sparing=here.handle) == 0
    assert [one.sid for one in store.sessions.of(account_id, NOW)] == [here.sid]
    assert drained(store.spool) == ["ended"]


@pytest.mark.spec("SES-10")
def test_of_too_many_sessions_those_opened_first_end(store: EphemeralStore) -> None:
    account_id = an_account()
    opened = [a_session(account_id, started_at=NOW + place) for place in (2, 0, 1)]
    for session in opened:
        store.sessions.start(session, NOW + 3, NO_EFFECTS, at_most=3, if_ousted=because_of("ousted"))
    assert drained(store.spool) == []
    fourth = a_session(account_id, started_at=NOW - 9)
    store.sessions.start(fourth, NOW + 3, NO_EFFECTS, at_most=3, if_ousted=because_of("ousted"))
    assert {one.sid for one in store.sessions.of(account_id, NOW + 3)} == {opened[0].sid, opened[2].sid, fourth.sid}
    assert drained(store.spool) == ["ousted"]
    assert [item.payload["sid"] for _, item, _ in store.spool.take_outgoing(NOW + 3, 9, 0.0)] == [opened[1].sid]


@pytest.mark.spec("SES-10")
def test_of_thirty_sessions_at_once_as_many_stay_as_may(store: EphemeralStore, at_once: AtOnce) -> None:
    account_id = an_account()
    at_once(30, lambda: store.sessions.start(a_session(account_id), NOW, NO_EFFECTS, at_most=5))
    assert len(store.sessions.of(account_id, NOW)) == 5


@pytest.mark.spec("SES-10")
def test_a_session_that_replaces_another_ousts_nobody(store: EphemeralStore) -> None:
    account_id = an_account()
    first, second = a_session(account_id), a_session(account_id)
    for session in (first, second):
        store.sessions.start(session, NOW, NO_EFFECTS, at_most=2)
    renewed = a_session(account_id, sid=first.sid)
    store.sessions.start(renewed, NOW, NO_EFFECTS, at_most=2, if_ousted=because_of("ousted"), replacing=first)
    assert {one.sid for one in store.sessions.of(account_id, NOW)} == {first.sid, second.sid}
    assert drained(store.spool) == []


@pytest.mark.spec("OID-17")
def test_an_application_that_is_withdrawn_loses_what_the_session_gave_it_and_no_other_does(
    store: EphemeralStore, run: Run[Any]
) -> None:
    session = a_session(clients=("orientation", "suivi"))
    store.sessions.start(session, NOW, NO_EFFECTS)
    grant = _grant_id(store, run, session)
    waiting = a_code(session)
    assert store.codes.issue(waiting, NO_EFFECTS)
    other = replace(a_code(session), client_id="suivi")
    assert store.codes.issue(other, NO_EFFECTS)
    without = replace(session, clients=("suivi",))
    assert store.sessions.withdraw(without, "orientation", NOW, because_of("withdrawn"))
    assert not store.sessions.withdraw(without, "orientation", NOW, because_of("again"))
    assert run(store.grants.find_grant(grant, NOW)) is None
    assert run(store.grants.find_code(waiting.handle, NOW)) is None
    assert run(store.grants.find_code(other.handle, NOW)) == (other, CodeState.FRESH)
    assert store.sessions.find(session.handle, NOW) == replace(without, version=2)
    assert drained(store.spool) == ["withdrawn"]
    told = [item.payload for _, item, _ in store.spool.take_outgoing(NOW, 9, 0.0)]
    assert told == [{"client": "orientation", "sid": session.sid, "account": session.account_id}]
    assert not store.sessions.withdraw(replace(without, version=2), "suivi", NOW + 1_800, because_of("late"))


def test_what_its_holder_sees_of_a_session_comes_back(store: EphemeralStore) -> None:
    session = a_session(
        device="Firefox · Windows", place="CH fictif", received=("orientation email",), signin_before=(NOW - 9, "urn:x")
    )
    store.sessions.start(session, NOW, NO_EFFECTS)
    assert store.sessions.find(session.handle, NOW) == session
