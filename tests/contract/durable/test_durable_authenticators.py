"""Authenticators at rest: applications, recovery codes, consecutive failures; each on both engines, races included."""

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.accounts.account import CodeChannel
from gateway.accounts.authenticator import HeldAuthenticators, RecoveryCodes, TotpAuthenticator
from gateway.accounts.ports import TotpAuthenticators
from gateway.journal.effects import NO_EFFECTS, Outgoing
from gateway.keys.envelope import UnreadableError
from gateway.storage.sql import Database
from tests.contract.durable.samples import NOW, an_account, lines, told
from tests.contract.durable.test_durable_passkeys import a_passkey

LIMIT = 20


def an_application(name: str = "app-1", number: int = 1, **changes: Any) -> TotpAuthenticator:
    said: dict[str, Any] = {
        "id": name,
        "account_id": an_account(number).id,
        "label": "Mon téléphone",
        "secret": name.encode().ljust(20, b"."),
        "created_at": NOW,
    }
    return TotpAuthenticator(**(said | changes))


def active(database: Database, name: str = "app-1", number: int = 1, step: int = 100) -> TotpAuthenticator:
    one = an_application(name, number)
    database.totp.enrol(one, NO_EFFECTS)
    assert database.totp.confirm(name, time_step=step, at=NOW, at_most=5, effects=NO_EFFECTS)
    return dataclasses.replace(one, confirmed_at=NOW, last_time_step=step)


def attempt(store: TotpAuthenticators, step: int | None, *, name: str = "app-1", number: int = 1) -> str | None:
    """A code of this step of that application; None: a wrong one."""
    accepted = store.attempt(
        an_account(number).id,
        lambda one: step if one.id == name else None,
        disabled_after=LIMIT,
        if_accepted=told("signin.totp"),
        if_wrong=told("signin.refused"),
        if_disabled=told("authenticator.disabled", outgoing=(Outgoing("notice", {"what": "totp_disabled"}),)),
    )
    return None if accepted is None else accepted.id


@pytest.fixture
def people(database: Database) -> Database:
    for number in (1, 2):
        database.accounts.create(an_account(number), NO_EFFECTS)
    return database


def in_parallel(databases: Sequence[Database], act: Callable[[Database], object]) -> list[object]:
    results: list[object] = [None] * len(databases)
    gate = threading.Barrier(len(databases))

    def run(place: int) -> None:
        gate.wait()
        results[place] = act(databases[place])

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(databases))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_an_application_is_read_as_it_was_written(people: Database) -> None:
    one = an_application()
    people.totp.enrol(one, told("authenticator.enrolling"))
    assert people.totp.get("app-1") == one
    assert list(people.totp.of(one.account_id)) == [one]
    assert (people.totp.get("nobody"), people.totp.of("nobody\0")) == (None, [])
    assert lines(people) == ["authenticator.enrolling"]


@pytest.mark.spec("FID-03")
def test_only_one_enrolment_waits_and_the_secret_of_the_one_before_is_forgotten(people: Database) -> None:
    kept = active(people, "app-0")
    people.totp.enrol(an_application("app-1"), NO_EFFECTS)
    people.totp.enrol(an_application("app-2"), NO_EFFECTS)
    people.totp.enrol(an_application("app-3", 2), NO_EFFECTS)
    assert [one.id for one in people.totp.of(kept.account_id)] == ["app-0", "app-2"]
    assert people.totp.get("app-1") == an_application("app-1", secret=b"", revoked_at=NOW)


@pytest.mark.spec("FID-03")
def test_an_enrolment_is_confirmed_once_and_within_the_bound(people: Database) -> None:
    people.totp.enrol(an_application(), NO_EFFECTS)
    said = {"time_step": 7, "at": NOW + 1, "effects": told("authenticator.added")}
    assert not people.totp.confirm("app-1", at_most=0, **said)
    assert not people.totp.confirm("nobody", at_most=5, **said)
    assert people.totp.confirm("app-1", at_most=1, **said)
    assert not people.totp.confirm("app-1", at_most=5, **said)
    confirmed = dataclasses.replace(an_application(), confirmed_at=NOW + 1, last_time_step=7)
    assert people.totp.get("app-1") == confirmed
    assert lines(people) == ["authenticator.added"]


