"""Recoveries by two people, on both engines: who they are is the database's rule too, and of parallel steps one writes."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.accounts.account import Account
from gateway.accounts.authenticator import Passkey, RecoveryCodes, TotpAuthenticator
from gateway.accounts.contact_change import Contact, ContactChange
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.ports import AccountExistsError, NotTwoPeopleError, PasskeyExistsError
from gateway.accounts.recovery import Reason, Recovery, RecoveryState
from gateway.journal.effects import NO_EFFECTS
from gateway.storage.sql import Database
from tests.contract.durable.samples import NOW, a_device, a_link, a_structure, an_account, lines, told

PERSON, FIRST, SECOND = an_account(1, email_verified_at=NOW), an_account(2), an_account(3)
PLACE = a_structure()
UNTIL = NOW + 1000


@pytest.fixture
def people(database: Database) -> Database:
    for account in (PERSON, FIRST, SECOND):
        database.accounts.create(account, NO_EFFECTS)
    database.structures.put([PLACE], NO_EFFECTS)
    return database


def a_recovery(name: str = "recovery-1", **changes: Any) -> Recovery:
    made = Recovery(name, PERSON.id, PLACE.id, Reason.STOLEN, FIRST.id, NOW, UNTIL)
    return dataclasses.replace(made, **changes)


def stopping(recovery: Recovery) -> OneTimeLink:
    return a_link(PERSON, recovery.id, purpose=LinkPurpose.STOP_RECOVERY, expires_at=NOW + 9_999)


def a_sheet(name: str = "sheet-1", **changes: Any) -> OneTimeLink:
    return a_link(PERSON, name, purpose=LinkPurpose.RECOVERY, printed_by=FIRST.id, **changes)


def opened(database: Database, **changes: Any) -> Recovery:
    recovery = a_recovery(**changes)
    assert database.recoveries.open(recovery, stopping(recovery), told("recovery.opened"))
    return recovery


def decided(database: Database, by: str | None = SECOND.id, **changes: Any) -> bool:
    said: dict[str, Any] = {"approved": True, "by_region": None, "at": NOW + 1, "expires_at": NOW + 2000, **changes}
    return database.recoveries.decide("recovery-1", by=by, effects=told("recovery.approved"), **said)


def approved(database: Database) -> OneTimeLink:
    opened(database)
    assert decided(database)
    sheet = a_sheet()
    database.links.issue(sheet, NO_EFFECTS)
    return sheet


def finished(database: Database, sheet: OneTimeLink, account: Account = PERSON, **more: Any) -> bool:
    return database.recoveries.finish(account, sheet, NOW + 2, told("recovery.finished"), **more)


@pytest.mark.spec("FID-11")
def test_one_recovery_at_a_time_is_opened_approved_and_finished(people: Database) -> None:
    recovery = opened(people)
    assert people.recoveries.get("recovery-1") == people.recoveries.of(PERSON.id, NOW) == recovery
    assert people.recoveries.under_way(NOW) == [recovery]
    assert people.links.get("recovery-1") == stopping(recovery)
    again = a_recovery("recovery-2")
    assert not people.recoveries.open(again, stopping(again), told("recovery.opened"))
    assert people.links.get("recovery-2") is None
    assert decided(people)
    assert not decided(people), "once"
    now = people.recoveries.of(PERSON.id, NOW + 1500)
    assert now == dataclasses.replace(
        recovery, state=RecoveryState.APPROVED, decided_by=SECOND.id, decided_at=NOW + 1, expires_at=NOW + 2000
    )
    sheet = a_sheet()
    people.links.issue(sheet, NO_EFFECTS)
    changed = dataclasses.replace(PERSON, email="neuve@exemple.invalid", contact_version=2, password_hash="neuf")
    assert finished(people, sheet, changed)
    assert not finished(people, sheet, changed)
    assert people.accounts.get(PERSON.id) == changed
    assert people.recoveries.of(PERSON.id, NOW + 2) is None
    assert people.recoveries.get("recovery-1").state is RecoveryState.FINISHED  # type: ignore[union-attr]
    assert lines(people) == ["recovery.opened", "recovery.approved", "recovery.finished"]
    assert people.recoveries.open(again, stopping(again), NO_EFFECTS), "another one, another day"


@pytest.mark.spec("FID-11", "ADM-03")
@pytest.mark.parametrize("second", [FIRST.id, PERSON.id])
def test_the_second_person_is_neither_the_first_nor_the_subject(people: Database, raw: sa.Engine, second: str) -> None:
    with pytest.raises(NotTwoPeopleError):
        people.recoveries.open(a_recovery(opened_by=PERSON.id), stopping(a_recovery()), told("recovery.opened"))
    assert people.links.get("recovery-1") is None
    opened(people)
    with pytest.raises(NotTwoPeopleError):
        decided(people, second)
    assert people.recoveries.of(PERSON.id, NOW).state is RecoveryState.WAITING  # type: ignore[union-attr]
    with raw.begin() as connection, pytest.raises(sa.exc.IntegrityError):
        connection.execute(sa.text("UPDATE recovery SET state = 'approved'"))
    assert lines(people) == ["recovery.opened"]


@pytest.mark.spec("FID-11")
def test_the_region_may_be_the_second_and_nobody_else_is_needed(people: Database) -> None:
    opened(people)
    assert decided(people, None, by_region="operator")
    found = people.recoveries.get("recovery-1")
    assert found is not None
    assert (found.decided_by, found.decided_by_region) == (None, "operator")


@pytest.mark.spec("FID-11")
def test_what_is_over_by_its_time_is_neither_decided_stopped_nor_finished_and_makes_room(people: Database) -> None:
    opened(people)
    assert not decided(people, at=UNTIL)
    assert people.recoveries.of(PERSON.id, UNTIL) is None
    assert people.recoveries.under_way(UNTIL) == []
    assert not people.recoveries.stop(stopping(a_recovery()), UNTIL, told())
    assert people.links.get("recovery-1").used_at is None  # type: ignore[union-attr]
    later = a_recovery("recovery-2", opened_at=UNTIL, expires_at=UNTIL + 10)
    assert people.recoveries.open(later, stopping(later), NO_EFFECTS)
    assert people.recoveries.get("recovery-1").state is RecoveryState.EXPIRED  # type: ignore[union-attr]


@pytest.mark.spec("FID-11")
@pytest.mark.parametrize("why", ["waiting", "refused", "stopped", "expired"])
def test_only_an_approved_one_finishes_and_nothing_is_written_otherwise(people: Database, why: str) -> None:
    opened(people)
    if why == "expired":
        assert decided(people, expires_at=NOW + 2)
    elif why != "waiting":
        assert decided(people, approved=why != "refused")
    sheet = a_sheet()
    people.links.issue(sheet, NO_EFFECTS)
    if why == "stopped":
        assert people.recoveries.stop(stopping(a_recovery()), NOW + 1, told("recovery.stopped"))
        assert people.links.get(sheet.id).revoked_at == NOW + 1  # type: ignore[union-attr]
    assert not finished(people, sheet, dataclasses.replace(PERSON, password_hash="voleur"))
    assert people.accounts.get(PERSON.id) == PERSON
    assert people.links.get(sheet.id).used_at is None  # type: ignore[union-attr]
    assert "recovery.finished" not in lines(people)


@pytest.mark.spec("FID-11")
def test_finishing_takes_everything_away_that_proved_the_person(people: Database) -> None:
    owned = Passkey("key", PERSON.id, b"old", b"public", 0, "0" * 32, True, True, (), "clé", NOW)
    assert people.passkeys.enrol(owned, NO_EFFECTS, at_most=5)
    people.totp.enrol(TotpAuthenticator("totp", PERSON.id, "tél", b"s" * 20, NOW, NOW), NO_EFFECTS)
    people.recovery_codes.replace(RecoveryCodes("set", PERSON.id, (b"d" * 32,), NOW), NO_EFFECTS)
    people.devices.trust(a_device(PERSON), NO_EFFECTS)
    for purpose in (LinkPurpose.RESET, LinkPurpose.NOT_ME, LinkPurpose.UNDO_CONTACT):
        people.links.issue(a_link(PERSON, purpose.value, purpose=purpose), NO_EFFECTS)
    waiting = ContactChange("waits", PERSON.id, Contact.RECOVERY_EMAIL, "a@b.invalid", 1, NOW, NOW + 999)
    proved = ContactChange("proved", PERSON.id, Contact.EMAIL, "neuve@exemple.invalid", 1, NOW, NOW + 999)
    former = dataclasses.replace(proved, id="former", value=PERSON.email, made_at=NOW, ended_at=NOW)
    for change in (waiting, proved):
        assert people.contact_changes.ask(change, NO_EFFECTS) is not None
    sheet = approved(people)
    assert people.links.prove_contact(sheet.id, "proved", NOW + 1, told("contact.changed"))
    sheet = dataclasses.replace(sheet, contact_change="proved", contact_proved_at=NOW + 1)
    assert people.links.get(sheet.id) == sheet
    fresh = dataclasses.replace(owned, id="new", credential_id=b"new")
    with pytest.raises(PasskeyExistsError):
        finished(people, sheet, passkey=dataclasses.replace(fresh, credential_id=b"old"))
    with pytest.raises(AccountExistsError):
        finished(people, sheet, dataclasses.replace(PERSON, email=SECOND.email))
    assert people.links.get(sheet.id) == sheet, "a refusal spends nothing"
    assert finished(people, sheet, passkey=fresh, former_addresses=[former])
    assert [one.id for one in people.passkeys.of(PERSON.id)] == ["new"]
    assert people.totp.of(PERSON.id) == []
    assert people.totp.get("totp").secret == b""  # type: ignore[union-attr]
    assert people.recovery_codes.left(PERSON.id) == 0
    assert people.devices.find("device-1").revoked_at == NOW + 2  # type: ignore[union-attr]
    for name in ("reset", "not_me", "undo_contact", "recovery-1"):
        assert people.links.get(name).revoked_at == NOW + 2, name  # type: ignore[union-attr]
    assert people.contact_changes.get("waits").ended_at == NOW + 2  # type: ignore[union-attr]
    assert people.contact_changes.get("proved").made_at == NOW + 2  # type: ignore[union-attr]
    assert people.contact_changes.get("former") == former


@pytest.mark.spec("FID-11", "RST-03")
@pytest.mark.parametrize("step", ["finish", "stop or finish", "decide"])
def test_of_parallel_steps_one_writes(open_database: Callable[..., Database], people: Database, step: str) -> None:
    sheet = approved(people) if step != "decide" else a_sheet()
    if step == "decide":
        opened(people)
    at_once = 4
    begin = Barrier(at_once)

    def attempt(number: int) -> bool:
        database = open_database(node=f"node-{number}")
        begin.wait()
        if step == "decide":
            return decided(database, approved=bool(number % 2))
        if step == "finish" or number % 2:
            return finished(database, sheet, dataclasses.replace(PERSON, password_hash=f"hash-{number}"))
        return database.recoveries.stop(stopping(a_recovery()), NOW + 2, told("recovery.stopped"))

    with ThreadPoolExecutor(at_once) as pool:
        assert sorted(pool.map(attempt, range(at_once))) == [False] * (at_once - 1) + [True]
    assert len(lines(people)) == (2 if step == "decide" else 3)


def test_a_sheet_that_is_over_proves_no_address(people: Database) -> None:
    people.links.issue(a_sheet(), NO_EFFECTS)
    assert not people.links.prove_contact("sheet-1", "change", NOW + 900, told())
    assert people.links.prove_contact("sheet-1", "change", NOW + 899, NO_EFFECTS)
    people.links.issue(a_sheet("sheet-2"), NO_EFFECTS)
    assert not people.links.prove_contact("sheet-1", "change", NOW + 1, told())
    assert people.links.issued(PERSON.id, LinkPurpose.RECOVERY) == 2
    assert people.links.issued(PERSON.id, LinkPurpose.ACTIVATION) == 0
    assert lines(people) == []
