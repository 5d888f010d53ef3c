"""The spool, on every engine: told once, in order, leased, and only what happened."""

from collections.abc import Sequence

import pytest

from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing, because
from gateway.journal.events import Event, Outcome
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, open_ephemeral
from tests.contract.ephemeral.conftest import AtOnce
from tests.contract.ephemeral.ephemeral_samples import (
    MILLISECOND,
    NOW,
    a_session,
    a_transaction,
    because_of,
    drained,
    sending,
)

FULL_EVENT = Event(
    name="token.issued",
    outcome=Outcome.SUCCESS,
    at=NOW,
    reason='é "quoted" \u2028',
    actor="account",
    target="account",
    structure="990000002",
    client="orientation",
    method="code",
    acr="urn:passerelle:acr:pwd",
    session="reference",
    ip="127.0.0.1",
    user_agent="hash",
    request="incident",
    details={"scope": "openid profile", "count": 2},
)


class _Journal:
    """As the durable one: a spool identifier is written once."""

    def __init__(self) -> None:
        self.lines: dict[str, Event] = {}

    def append_spooled(self, lines: Sequence[tuple[str, Event]]) -> None:
        for spool_id, event in lines:
            self.lines.setdefault(spool_id, event)


def test_effects_come_back_as_they_were(store: EphemeralStore) -> None:
    item = Outgoing("one_time_code", {"challenge": "7abc", "send_number": 2, "account": "x", "channel": "email"})
    store.spool.note(because(FULL_EVENT, outgoing=(item,)))
    assert [event for _, event in store.spool.take_events(10)] == [FULL_EVENT]
    assert [(sent, tries) for _, sent, tries in store.spool.take_outgoing(NOW, 10, 60)] == [(item, 0)]


def test_no_effects_leave_nothing(store: EphemeralStore) -> None:
    store.transactions.open(a_transaction(), NO_EFFECTS)
    store.spool.note(NO_EFFECTS)
    assert store.spool.backlog() == 0
    assert store.spool.take_events(10) == []
    assert store.spool.take_outgoing(NOW, 10, 60) == []


def test_lines_keep_their_identifiers_until_they_are_dropped(store: EphemeralStore) -> None:
    store.spool.note(because_of("first"))
    taken = store.spool.take_events(10)
    assert store.spool.take_events(10) == taken
    store.spool.drop_events([taken[0][0]])
    store.spool.drop_events([taken[0][0]])
    assert store.spool.take_events(10) == []


def test_a_drain_that_died_before_it_dropped_tells_nothing_twice(store: EphemeralStore) -> None:
    journal = _Journal()
    for number in range(40):
        store.spool.note(because_of(str(number)))
    journal.append_spooled(store.spool.take_events(25))
    while lines := store.spool.take_events(25):
        journal.append_spooled(lines)
        store.spool.drop_events([spool_id for spool_id, _ in lines])
    assert sorted(int(event.reason or "") for event in journal.lines.values()) == list(range(40))


def test_parallel_drains_tell_each_line_once(store: EphemeralStore, at_once: AtOnce) -> None:
    journal = _Journal()
    for number in range(100):
        store.spool.note(because_of(str(number)))

    def drain() -> None:
        lines = store.spool.take_events(30)
        journal.append_spooled(lines)
        store.spool.drop_events([spool_id for spool_id, _ in lines])

    at_once(20, drain)
    while store.spool.backlog():
        drain()
    assert sorted(int(event.reason or "") for event in journal.lines.values()) == list(range(100))


def test_the_lines_of_one_account_stay_in_order_and_none_is_missed(store: EphemeralStore) -> None:
    sessions = [a_session() for _ in range(8)]
    for session in sessions:
        store.sessions.start(session, NOW, NO_EFFECTS)
    for number in range(60):
        session = sessions[0] if number % 2 else sessions[number % 8]
        current = store.sessions.find(session.handle, NOW)
        assert current is not None
        assert store.sessions.amend(current, NOW, because_of(f"{sessions.index(session)}:{number}"))
    reasons = [str(reason).split(":") for reason in drained(store.spool, limit=7)]
    assert len(reasons) == 60
    for index in range(8):
        numbers = [int(number) for of, number in reasons if of == str(index)]
        assert numbers == sorted(numbers)


def test_no_more_lines_are_taken_than_asked_for(store: EphemeralStore) -> None:
    for number in range(30):
        store.spool.note(because_of(str(number)))
    assert 1 <= len(store.spool.take_events(4)) <= 4