@pytest.mark.spec("FID-03")
def test_nothing_is_accepted_before_the_first_code(people: Database) -> None:
    people.totp.enrol(an_application(), NO_EFFECTS)
    assert attempt(people.totp, 100) is None


@pytest.mark.spec("FID-02", "AC-031")
def test_a_step_is_accepted_once_and_no_lower_one_after_it(people: Database) -> None:
    active(people, step=100)
    assert [attempt(people.totp, step) for step in (100, 99, 101, 101, 100, 103, 102)] == [
        None, None, "app-1", None, None, "app-1", None,
    ]  # fmt: skip
    assert lines(people).count("signin.totp") == 2


@pytest.mark.spec("FID-02")
def test_each_application_of_an_account_keeps_its_own_steps(people: Database) -> None:
    active(people, "app-1", step=100)
    active(people, "app-2", step=100)
    active(people, "app-3", 2, step=100)
    assert attempt(people.totp, 101, name="app-2") == "app-2"
    assert attempt(people.totp, 101, name="app-1") == "app-1"
    assert attempt(people.totp, 102, name="app-3") is None, "another person's"


@pytest.mark.spec("FID-02")
def test_of_parallel_calls_with_one_right_code_one_is_accepted(
    people: Database, open_database: Callable[..., Database]
) -> None:
    active(people, step=100)
    accepted = in_parallel([open_database() for _ in range(8)], lambda database: attempt(database.totp, 101))
    assert sorted(accepted, key=str) == [None] * 7 + ["app-1"]
    assert lines(people).count("signin.totp") == 1


@pytest.mark.spec("OTP-09", "THR-09")
def test_every_wrong_code_counts_also_in_parallel_and_the_last_one_disables_once(
    people: Database, open_database: Callable[..., Database]
) -> None:
    active(people)
    processes = [open_database() for _ in range(6)]
    for _ in range(3):
        in_parallel(processes, lambda database: attempt(database.totp, None))
    found = people.totp.get("app-1")
    assert found is not None
    assert found.failures == 18
    in_parallel(processes, lambda database: attempt(database.totp, None))
    assert attempt(people.totp, 200) is None, "a right code comes too late"
    found = people.totp.get("app-1")
    assert found is not None
    assert (found.failures, found.last_time_step) == (LIMIT, 100)
    assert lines(people).count("authenticator.disabled") == 1
    assert len(people.outbox.take(NOW)) == 1


@pytest.mark.spec("OTP-09")
def test_a_right_code_forgets_the_failures_of_all_but_what_is_disabled(people: Database) -> None:
    active(people, "app-1")
    for _ in range(19):
        attempt(people.totp, None)
    active(people, "app-2")
    attempt(people.totp, None)
    assert [one.failures for one in people.totp.of(an_account().id)] == [LIMIT, 1]
    assert attempt(people.totp, 200, name="app-2") == "app-2"
    assert [one.failures for one in people.totp.of(an_account().id)] == [LIMIT, 0]
    assert attempt(people.totp, 300, name="app-1") is None


def test_a_name_is_changed_while_the_application_is_active(people: Database) -> None:
    active(people)
    assert people.totp.rename("app-1", "Tablette\0", told("authenticator.renamed"))
    found = people.totp.get("app-1")
    assert found is not None
    assert found.label == "Tablette\ufffd"
    assert people.totp.revoke("app-1", NOW, NO_EFFECTS)
    assert not people.totp.rename("app-1", "Autre", told("authenticator.renamed"))
    assert lines(people) == ["authenticator.renamed"]


@pytest.mark.spec("FID-10")
def test_a_revoked_application_is_forgotten_once(people: Database) -> None:
    one = active(people)
    assert people.totp.revoke("app-1", NOW + 5, told("authenticator.removed"))
    assert not people.totp.revoke("app-1", NOW + 6, told("authenticator.removed"))
    assert not people.totp.revoke("nobody", NOW, told("authenticator.removed"))
    assert people.totp.get("app-1") == dataclasses.replace(one, secret=b"", revoked_at=NOW + 5)
    assert people.totp.of(one.account_id) == []
    assert attempt(people.totp, 200) is None
    assert lines(people).count("authenticator.removed") == 1


