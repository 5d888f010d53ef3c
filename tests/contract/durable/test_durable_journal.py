"""The journal and the outbox, on both engines."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Thread
from threading import Event as Signal

import pytest
import sqlalchemy as sa

from gateway.journal.effects import Effects, Outgoing
from gateway.journal.events import Event, Outcome
from gateway.storage.sql import Database, tables
from gateway.storage.sql.broken_rule import BrokenRuleError
from gateway.storage.sql.effects import record
from tests.contract.durable.samples import NOW, an_account, lines, told

FULL = Event(
    "signin.password",
    Outcome.REFUSED,
    NOW,
    reason="wrong",
    actor="a",
    target="t",
    structure="s",
    client="c",
    method="pwd",
    acr="urn:passerelle:acr:pwd",
    session="h",
    ip="192.0.2.1",
    user_agent="u",
    request="r",
    details={"attempts": 2, "channel": "é\r\n"},
)
DUE = (Outgoing("link", {"link": "l", "number": 3}),)


@pytest.mark.spec("LOG-02")
def test_a_line_is_read_as_it_was_written_with_its_number_and_its_node(database: Database, raw: sa.Engine) -> None:
    sparse = Event("session.ended", Outcome.SUCCESS, NOW)
    database.journal.append((FULL, sparse), node="node-7")
    read = list(database.journal.read())
    assert [event for _, event in read] == [FULL, sparse]
    first, second = (number for number, _ in read)
    assert first < second
    assert list(database.journal.read(after=first)) == [(second, sparse)]
    assert list(database.journal.read(limit=1)) == [(first, FULL)]
    with raw.connect() as connection:
        rows = connection.execute(sa.select(tables.journal)).all()
    assert {(row.node, row.schema_version, row.spool_id) for row in rows} == {("node-7", 1, None)}


def test_a_line_that_commits_with_its_cause_names_the_process(
    open_database: Callable[..., Database], raw: sa.Engine
) -> None:
    database = open_database(node="node-9")
    database.initialise_purpose_keys(told("gateway.initialised"))
    with raw.connect() as connection:
        assert connection.execute(sa.select(tables.journal.c.node)).scalars().all() == ["node-9"]


def test_a_spooled_line_is_written_once(database: Database, raw: sa.Engine) -> None:
    other = Event("session.ended", Outcome.SUCCESS, NOW)
    database.journal.append_spooled([("1.a", FULL), ("2.a", other)], node="node-1")
    database.journal.append_spooled([("2.a", FULL), ("3.a", FULL), ("1.a", FULL)], node="node-2")
    database.journal.append_spooled([], node="node-2")
    assert [event for _, event in database.journal.read()] == [FULL, other, FULL]
    with raw.connect() as connection:
        rows = connection.execute(sa.select(tables.journal).order_by(tables.journal.c.seq)).all()
    assert [(row.spool_id, row.node) for row in rows] == [("1.a", "node-1"), ("2.a", "node-1"), ("3.a", "node-2")]


def test_lines_drained_by_several_processes_at_once_are_written_once(
    database: Database, open_database: Callable[..., Database]
) -> None:
    databases = [open_database() for _ in range(4)]
    start = Barrier(4)

    def drain(process: Database) -> None:
        start.wait()
        for first in range(0, 20, 2):
            process.journal.append_spooled([(f"{first + n}.a", FULL) for n in range(4)], node="n")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(drain, databases))
    assert len(lines(database)) == 22


def test_a_drain_that_fails_writes_nothing_and_can_be_done_again(database: Database, raw: sa.Engine) -> None:
    unwritable = Event("session.ended", Outcome.SUCCESS, None)  # type: ignore[arg-type]
    with pytest.raises(BrokenRuleError):
        database.journal.append_spooled([("1.a", FULL), ("2.a", unwritable)], node="n")
    assert lines(database) == []
    database.journal.append_spooled([("1.a", FULL), ("2.a", FULL)], node="n")
    assert len(lines(database)) == 2


def test_a_hostile_value_does_not_stop_the_journal(database: Database) -> None:
    hostile = Event("client.refused", Outcome.REFUSED, NOW, client="a\0b\ud800", details={"error": "\0\ud800"})
    database.journal.append((hostile,), node="n")
    ((_, read),) = database.journal.read()
    assert read.client == "a\ufffdb\ufffd"


def test_a_reader_that_goes_on_after_a_number_misses_no_line_of_a_slower_writer(
    database: Database, raw: sa.Engine
) -> None:
    """A line gets its number only when every smaller number has been committed."""
    slow_has_its_number, reader_is_done = Signal(), Signal()

    def slow() -> None:
        with raw.begin() as connection:
            record(connection, told("key.staged"), node="slow")
            slow_has_its_number.set()
            reader_is_done.wait(1)  # the other writer must not get through meanwhile

    writer = Thread(target=slow)
    writer.start()
    assert slow_has_its_number.wait(5)
    fast = Thread(target=lambda: database.journal.append((FULL,), node="fast"))
    fast.start()
    fast.join(0.2)
    seen_early = list(database.journal.read())
    reader_is_done.set()
    fast.join()
    writer.join()
    last = seen_early[-1][0] if seen_early else 0
    assert [event.name for _, event in (*seen_early, *database.journal.read(after=last))] == [
        "key.staged",
        "signin.password",
    ]


# The outbox


def test_a_taken_item_comes_back_only_when_its_lease_is_over(database: Database) -> None:
    database.accounts.create(an_account(), Effects(outgoing=DUE))
    ((item, kind, payload, tries),) = database.outbox.take(NOW, lease_seconds=60)
    assert (kind, payload, tries) == ("link", {"link": "l", "number": 3}, 0)
    assert database.outbox.take(NOW + 59.9) == []
    assert database.outbox.take(NOW + 60) == [(item, kind, payload, 1)]


def test_a_done_item_is_gone_with_its_line(database: Database) -> None:
    database.accounts.create(an_account(), Effects(outgoing=DUE))
    ((item, *_),) = database.outbox.take(NOW)
    database.outbox.done(item, told("link.sent"))
    assert database.outbox.take(NOW + 3600) == []
    assert lines(database) == ["link.sent"]


def test_a_failed_item_comes_back_when_it_was_told_to(database: Database) -> None:
    database.accounts.create(an_account(), Effects(outgoing=DUE))
    ((item, *_),) = database.outbox.take(NOW)
    database.outbox.retry(item, at=NOW + 300, effects=told("message.failed"))
    assert database.outbox.take(NOW + 299.9) == []
    assert [taken[3] for taken in database.outbox.take(NOW + 300)] == [1]
    assert lines(database) == ["message.failed"]


def test_an_item_that_another_process_has_done_takes_no_more_effects(database: Database) -> None:
    database.accounts.create(an_account(), Effects(outgoing=DUE))
    ((item, *_),) = database.outbox.take(NOW)
    database.outbox.done(item, told("link.sent"))
    database.outbox.done(item, told("link.sent"))
    database.outbox.retry(item, at=NOW, effects=told("message.failed"))
    assert database.outbox.take(NOW + 3600) == []
    assert lines(database) == ["link.sent"]


def test_items_are_taken_in_order_and_no_more_than_asked(database: Database) -> None:
    database.accounts.create(an_account(), Effects(outgoing=tuple(Outgoing("n", {"i": i}) for i in range(5))))
    assert [item[2]["i"] for item in database.outbox.take(NOW, limit=3)] == [0, 1, 2]
    assert [item[2]["i"] for item in database.outbox.take(NOW, limit=3)] == [3, 4]


def test_processes_that_take_together_never_get_the_same_item(
    database: Database, open_database: Callable[..., Database]
) -> None:
    database.accounts.create(an_account(), Effects(outgoing=tuple(Outgoing("n", {"i": i}) for i in range(40))))
    databases = [open_database() for _ in range(4)]
    start = Barrier(4)

    def take(process: Database) -> list[str]:
        start.wait()
        return [item[0] for _ in range(10) for item in process.outbox.take(NOW, limit=3)]

    with ThreadPoolExecutor(4) as pool:
        taken = [item for items in pool.map(take, databases) for item in items]
    assert len(taken) == len(set(taken)) == 40


def test_a_process_is_not_held_up_by_another_one_that_is_taking(database: Database, raw: sa.Engine) -> None:
    if raw.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    database.accounts.create(an_account(), Effects(outgoing=tuple(Outgoing("n", {"i": i}) for i in range(4))))
    with raw.begin() as connection:
        connection.execute(sa.select(tables.outbox).order_by(tables.outbox.c.id).limit(2).with_for_update())
        assert [item[2]["i"] for item in database.outbox.take(NOW)] == [2, 3]