def test_identifiers_differ_between_stores(
    store: EphemeralStore, ephemeral_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also when the second one is what the first was restored from: both then count from the same number."""
    other_url = f"sqlite:///{tmp_path_factory.mktemp('other')}/ephemeral.db"
    other = open_ephemeral(other_url if ephemeral_url.startswith("sqlite") else ephemeral_url, system_randomness)
    store.spool.note(because_of("one"))
    other.spool.note(because_of("other"))
    ids = {spool_id for one in (store, other) for spool_id, event in one.spool.take_events(10)}
    other.close()
    assert len(ids) == 2


def test_an_item_is_leased_to_one_worker_at_a_time(store: EphemeralStore, at_once: AtOnce) -> None:
    for number in range(30):
        store.spool.note(sending(number))
    taken = [item for batch in at_once(10, lambda: store.spool.take_outgoing(NOW, 5, 60)) for item in batch]
    taken += store.spool.take_outgoing(NOW, 100, 60)
    assert sorted(int(item.payload["number"]) for _, item, _ in taken) == list(range(30))
    assert store.spool.take_outgoing(NOW + 60 - MILLISECOND, 100, 60) == []
    again = store.spool.take_outgoing(NOW + 60, 100, 60)
    assert {item_id for item_id, _, _ in again} == {item_id for item_id, _, _ in taken}
    assert {tries for _, _, tries in again} == {1}


def test_no_more_items_are_taken_than_asked_for_and_all_get_their_turn(store: EphemeralStore) -> None:
    for number in range(20):
        store.spool.note(sending(number))
    numbers = []
    while batch := store.spool.take_outgoing(NOW, 3, 60):
        assert len(batch) <= 3
        numbers += [int(item.payload["number"]) for _, item, _ in batch]
    assert sorted(numbers) == list(range(20))


def test_an_item_that_is_done_is_gone_and_says_so_once(store: EphemeralStore) -> None:
    store.spool.note(sending(1))
    ((item_id, _, _),) = store.spool.take_outgoing(NOW, 10, 60)
    store.spool.done(item_id, because_of("sent"))
    store.spool.done(item_id, because_of("sent"))
    store.spool.retry(item_id, NOW, because_of("failed"))
    assert store.spool.take_outgoing(NOW + 1_000, 10, 60) == []
    assert drained(store.spool) == ["sent"]
    assert store.spool.backlog() == 0


def test_a_retried_item_comes_back_when_it_is_due(store: EphemeralStore) -> None:
    store.spool.note(sending(1))
    ((item_id, item, _),) = store.spool.take_outgoing(NOW, 10, 60)
    store.spool.retry(item_id, NOW + 5, because_of("failed"))
    assert store.spool.take_outgoing(NOW + 5 - MILLISECOND, 10, 60) == []
    assert store.spool.take_outgoing(NOW + 5, 10, 60) == [(item_id, item, 1)]
    assert drained(store.spool) == ["failed"]


def test_items_come_back_in_the_order_of_one_account(store: EphemeralStore) -> None:
    session = a_session()
    store.sessions.start(session, NOW, sending(0))
    store.sessions.amend(session, NOW, sending(1))
    store.sessions.end(session.handle, NOW, Effects(outgoing=sending(2).outgoing + sending(3).outgoing))
    items = [item for _, item, _ in store.spool.take_outgoing(NOW, 10, 60) if item.kind != "backchannel_logout"]
    assert [item.payload["number"] for item in items] == [0, 1, 2, 3]


def test_what_is_spooled_is_there_after_the_store_is_opened_again(store: EphemeralStore, ephemeral_url: str) -> None:
    transaction = a_transaction()
    store.transactions.open(transaction, because_of("opened"))
    store.close()
    again = open_ephemeral(ephemeral_url, system_randomness)
    assert again.transactions.find(transaction.handle, NOW) == transaction
    assert drained(again.spool) == ["opened"]
    again.health()
    again.close()


@pytest.mark.spec("SES-07")
def test_what_waits_can_be_looked_at_without_taking_it(store: EphemeralStore) -> None:
    def call(client: str, sid: str) -> Outgoing:
        return Outgoing("backchannel_logout", {"client": client, "sid": sid, "account": "an-account"})

    first, second, other = call("orientation", "s1"), call("suivi", "s1"), call("suivi", "s2")
    store.spool.note(Effects(outgoing=(first, second, other, Outgoing("notice", {"sid": "s1"}))))

    def seen(**said: str) -> list[tuple[str, str, int]]:
        found = store.spool.waiting("backchannel_logout", **said)
        return sorted((str(item.payload["client"]), str(item.payload["sid"]), tries) for item, tries in found)

    assert seen(sid="s1") == [("orientation", "s1", 0), ("suivi", "s1", 0)]
    assert len(seen()) == 3
    assert seen(sid="s1", client="nobody") == seen(sid="x' OR 1=1 --") == []
    assert seen(sid="s1") == [("orientation", "s1", 0), ("suivi", "s1", 0)], "looking takes nothing"
    for item_id, item, _ in store.spool.take_outgoing(NOW, 10, 60):
        if item == first:
            store.spool.done(item_id, NO_EFFECTS)
        else:
            store.spool.retry(item_id, NOW + 5, NO_EFFECTS)
    assert seen(sid="s1") == [("suivi", "s1", 1)]
