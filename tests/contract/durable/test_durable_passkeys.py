"""Passkeys at rest, on both engines, races included."""

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gateway.accounts.account import AccountStatus
from gateway.accounts.authenticator import Passkey
from gateway.accounts.one_time_link import LinkPurpose
from gateway.accounts.ports import PasskeyExistsError, PasskeyUse
from gateway.journal.effects import NO_EFFECTS, Outgoing
from gateway.storage.sql import Database
from gateway.storage.sql.broken_rule import BrokenRuleError
from tests.contract.durable.samples import NOW, a_link, an_account, lines, told

PARALLEL = 8


def a_passkey(name: str = "passkey-1", number: int = 1, **changes: Any) -> Passkey:
    said: dict[str, Any] = {
        "id": name,
        "account_id": an_account(number).id,
        "credential_id": f"credential of {name}".encode(),
        "public_key": b"\xa1\x01\x02",
        "sign_count": 5,
        "aaguid": "00000000-0000-0000-0000-000000000000",
        "backup_eligible": False,
        "backed_up": False,
        "transports": ("hybrid", "internal"),
        "label": "Mon ordinateur",
        "created_at": NOW,
    }
    return Passkey(**(said | changes))


@pytest.fixture
def people(database: Database) -> Database:
    for number in (1, 2):
        database.accounts.create(an_account(number), NO_EFFECTS)
    return database


def enrol(database: Database, passkey: Passkey) -> bool:
    return database.passkeys.enrol(passkey, told("authenticator.added"), at_most=10)


def use(database: Database, sign_count: int, *, name: str = "passkey-1", at: float = NOW + 1) -> PasskeyUse:
    return database.passkeys.use(
        name,
        sign_count=sign_count,
        backed_up=False,
        at=at,
        if_used=told("signin.passkey"),
        if_counter_back=told("authenticator.flagged", outgoing=(Outgoing("notice", {"what": "passkey_flagged"}),)),
    )


