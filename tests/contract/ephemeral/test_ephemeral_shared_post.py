"""What a shared post leaves in transactions and sessions, on every engine; records of before it was known."""

from dataclasses import replace

import orjson
import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.signin.shared_post.post import SharedBy
from gateway.storage.ephemeral import EphemeralStore
from gateway.storage.ephemeral.documents import dump_session, dump_transaction, load_session, load_transaction
from tests.contract.ephemeral.ephemeral_samples import MILLISECOND, NOW, a_session, a_transaction


@pytest.mark.parametrize("by", SharedBy)
def test_a_transaction_and_a_session_say_how_their_post_is_shared(store: EphemeralStore, by: SharedBy) -> None:
    session, transaction = a_session(shared=by), a_transaction(shared=by)
    store.sessions.start(session, NOW, NO_EFFECTS)
    store.transactions.open(transaction, NO_EFFECTS)
    found = store.sessions.find(session.handle, NOW)
    assert found == session
    assert found is not None
    assert found.shared is by
    assert store.transactions.find(transaction.handle, NOW) == transaction


@pytest.mark.spec("SES-03")
def test_a_session_that_becomes_shared_dies_of_the_shorter_idleness(store: EphemeralStore) -> None:
    session = a_session(idle_seconds=1_800)
    store.sessions.start(session, NOW, NO_EFFECTS)
    assert store.sessions.amend(replace(session, shared=SharedBy.CHOICE, idle_seconds=300), NOW, NO_EFFECTS)
    found = store.sessions.find(session.handle, NOW + 300 - MILLISECOND)
    assert found == replace(session, shared=SharedBy.CHOICE, idle_seconds=300, version=2)
    assert store.sessions.find(session.handle, NOW + 300) is None
    assert store.sessions.use(session.handle, NOW + 300) is None


@pytest.mark.spec("SES-03")
def test_no_change_of_a_session_makes_its_idle_limit_longer(store: EphemeralStore) -> None:
    session = a_session(idle_seconds=300)
    store.sessions.start(session, NOW, NO_EFFECTS)
    assert store.sessions.amend(replace(session, idle_seconds=1_800), NOW, NO_EFFECTS)
    assert store.sessions.find(session.handle, NOW + 300) is None


def test_records_of_before_shared_posts_are_read_as_not_shared() -> None:
    session, transaction = a_session(), a_transaction()
    older = []
    for document in (dump_session(session), dump_transaction(transaction)):
        content = orjson.loads(document)
        del content["record"]["shared"]
        older.append(orjson.dumps(content))
    limits = {"last_used_at": NOW, "idle_seconds": 1_800, "absolute_end": session.absolute_end, "version": 1}
    assert load_session(older[0], session.handle, **limits) == session  # type: ignore[arg-type]
    assert load_transaction(older[1], transaction.handle) == transaction
