"""Accounts, links and trusted devices, on both engines."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest
import sqlalchemy as sa

from gateway.accounts.account import Account, AccountStatus, CodeChannel, RppsProof
from gateway.accounts.one_time_link import LinkPurpose
from gateway.accounts.ports import AccountExistsError
from gateway.journal.effects import NO_EFFECTS, Outgoing
from gateway.storage.sql import Database
from gateway.storage.sql.broken_rule import BrokenRuleError
from tests.contract.durable.samples import NOW, a_device, a_link, an_account, lines, told

COMPLETE = {
    "email_verified_at": NOW,
    "phone": "+33639980001",
    "phone_verified_at": NOW + 1,
    "code_channel": CodeChannel.SMS,
    "rpps": "99900000003",
    "rpps_proof": RppsProof.DECLARED,
    "profession": "60^1.2.250.1.71.1.2.7",
    "contact_version": 7,
    "code_demanded_since": NOW + 2.125,
    "language": "en",
    "archived_at": NOW + 3,
    "last_signin_at": NOW + 4,
    "last_signin_acr": "urn:passerelle:acr:card",
    "email_changed_at": NOW + 5,
    "recovery_email": "secours@exemple.invalid",
    "recovery_email_verified_at": NOW + 6,
    "is_administrator": True,
    "password_hash": "$argon2id$v=19$not-a-real-one",
    "status": AccountStatus.BLOCKED,
}


def stored(database: Database, account: Account) -> Account:
    database.accounts.create(account, NO_EFFECTS)
    return account


@pytest.mark.parametrize("changes", [{}, COMPLETE])
def test_what_applications_may_be_told_of_many_is_what_each_account_says(
    database: Database, changes: dict[str, object]
) -> None:
    account, other = stored(database, an_account(1, **changes)), stored(database, an_account(2))
    known = database.accounts.known([account.id, other.id, "nobody\0"], named=[account.id])
    assert set(known) == {account.id, other.id}
    for told_of, whole in ((known[account.id], account), (known[other.id], other)):
        hidden = {} if whole is account else {"family_name": "", "given_name": "", "email": "", "rpps": None}
        for member in dataclasses.fields(told_of):
            assert getattr(told_of, member.name) == hidden.get(member.name, getattr(whole, member.name)), member.name
    assert dict(database.accounts.known([], named=[])) == {}


@pytest.mark.parametrize("changes", [{}, COMPLETE])
def test_an_account_is_read_as_it_was_written(database: Database, changes: dict[str, object]) -> None:
    account = stored(database, an_account(**changes))
    assert database.accounts.get(account.id) == account
    changed = dataclasses.replace(account, given_name="Prénomb", phone=None, username="agent-neuf")
    database.accounts.update(changed, NO_EFFECTS)
    assert database.accounts.get(account.id) == changed


def test_a_user_name_is_found_whatever_its_case(database: Database) -> None:
    account = stored(database, an_account(username="Éloïse.Straße"))
    assert database.accounts.find_by_username(" éloïse.STRASSE ") == account
    assert database.accounts.find_by_username("eloise.strasse") is None


def test_an_account_is_found_by_rpps_and_by_email(database: Database) -> None:
    account = stored(database, an_account(rpps="99900000003"))
    assert database.accounts.find_by_rpps("99900000003") == account
    assert database.accounts.find_by_rpps("99900000011") is None
    assert database.accounts.find_by_email(account.email.upper()) == account
    assert database.accounts.find_by_email("personne@exemple.invalid") is None


def test_only_a_verified_address_names_an_account(database: Database) -> None:
    account = stored(database, an_account())
    assert database.accounts.find_by_verified_email(account.email) is None
    verified = dataclasses.replace(account, email_verified_at=NOW)
    database.accounts.update(verified, NO_EFFECTS)
    assert database.accounts.find_by_verified_email(account.email) == verified


@pytest.mark.parametrize("hostile", ["\0", "agent-1\0", "\ud800", "'; DROP TABLE account; --", "%", ""])
def test_a_hostile_identifier_finds_nobody(database: Database, hostile: str) -> None:
    stored(database, an_account())
    assert database.accounts.get(hostile) is None
    assert database.accounts.find_by_username(hostile) is None
    assert database.accounts.find_by_email(hostile) is None
    assert database.accounts.find_by_rpps(hostile) is None
    assert database.devices.find(hostile) is None
    assert database.links.get(hostile) is None


@pytest.mark.parametrize(
    ("field", "twin"),
    [
        ("username", {"username": "AGENT-1"}),
        ("email", {"email": "Prenoma.Fauxnom1@exemple.invalid"}),
        ("rpps", {"rpps": "99900000003"}),
        ("id", {"id": an_account(1).id}),
    ],
)
def test_what_belongs_to_another_account_is_refused_by_name(
    database: Database, field: str, twin: dict[str, str]
) -> None:
    stored(database, an_account(1, rpps="99900000003"))
    with pytest.raises(AccountExistsError) as refused:
        database.accounts.create(an_account(2, **twin), told())
    assert refused.value.field == field
    if field != "id":
        stored(database, an_account(2))
        with pytest.raises(AccountExistsError) as refused:
            database.accounts.update(an_account(2, **twin), told())
        assert refused.value.field == field
        assert database.accounts.get(an_account(2).id) == an_account(2)
    assert lines(database) == []


def test_several_accounts_may_have_no_rpps(database: Database) -> None:
    assert stored(database, an_account(1)).rpps is stored(database, an_account(2)).rpps is None


def test_accounts_are_listed_page_by_page(database: Database) -> None:
    accounts = [stored(database, an_account(number)) for number in (3, 1, 2)]
    first = database.accounts.all(limit=2)
    second = database.accounts.all(limit=2, after=first[-1].id)
    assert [*first, *second] == sorted(accounts, key=lambda account: account.id)


def test_an_account_that_is_not_there_cannot_be_updated(database: Database) -> None:
    with pytest.raises(KeyError):
        database.accounts.update(an_account(), told())
    assert lines(database) == []


def test_a_write_its_journal_line_and_its_message_commit_together(database: Database) -> None:
    outgoing = (Outgoing("notice", {"account": "a", "what": "account_archived"}),)
    database.accounts.create(an_account(1), told("account.created", outgoing=outgoing))
    with pytest.raises(AccountExistsError):
        database.accounts.create(an_account(1), told("account.archived", outgoing=outgoing))
    assert lines(database) == ["account.created"]
    assert [item[1:] for item in database.outbox.take(0)] == [("notice", dict(outgoing[0].payload), 0)]


def test_a_write_is_not_there_when_its_journal_line_cannot_be_written(database: Database, raw: sa.Engine) -> None:
    with raw.begin() as connection:
        connection.execute(sa.text("ALTER TABLE journal RENAME TO elsewhere"))
    with pytest.raises(sa.exc.SQLAlchemyError):
        database.accounts.create(an_account(), told())
    assert database.accounts.get(an_account().id) is None


def test_reading_an_account_is_one_indexed_select(database: Database, raw: sa.Engine) -> None:
    account = stored(database, an_account())
    database.accounts.get(account.id)
    seen: list[str] = []
    sa.event.listen(database._connections.engine, "before_cursor_execute", lambda *said: seen.append(said[2]))
    database.accounts.get(account.id)
    assert len(seen) == 1
    assert seen[0].startswith("SELECT account.id")
    if raw.dialect.name == "sqlite":
        with raw.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {seen[0]}", ("x",)).all()
        assert "USING INDEX" in str(plan)


# One-time links


def test_a_link_is_found_by_its_digest_and_a_newer_one_revokes_it(database: Database) -> None:
    account = stored(database, an_account())
    other = stored(database, an_account(2))
    first, second = a_link(account, "first"), a_link(account, "second", issued_at=NOW + 5)
    activation = a_link(account, "activation", purpose=LinkPurpose.ACTIVATION)
    for link in (first, activation, a_link(other, "of-another"), second):
        database.links.issue(link, told("link.requested"))
    assert database.links.find_by_digest(first.token_digest) == dataclasses.replace(first, revoked_at=NOW + 5)
    assert database.links.find_by_digest(second.token_digest) == second
    assert database.links.get("activation") == activation
    assert database.links.get("of-another").revoked_at is None  # type: ignore[union-attr]
    assert database.links.latest(account.id, LinkPurpose.RESET) == second
    assert database.links.latest(other.id, LinkPurpose.ACTIVATION) is None
    assert database.links.find_by_digest(b"unknown") is None
    assert lines(database) == ["link.requested"] * 4


def test_links_issued_together_leave_one_alive(database: Database, open_database: Callable[..., Database]) -> None:
    account = stored(database, an_account())
    databases = [open_database() for _ in range(4)]
    start = Barrier(4)

    def issue(number: int) -> None:
        start.wait()
        databases[number].links.issue(a_link(account, f"link-{number}"), told())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(issue, range(4)))
    alive = [number for number in range(4) if database.links.get(f"link-{number}").revoked_at is None]  # type: ignore[union-attr]
    assert len(alive) == 1


def test_a_link_of_an_unknown_account_is_refused_without_the_engines_own_error(database: Database) -> None:
    with pytest.raises(BrokenRuleError) as refused:
        database.links.issue(a_link(an_account()), told())
    assert refused.value.rule == "foreign_key"
    assert refused.value.__suppress_context__
    assert lines(database) == []


def test_a_change_of_contact_revokes_the_links_that_were_under_way(database: Database) -> None:
    account = stored(database, an_account())
    database.links.issue(a_link(account), NO_EFFECTS)
    database.accounts.update(dataclasses.replace(account, language="en"), told(at=NOW + 1))
    assert database.links.get("link-1") == a_link(account)
    database.accounts.update(
        dataclasses.replace(account, email="autre@exemple.invalid", contact_version=2), told(at=NOW + 2)
    )
    assert database.links.get("link-1") == a_link(account, revoked_at=NOW + 2)


def test_an_archived_account_has_no_link_left(database: Database) -> None:
    account = stored(database, an_account())
    database.links.issue(a_link(account), NO_EFFECTS)
    database.accounts.update(dataclasses.replace(account, status=AccountStatus.ARCHIVED), NO_EFFECTS)
    assert database.links.get("link-1").revoked_at is not None  # type: ignore[union-attr]
    assert not database.accounts.set_password(account, a_link(account), NOW, told())


# Setting a password


def test_setting_a_password_consumes_the_link_and_revokes_the_others_and_the_devices(database: Database) -> None:
    account = stored(database, an_account(status=AccountStatus.INVITED))
    other = stored(database, an_account(2))
    link = a_link(account)
    for issued in (link, a_link(account, "other", purpose=LinkPurpose.ACTIVATION), a_link(other, "of-another")):
        database.links.issue(issued, NO_EFFECTS)
    database.devices.trust(a_device(account), NO_EFFECTS)
    database.devices.trust(a_device(other, "device-2"), NO_EFFECTS)
    ready = dataclasses.replace(account, password_hash="phc", status=AccountStatus.ACTIVE)
    assert database.accounts.set_password(ready, link, NOW + 10, told("account.password_set"))
    assert database.accounts.get(account.id) == ready
    assert database.links.get(link.id) == dataclasses.replace(link, used_at=NOW + 10)
    assert database.links.get("other").revoked_at == NOW + 10  # type: ignore[union-attr]
    assert database.links.get("of-another").revoked_at is None  # type: ignore[union-attr]
    assert database.devices.find("device-1").revoked_at == NOW + 10  # type: ignore[union-attr]
    assert database.devices.find("device-2").revoked_at is None  # type: ignore[union-attr]
    assert lines(database) == ["account.password_set"]


@pytest.mark.parametrize("why", ["used", "revoked", "expired", "unknown", "of another"])
def test_a_link_that_is_not_alive_sets_no_password(database: Database, why: str) -> None:
    account, other = stored(database, an_account(1)), stored(database, an_account(2))
    link = a_link(other if why == "of another" else account)
    now = link.expires_at if why == "expired" else link.expires_at - 0.001
    if why != "unknown":
        database.links.issue(
            dataclasses.replace(
                link,
                used_at=NOW if why == "used" else None,
                revoked_at=NOW if why == "revoked" else None,
            ),
            NO_EFFECTS,
        )
    database.devices.trust(a_device(account), NO_EFFECTS)
    ready = dataclasses.replace(account, password_hash="phc")
    assert not database.accounts.set_password(ready, link, now, told("account.password_set"))
    assert database.accounts.get(account.id) == account
    assert database.devices.find("device-1") == a_device(account)
    assert lines(database) == []


def test_a_link_serves_until_just_before_its_end(database: Database) -> None:
    account = stored(database, an_account())
    database.links.issue(a_link(account), NO_EFFECTS)
    assert database.accounts.set_password(account, a_link(account), a_link(account).expires_at - 0.001, NO_EFFECTS)


def test_of_parallel_uses_of_one_link_exactly_one_sets_the_password(
    database: Database, open_database: Callable[..., Database]
) -> None:
    account = stored(database, an_account())
    link = a_link(account)
    database.links.issue(link, NO_EFFECTS)
    databases = [open_database() for _ in range(6)]
    start = Barrier(6)

    def use(number: int) -> bool:
        start.wait()
        ready = dataclasses.replace(account, password_hash=f"phc-{number}")
        return databases[number].accounts.set_password(ready, link, NOW + 1, told("account.password_set"))

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(use, range(6)))
    assert answers.count(True) == 1
    assert database.accounts.get(account.id).password_hash == f"phc-{answers.index(True)}"  # type: ignore[union-attr]
    assert lines(database) == ["account.password_set"]


def test_a_change_of_contact_and_a_new_password_never_wait_for_each_other_for_ever(
    database: Database, open_database: Callable[..., Database]
) -> None:
    account = stored(database, an_account())
    databases = [open_database() for _ in range(3)]
    for round_number in range(1, 6):
        link = a_link(account, f"link-{round_number}", contact_version=round_number)
        database.links.issue(link, NO_EFFECTS)
        changed = dataclasses.replace(
            account, email=f"adresse{round_number}@exemple.invalid", contact_version=round_number + 1
        )
        again = a_link(account, f"again-{round_number}", contact_version=round_number)
        acts = (
            partial(databases[0].accounts.set_password, account, link, NOW, NO_EFFECTS),
            partial(databases[1].accounts.update, changed, NO_EFFECTS),
            partial(databases[2].links.issue, again, NO_EFFECTS),
        )
        with ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(act) for act in acts]:
                done.result()


def test_a_hash_is_replaced_only_if_it_is_still_the_expected_one(database: Database) -> None:
    account = stored(database, an_account(password_hash="old"))
    replace = database.accounts.replace_password_hash
    assert not replace(account.id, expected="other", new="new", effects=told())
    assert not replace("nobody", expected="old", new="new", effects=told())
    assert database.accounts.get(account.id) == account
    assert lines(database) == []
    assert replace(account.id, expected="old", new="new", effects=told())
    assert database.accounts.get(account.id) == dataclasses.replace(account, password_hash="new")


def test_of_parallel_replacements_of_one_hash_exactly_one_is_written(
    database: Database, open_database: Callable[..., Database]
) -> None:
    account = stored(database, an_account(password_hash="old"))
    databases = [open_database() for _ in range(4)]
    start = Barrier(4)

    def replace(number: int) -> bool:
        start.wait()
        return databases[number].accounts.replace_password_hash(
            account.id, expected="old", new=f"new-{number}", effects=NO_EFFECTS
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(replace, range(4))).count(True) == 1


def test_a_signin_is_noted_without_touching_anything_else(database: Database) -> None:
    account = stored(database, an_account())
    database.accounts.note_signin(account.id, NOW + 9, "urn:passerelle:acr:pwd-totp")
    noted = dataclasses.replace(account, last_signin_at=NOW + 9, last_signin_acr="urn:passerelle:acr:pwd-totp")
    assert database.accounts.get(account.id) == noted


# Trusted devices


def test_a_device_is_trusted_renewed_and_revoked(database: Database) -> None:
    account = stored(database, an_account())
    device = a_device(account)
    database.devices.trust(device, told("signin.device_trusted"))
    assert database.devices.find(device.id) == device
    database.devices.renew(device.id, used_at=NOW + 1)
    assert database.devices.find(device.id) == dataclasses.replace(device, last_used_at=NOW + 1)
    database.devices.renew(device.id, used_at=NOW + 2, proved_at=NOW + 2)
    renewed = dataclasses.replace(device, last_used_at=NOW + 2, proved_at=NOW + 2)
    database.devices.trust(a_device(account, "device-2"), NO_EFFECTS)
    assert database.devices.of(account.id) == [renewed, a_device(account, "device-2")]
    assert database.devices.rename(device.id, "Bureau", told("device.renamed"))
    renewed = dataclasses.replace(renewed, label="Bureau")
    assert database.devices.find(device.id) == renewed
    assert database.devices.revoke(device.id, NOW + 3, told("device.revoked"))
    assert not database.devices.revoke(device.id, NOW + 4, told("device.revoked"))
    assert not database.devices.rename(device.id, "Trop tard", told("device.renamed"))
    database.devices.renew(device.id, used_at=NOW + 5, proved_at=NOW + 5)
    assert database.devices.find(device.id) == dataclasses.replace(renewed, revoked_at=NOW + 3)
    assert database.devices.of(account.id) == [a_device(account, "device-2")]
    assert lines(database) == ["signin.device_trusted", "device.renamed", "device.revoked"]


def test_a_device_name_cannot_be_taken_over(database: Database) -> None:
    account, other = stored(database, an_account(1)), stored(database, an_account(2))
    database.devices.trust(a_device(account), NO_EFFECTS)
    with pytest.raises(BrokenRuleError):
        database.devices.trust(a_device(other), NO_EFFECTS)
    assert database.devices.find("device-1") == a_device(account)


def holder(number: int, **changes: object) -> Account:
    return an_account(number, phone="+33612345678", phone_verified_at=NOW, **changes)


@pytest.mark.spec("SMS-06")
def test_a_number_is_the_factor_of_two_accounts_and_of_no_third(database: Database) -> None:
    stored(database, holder(1)), stored(database, holder(2))
    with pytest.raises(AccountExistsError) as refused:
        stored(database, holder(3))
    assert (refused.value.field, database.accounts.get(an_account(3).id)) == ("phone", None)
    third = stored(database, an_account(3, phone="+33612345678"))  # typed, not verified: no factor
    with pytest.raises(AccountExistsError):
        database.accounts.update(holder(3), NO_EFFECTS)
    assert database.accounts.get(third.id) == third
    database.accounts.update(holder(1, status=AccountStatus.ARCHIVED), NO_EFFECTS)  # an archived account has no factor
    database.accounts.update(holder(3), NO_EFFECTS)
    with pytest.raises(AccountExistsError):
        database.accounts.update(holder(1), NO_EFFECTS)


@pytest.mark.spec("SMS-06")
def test_both_holders_of_a_number_are_told_once_when_it_becomes_the_factor_of_two(database: Database) -> None:
    first, second = stored(database, holder(1)), stored(database, an_account(2))
    assert lines(database) == []
    database.accounts.update(holder(2), NO_EFFECTS)
    database.accounts.update(holder(2, contact_version=2), NO_EFFECTS)
    database.accounts.update(holder(1, language="en"), NO_EFFECTS)
    notices = [(kind, payload) for _, kind, payload, _ in database.outbox.take(NOW + 1)]
    assert sorted(payload["account"] for _, payload in notices) == [first.id, second.id]
    assert {(kind, payload["what"]) for kind, payload in notices} == {("notice", "phone_shared")}
    assert lines(database) == ["account.phone_shared"] * 2


@pytest.mark.spec("SMS-06")
def test_of_many_accounts_that_bind_one_number_at_once_two_get_it(database: Database) -> None:
    for number in range(1, 9):
        stored(database, an_account(number))
    together = Barrier(8)

    def bind(number: int) -> bool:
        together.wait()
        try:
            database.accounts.update(holder(number), NO_EFFECTS)
        except AccountExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(bind, range(1, 9))) == [False] * 6 + [True] * 2


def test_numbers_verified_before_they_had_places_get_them_at_the_next_init(database: Database) -> None:
    stored(database, holder(1)), stored(database, holder(2))
    with database._connections.writing() as connection:
        connection.execute(sa.text("DELETE FROM phone_factor"))
    assert database.complete_phone_factors() == 2
    assert database.complete_phone_factors() == 0
    with pytest.raises(AccountExistsError):
        stored(database, holder(3))