@pytest.mark.spec("FID-10")
def test_of_two_parallel_removals_one_leaves_the_last_application(
    people: Database, open_database: Callable[..., Database]
) -> None:
    active(people, "app-1")
    active(people, "app-2")
    processes = [open_database(), open_database()]
    mine = {id(processes[0]): "app-1", id(processes[1]): "app-2"}
    removed = in_parallel(
        processes,
        lambda database: database.totp.revoke(
            mine[id(database)], NOW, NO_EFFECTS, unless=lambda others: len(others) == 0
        ),
    )
    assert sorted(removed, key=str) == [False, True]
    assert len(people.totp.of(an_account().id)) == 1


@pytest.mark.spec("FID-03", "CRY-01")
def test_a_dump_shows_no_secret_and_one_moved_elsewhere_does_not_open(people: Database, raw: sa.Engine) -> None:
    one, other = active(people, "app-1"), active(people, "app-2", 2)
    with raw.begin() as connection:
        stored = connection.execute(sa.text("SELECT id, secret FROM totp_authenticator ORDER BY id")).all()
        assert one.secret not in bytes(stored[0].secret)
        connection.execute(
            sa.text("UPDATE totp_authenticator SET secret = :secret WHERE id = 'app-2'"), {"secret": stored[0].secret}
        )
    with pytest.raises(UnreadableError):
        people.totp.get(other.id)


def a_sheet(name: str = "set-1", number: int = 1) -> RecoveryCodes:
    digests = tuple(f"{name}-{number}-{place}".encode().ljust(32, b".") for place in range(10))
    return RecoveryCodes(name, an_account(number).id, digests, NOW)


@pytest.mark.spec("FID-12")
def test_a_recovery_code_is_spent_once_and_by_its_holder_alone(people: Database) -> None:
    sheet, used = a_sheet(), told("signin.recovery_code")
    people.recovery_codes.replace(sheet, told("recovery_codes.made"))
    assert people.recovery_codes.left(sheet.account_id) == 10
    assert not people.recovery_codes.use(an_account(2).id, sheet.digests[0], NOW, used)
    assert people.recovery_codes.use(sheet.account_id, sheet.digests[0], NOW, used)
    assert not people.recovery_codes.use(sheet.account_id, sheet.digests[0], NOW, used)
    assert not people.recovery_codes.use(sheet.account_id, b"?" * 32, NOW, used)
    assert people.recovery_codes.left(sheet.account_id) == 9
    assert lines(people) == ["recovery_codes.made", "signin.recovery_code"]


@pytest.mark.spec("FID-12")
def test_of_parallel_uses_of_one_recovery_code_one_is_accepted(
    people: Database, open_database: Callable[..., Database]
) -> None:
    sheet = a_sheet()
    people.recovery_codes.replace(sheet, NO_EFFECTS)
    used = in_parallel(
        [open_database() for _ in range(8)],
        lambda database: database.recovery_codes.use(sheet.account_id, sheet.digests[0], NOW, NO_EFFECTS),
    )
    assert used.count(True) == 1


@pytest.mark.spec("FID-12")
def test_a_new_sheet_revokes_the_one_before_and_nobody_elses(people: Database) -> None:
    old, new, other = a_sheet("set-1"), a_sheet("set-2"), a_sheet("set-3", 2)
    for sheet in (old, other, new):
        people.recovery_codes.replace(sheet, NO_EFFECTS)
    assert not people.recovery_codes.use(old.account_id, old.digests[0], NOW, NO_EFFECTS)
    assert people.recovery_codes.use(new.account_id, new.digests[0], NOW, NO_EFFECTS)
    assert people.recovery_codes.left(other.account_id) == 10
    assert people.recovery_codes.revoke(new.account_id, NOW, told("recovery_codes.revoked"))
    assert not people.recovery_codes.revoke(new.account_id, NOW, told("recovery_codes.revoked"))
    assert people.recovery_codes.left(new.account_id) == 0
    assert lines(people) == ["recovery_codes.revoked"]