def in_parallel(databases: Sequence[Database], act: Callable[[Database, int], object]) -> list[object]:
    results: list[object] = [None] * len(databases)
    gate = threading.Barrier(len(databases))

    def run(place: int) -> None:
        gate.wait()
        results[place] = act(databases[place], place)

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(databases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_a_passkey_is_read_as_it_was_written(people: Database) -> None:
    one = a_passkey(aaguid="00010203-0405-0607-0809-0a0b0c0d0e0f", backup_eligible=True, backed_up=True, transports=())
    assert enrol(people, one)
    assert people.passkeys.find(one.credential_id) == one
    assert list(people.passkeys.of(one.account_id)) == [one]
    assert (people.passkeys.find(b"unknown"), list(people.passkeys.of("nobody\0"))) == (None, [])
    assert lines(people) == ["authenticator.added"]


@pytest.mark.spec("FID-08")
@pytest.mark.parametrize("number", [pytest.param(1, id="the-same-account"), pytest.param(2, id="another-account")])
def test_a_credential_is_somebody_s_for_ever(people: Database, number: int) -> None:
    enrol(people, a_passkey())
    twin = a_passkey("passkey-2", number, credential_id=a_passkey().credential_id)
    with pytest.raises(PasskeyExistsError):
        enrol(people, twin)
    people.passkeys.revoke("passkey-1", NOW, NO_EFFECTS)
    with pytest.raises(PasskeyExistsError):
        enrol(people, twin)
    assert list(people.passkeys.of(twin.account_id)) == []
    assert lines(people) == ["authenticator.added"]


@pytest.mark.spec("FID-08")
def test_of_many_registrations_of_one_credential_at_once_one_stands(
    people: Database, open_database: Callable[..., Database]
) -> None:
    def register(database: Database, place: int) -> bool:
        twin = a_passkey(f"passkey-{place}", 1 + place % 2, credential_id=b"the same")
        try:
            return enrol(database, twin)
        except PasskeyExistsError:
            return False

    stood = in_parallel([people, *[open_database() for _ in range(PARALLEL - 1)]], register)
    assert sorted(map(bool, stood)) == [False] * (PARALLEL - 1) + [True]


def test_the_bound_holds_for_registrations_at_once(people: Database, open_database: Callable[..., Database]) -> None:
    def register(database: Database, place: int) -> bool:
        return database.passkeys.enrol(a_passkey(f"passkey-{place}"), NO_EFFECTS, at_most=3)

    stood = in_parallel([people, *[open_database() for _ in range(PARALLEL - 1)]], register)
    assert sorted(map(bool, stood)) == [False] * (PARALLEL - 3) + [True] * 3


@pytest.mark.spec("FID-07", "AC-116")
@pytest.mark.parametrize(
    ("stored", "new", "verdict"),
    [
        pytest.param(0, 0, PasskeyUse.USED, id="no-counter"),
        pytest.param(0, 1, PasskeyUse.USED, id="a-counter-begins"),
        pytest.param(5, 6, PasskeyUse.USED, id="one-more"),
        pytest.param(5, 2**32 - 1, PasskeyUse.USED, id="the-highest"),
        pytest.param(5, 5, PasskeyUse.COUNTER_BACK, id="the-same"),
        pytest.param(5, 4, PasskeyUse.COUNTER_BACK, id="lower"),
        pytest.param(5, 0, PasskeyUse.COUNTER_BACK, id="a-counter-ends"),
    ],
)
def test_the_counter_goes_forward(people: Database, stored: int, new: int, verdict: PasskeyUse) -> None:
    enrol(people, a_passkey(sign_count=stored))
    assert use(people, new) is verdict
    (kept,) = people.passkeys.of(an_account(1).id)
    used = verdict is PasskeyUse.USED
    assert (kept.sign_count, kept.last_used_at, kept.flagged_at) == (
        (new, NOW + 1, None) if used else (stored, None, NOW + 1)
    )
    assert lines(people)[1:] == ["signin.passkey" if used else "authenticator.flagged"]


@pytest.mark.spec("FID-07")
def test_what_is_flagged_or_revoked_is_gone_and_told_once(people: Database) -> None:
    enrol(people, a_passkey())
    assert [use(people, count) for count in (5, 6, 5)] == [PasskeyUse.COUNTER_BACK, PasskeyUse.GONE, PasskeyUse.GONE]
    assert lines(people).count("authenticator.flagged") == 1
    enrol(people, a_passkey("passkey-2"))
    people.passkeys.revoke("passkey-2", NOW, NO_EFFECTS)
    assert use(people, 6, name="passkey-2") is PasskeyUse.GONE
    assert use(people, 6, name="unknown") is PasskeyUse.GONE


@pytest.mark.spec("FID-07")
def test_of_many_uses_of_one_count_one_goes_on(people: Database, open_database: Callable[..., Database]) -> None:
    enrol(people, a_passkey())
    databases = [people, *[open_database() for _ in range(PARALLEL - 1)]]
    verdicts = in_parallel(databases, lambda database, _: use(database, 6))
    assert verdicts.count(PasskeyUse.USED) == 1
    assert verdicts.count(PasskeyUse.COUNTER_BACK) == 1
    assert lines(people).count("signin.passkey") == lines(people).count("authenticator.flagged") == 1


@pytest.mark.spec("FID-08")
def test_backed_up_without_being_eligible_cannot_be_stored(people: Database) -> None:
    with pytest.raises(BrokenRuleError):
        enrol(people, a_passkey(backed_up=True))
    enrol(people, a_passkey())
    with pytest.raises(BrokenRuleError):
        people.passkeys.use(
            "passkey-1", sign_count=6, backed_up=True, at=NOW, if_used=NO_EFFECTS, if_counter_back=NO_EFFECTS
        )


@pytest.mark.spec("FID-10")
def test_a_passkey_is_named_and_revoked_once(people: Database) -> None:
    enrol(people, a_passkey())
    assert people.passkeys.rename("passkey-1", "Clé \0bleue", told("authenticator.renamed"))
    assert not people.passkeys.revoke("passkey-1", NOW, told("authenticator.removed"), unless=lambda: True)
    assert people.passkeys.revoke("passkey-1", NOW + 2, told("authenticator.removed"))
    assert not people.passkeys.revoke("passkey-1", NOW + 3, told("authenticator.removed"))
    assert not people.passkeys.rename("passkey-1", "x", told("authenticator.renamed"))
    assert not people.passkeys.revoke("unknown\0", NOW, told("authenticator.removed"))
    kept = people.passkeys.find(a_passkey().credential_id)
    assert kept == a_passkey(label="Clé \ufffdbleue", revoked_at=NOW + 2)
    assert list(people.passkeys.of(an_account(1).id)) == []
    assert lines(people) == ["authenticator.added", "authenticator.renamed", "authenticator.removed"]


@pytest.mark.spec("FID-10")
def test_two_removals_at_once_cannot_each_count_on_the_other(
    people: Database, open_database: Callable[..., Database]
) -> None:
    """`unless` is asked under a lock on the account: it sees what the other removal wrote."""
    for name in ("passkey-1", "passkey-2"):
        enrol(people, a_passkey(name))

    def remove(database: Database, place: int) -> bool:
        mine = f"passkey-{1 + place}"

        def the_last() -> bool:
            return not [one for one in database.passkeys.of(an_account(1).id) if one.id != mine]

        return database.passkeys.revoke(mine, NOW, NO_EFFECTS, unless=the_last)

    assert sorted(map(bool, in_parallel([people, open_database()], remove))) == [False, True]


@pytest.mark.spec("RST-11")
def test_an_activation_writes_the_account_and_its_passkey_together_or_not_at_all(people: Database) -> None:
    invited = an_account(3, status=AccountStatus.INVITED)
    people.accounts.create(invited, NO_EFFECTS)
    link = a_link(invited, purpose=LinkPurpose.ACTIVATION)
    people.links.issue(link, NO_EFFECTS)
    active = dataclasses.replace(invited, status=AccountStatus.ACTIVE, email_verified_at=NOW)
    enrol(people, a_passkey())
    taken = a_passkey("passkey-3", 3, credential_id=a_passkey().credential_id)
    with pytest.raises(PasskeyExistsError):
        people.passkeys.activate(taken, active, link, NOW, told("account.activated"))
    assert people.accounts.get(invited.id) == invited
    assert not people.passkeys.activate(a_passkey("passkey-3", 3), active, link, link.expires_at, NO_EFFECTS)
    assert people.passkeys.activate(a_passkey("passkey-3", 3), active, link, NOW, told("account.activated"))
    assert people.accounts.get(invited.id) == active
    assert not people.passkeys.activate(a_passkey("passkey-4", 3), active, link, NOW, told("account.activated"))
    assert [one.id for one in people.passkeys.of(invited.id)] == ["passkey-3"]
    assert lines(people).count("account.activated") == 1
