"""Changes of contact, on both engines: each judges what is stored and writes its own columns; of parallel ones one succeeds."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.contact_change import Contact, ContactChange
from gateway.accounts.one_time_link import LinkPurpose
from gateway.accounts.ports import AccountExistsError
from gateway.journal.effects import NO_EFFECTS
from gateway.storage.sql import Database
from tests.contract.durable.samples import NOW, a_device, a_link, an_account, lines, told

NEW = "nouvelle@exemple.invalid"


def stored(database: Database, number: int = 1, **changes: Any) -> Account:
    account = an_account(number, **{"email_verified_at": NOW, **changes})
    database.accounts.create(account, NO_EFFECTS)
    return account


def a_change(account: Account, name: str = "change-1", **changes: Any) -> ContactChange:
    return dataclasses.replace(
        ContactChange(name, account.id, Contact.EMAIL, NEW, account.contact_version, NOW, NOW + 3600), **changes
    )


def undo_link(account: Account, name: str = "change-1", **changes: Any) -> Any:
    link = a_link(account, name, purpose=LinkPurpose.UNDO_CONTACT)
    return dataclasses.replace(link, **{"issued_at": NOW + 1, "expires_at": NOW + 9_999, **changes})


@pytest.mark.spec("OTP-13")
def test_a_new_address_counts_once_it_is_proved_and_what_was_under_way_dies(database: Database) -> None:
    account = stored(database)
    database.links.issue(a_link(account, "reset"), NO_EFFECTS)
    database.links.issue(a_link(account, "protest", purpose=LinkPurpose.NOT_ME), NO_EFFECTS)
    database.devices.trust(a_device(account), NO_EFFECTS)
    change = database.contact_changes.ask(a_change(account), told("contact.asked"))
    assert change == a_change(account)
    assert database.accounts.get(account.id) == account
    made = database.contact_changes.make("change-1", NOW + 1, told("contact.changed"), undo=undo_link(account))
    assert made == database.accounts.get(account.id)
    assert made == dataclasses.replace(
        account,
        email=NEW,
        email_verified_at=NOW + 1,
        email_changed_at=NOW + 1,
        contact_version=account.contact_version + 1,
        code_demanded_since=NOW + 1,
    )
    assert database.accounts.find_by_verified_email(NEW) == made
    assert database.accounts.find_by_email(account.email) is None
    assert database.links.get("reset").revoked_at == NOW + 1  # type: ignore[union-attr]
    assert database.links.get("protest").revoked_at is None  # type: ignore[union-attr]
    assert database.devices.of(account.id) == []
    assert database.contact_changes.get("change-1").former == account.email  # type: ignore[union-attr]
    assert database.contact_changes.make("change-1", NOW + 2, told("contact.changed")) is None
    assert lines(database) == ["contact.asked", "contact.changed"]


@pytest.mark.parametrize(
    ("spoil", "at"),
    [
        pytest.param({}, NOW + 3600, id="expired"),
        pytest.param({"contact_version": 99}, NOW + 1, id="contacts-changed-since"),
    ],
)
def test_a_change_that_waits_no_more_is_not_made(database: Database, spoil: dict[str, Any], at: float) -> None:
    account = stored(database)
    database.contact_changes.ask(a_change(account), NO_EFFECTS)
    now = dataclasses.replace(account, **spoil)
    database.accounts.update(now, NO_EFFECTS)
    assert database.contact_changes.make("change-1", at, told("contact.changed")) is None
    assert database.contact_changes.ask(a_change(account, "late", contact_version=7), told("contact.asked")) is None
    assert database.contact_changes.make("unknown\0", NOW, told()) is None
    assert database.accounts.get(account.id) == now
    assert lines(database) == []


def test_a_later_change_ends_the_one_that_waits(database: Database) -> None:
    account = stored(database)
    database.contact_changes.ask(a_change(account, "first"), NO_EFFECTS)
    database.contact_changes.ask(a_change(account, "secours", contact=Contact.RECOVERY_EMAIL), NO_EFFECTS)
    database.contact_changes.ask(a_change(account, "second", asked_at=NOW + 1), NO_EFFECTS)
    assert database.contact_changes.make("first", NOW + 2, NO_EFFECTS) is None
    assert database.contact_changes.get("secours").ended_at is None  # type: ignore[union-attr]
    assert database.contact_changes.make("second", NOW + 2, NO_EFFECTS) is not None


@pytest.mark.spec("OTP-13")
def test_an_address_of_another_account_is_refused_and_nothing_is_written(database: Database) -> None:
    account, other = stored(database), stored(database, 2)
    database.contact_changes.ask(a_change(account, value=other.email), NO_EFFECTS)
    with pytest.raises(AccountExistsError):
        database.contact_changes.make("change-1", NOW + 1, told("contact.changed"), undo=undo_link(account))
    assert database.accounts.get(account.id) == account
    assert database.links.get("change-1") is None
    assert lines(database) == []


@pytest.mark.spec("R002-19")
def test_editing_the_number_clears_its_verification_and_falls_back_to_mail(database: Database) -> None:
    account = stored(database, phone="+33639980001", phone_verified_at=NOW, code_channel=CodeChannel.SMS)
    asked = a_change(account, contact=Contact.PHONE, value="+33639980002")
    change = database.contact_changes.ask(asked, told("contact.asked"))
    assert change is not None
    assert change.contact_version == account.contact_version + 1
    edited = database.accounts.get(account.id)
    assert edited is not None
    assert (edited.phone, edited.phone_verified_at, edited.code_channel) == ("+33639980002", None, CodeChannel.EMAIL)
    version = edited.contact_version
    sms = CodeChannel.SMS
    assert not database.contact_changes.choose_channel(account.id, sms, contact_version=version, effects=told())
    made = database.contact_changes.make("change-1", NOW + 1, NO_EFFECTS)
    assert made is not None
    assert (made.phone_verified_at, made.code_channel) == (NOW + 1, CodeChannel.EMAIL)
    version = made.contact_version
    assert not database.contact_changes.choose_channel(account.id, sms, contact_version=version - 1, effects=told())
    assert database.contact_changes.choose_channel(account.id, sms, contact_version=version, effects=NO_EFFECTS)
    assert database.accounts.get(account.id) == dataclasses.replace(made, code_channel=sms)

    def forget(version: int) -> bool:
        return database.contact_changes.forget(
            account.id,
            Contact.PHONE,
            record_id="removed",
            contact_version=version,
            now=NOW + 2,
            effects=told("contact.removed"),
        )

    assert not forget(version - 1)
    assert database.contact_changes.get("removed") is None
    assert forget(version)
    left, removed = database.accounts.get(account.id), database.contact_changes.get("removed")
    assert left is not None and removed is not None
    assert (removed.former, removed.value, removed.waits(NOW)) == ("+33639980002", "", False)
    assert (left.phone, left.phone_verified_at, left.code_channel) == (None, None, CodeChannel.EMAIL)


@pytest.mark.spec("R000-13")
def test_a_recovery_address_may_be_several_people_s_and_leaves_devices_alone(database: Database) -> None:
    account, other = stored(database), stored(database, 2)
    database.devices.trust(a_device(account), NO_EFFECTS)
    for number, one in enumerate((account, other)):
        asked = a_change(one, f"change-{number}", contact=Contact.RECOVERY_EMAIL, value=NEW)
        database.contact_changes.ask(asked, NO_EFFECTS)
        made = database.contact_changes.make(f"change-{number}", NOW + 1, NO_EFFECTS)
        assert made is not None
        assert (made.recovery_email, made.recovery_email_verified_at, made.email) == (NEW, NOW + 1, one.email)
        assert made.code_demanded_since is None
    assert len(database.devices.of(account.id)) == 1
    assert database.accounts.find_by_email(NEW) is None


@pytest.mark.spec("OTP-13")
def test_the_first_address_takes_a_change_back_whatever_came_after(database: Database) -> None:
    account = stored(database)
    database.contact_changes.ask(a_change(account, "first"), NO_EFFECTS)
    taken = database.contact_changes.make("first", NOW + 1, NO_EFFECTS, undo=undo_link(account, "first"))
    assert taken is not None
    database.contact_changes.ask(a_change(taken, "second", value="encore@exemple.invalid"), NO_EFFECTS)
    second = undo_link(account, "second", issued_at=NOW + 2)
    assert database.contact_changes.make("second", NOW + 2, NO_EFFECTS, undo=second) is not None
    first = undo_link(account, "first")
    back = database.contact_changes.undo(first, NOW + 3, told("contact.undone"))
    assert back is not None
    assert (back.email, back.code_demanded_since) == (account.email, NOW + 3)
    assert database.contact_changes.undo(first, NOW + 4, told("contact.undone")) is None
    assert database.contact_changes.undo(second, NOW + 4, told("contact.undone")) is None
    assert database.accounts.get(account.id) == back
    assert lines(database) == ["contact.undone"]


@pytest.mark.spec("OTP-13")
@pytest.mark.parametrize("what", ["make", "undo", "channel", "ask"])
def test_of_parallel_changes_from_one_state_one_succeeds(
    database: Database, open_database: Callable[..., Database], what: str
) -> None:
    account = stored(database, phone="+33639980001", phone_verified_at=NOW)
    database.contact_changes.ask(a_change(account), NO_EFFECTS)
    if what == "undo":
        database.contact_changes.make("change-1", NOW + 1, NO_EFFECTS, undo=undo_link(account))
    databases = [open_database() for _ in range(4)]
    start = Barrier(4)

    def one(number: int) -> bool:
        start.wait()
        changes = databases[number].contact_changes
        version = account.contact_version
        if what == "make":
            return changes.make("change-1", NOW + 1, told()) is not None
        if what == "undo":
            return changes.undo(undo_link(account), NOW + 2, told()) is not None
        if what == "ask":
            asked = a_change(account, f"phone-{number}", contact=Contact.PHONE, value=f"+3363998001{number}")
            return changes.ask(asked, told()) is not None
        if number:
            removed = f"removed-{number}"
            phone = Contact.PHONE
            return changes.forget(
                account.id, phone, record_id=removed, contact_version=version, now=NOW, effects=told()
            )
        changes.choose_channel(account.id, CodeChannel.SMS, contact_version=version, effects=NO_EFFECTS)
        return False

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, range(4))).count(True) == 1
    assert len(lines(database)) == 1
    now = database.accounts.get(account.id)
    assert now is not None
    assert what != "channel" or (now.phone, now.code_channel) == (None, CodeChannel.EMAIL)


def test_no_contact_is_readable_in_the_database(database: Database, raw: sa.Engine) -> None:
    account = stored(database)
    database.contact_changes.ask(a_change(account, contact=Contact.RECOVERY_EMAIL), NO_EFFECTS)
    database.contact_changes.make("change-1", NOW + 1, NO_EFFECTS)
    with raw.connect() as connection:
        for table in ("contact_change", "account"):
            row = connection.execute(sa.text(f"SELECT * FROM {table}")).all()
            assert NEW.encode() not in b"".join(bytes(one) for one in row[0] if isinstance(one, (bytes, memoryview)))
            assert NEW not in str(row)