def fail(
    database: Database, at: float = NOW, *, bound_at: float = 0.0, channel: CodeChannel = CodeChannel.EMAIL
) -> None:
    database.code_failures.failed(
        an_account().id,
        channel,
        at,
        bound_at=bound_at,
        disabled_after=LIMIT,
        if_disabled=told("authenticator.disabled"),
    )


@pytest.mark.spec("OTP-09", "THR-09")
def test_wrong_codes_of_a_channel_add_up_across_processes_and_disable_it_once(
    people: Database, open_database: Callable[..., Database]
) -> None:
    for _ in range(3):
        in_parallel([open_database() for _ in range(6)], fail)
    fail(people)
    fail(people, channel=CodeChannel.SMS)
    assert people.held.of(an_account().id).disabled == {}
    fail(people, NOW + 3)
    fail(people, NOW + 4)
    assert people.held.of(an_account().id).disabled == {CodeChannel.EMAIL: NOW + 3}
    assert people.held.of(an_account(2).id).disabled == {}
    assert lines(people) == ["authenticator.disabled"]
    people.code_failures.succeeded(an_account().id, CodeChannel.EMAIL)
    assert people.held.of(an_account().id).disabled == {CodeChannel.EMAIL: NOW + 3}


@pytest.mark.spec("OTP-09")
def test_failures_are_forgotten_by_a_right_code_and_by_a_contact_verified_since(people: Database) -> None:
    for _ in range(19):
        fail(people)
    people.code_failures.succeeded(an_account().id, CodeChannel.EMAIL)
    people.code_failures.succeeded(an_account(2).id, CodeChannel.EMAIL)
    for _ in range(19):
        fail(people)
    assert people.held.of(an_account().id).disabled == {}
    fail(people)
    assert people.held.of(an_account().id).disabled == {CodeChannel.EMAIL: NOW}
    for _ in range(19):
        fail(people, NOW + 9, bound_at=NOW + 5)
    assert people.held.of(an_account().id).disabled == {}
    fail(people, NOW + 9, bound_at=NOW + 5)
    assert people.held.of(an_account().id).disabled == {CodeChannel.EMAIL: NOW + 9}


def test_what_an_account_holds_is_read_in_one_statement(people: Database, raw: sa.Engine) -> None:
    nothing = HeldAuthenticators()
    assert people.held.of(an_account().id) == nothing
    active(people, "app-1")
    active(people, "app-2")
    people.totp.enrol(an_application("waits"), NO_EFFECTS)
    active(people, "revoked")
    people.totp.revoke("revoked", NOW, NO_EFFECTS)
    for _ in range(3):
        attempt(people.totp, None, name="app-1")
    people.recovery_codes.replace(a_sheet(), NO_EFFECTS)
    people.recovery_codes.use(an_account().id, a_sheet().digests[0], NOW, NO_EFFECTS)
    for name, eligible in (("kept", False), ("copied", True), ("flagged", True), ("gone", False)):
        people.passkeys.enrol(a_passkey(name, backup_eligible=eligible), NO_EFFECTS, at_most=5)
    assert people.passkeys.revoke("gone", NOW, NO_EFFECTS)
    with raw.begin() as connection:
        connection.execute(sa.text("UPDATE passkey SET flagged_at = 1 WHERE id = 'flagged'"))
    for _ in range(LIMIT):
        fail(people)
    fail(people, channel=CodeChannel.SMS)
    held = people.held.of(an_account().id)
    assert sorted(held.applications) == sorted(
        one.failures for one in people.totp.of(an_account().id) if one.confirmed_at is not None
    )
    assert any(held.applications)
    assert held.recovery_codes == people.recovery_codes.left(an_account().id) == len(a_sheet().digests) - 1
    assert held.passkeys == {"kept": False, "copied": True}
    assert held.disabled == {CodeChannel.EMAIL: NOW}
    assert people.held.of(an_account(2).id) == nothing
    assert people.held.of("no\x00body") == nothing
