"""Linked identities, on both engines."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.accounts.account import Account, AccountStatus, RppsProof
from gateway.accounts.identity_link import IdentityLink, LinkKind, LinkProof, LinkState
from gateway.accounts.one_time_link import LinkPurpose
from gateway.accounts.ports import LinkRefusedError
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.envelope import UnreadableError
from gateway.storage.sql import Database, tables
from tests.contract.durable.samples import NOW, a_device, a_link, an_account, lines, told
from tests.contract.durable.test_durable_secrecy import dump

RPPS, OTHER_RPPS = "99900000003", "99900000011"
ISSUER = "https://auth.psc.exemple.invalid/realms/esante"


def an_identity(account: Account, name: str = "identity-1", **changes: Any) -> IdentityLink:
    said: dict[str, Any] = {
        "id": name,
        "account_id": account.id,
        "kind": LinkKind.PSC,
        "issuer": ISSUER,
        "subject": f"f:0b5e:{name}",
        "national_id": f"8{RPPS}",
        "rpps": RPPS,
        "proof": LinkProof.CREDENTIALS,
        "created_at": NOW + 10,
        "last_used_at": NOW + 10,
    }
    return IdentityLink(**(said | changes))


def stored(database: Database, number: int = 1, **changes: Any) -> Account:
    account = an_account(number, **changes)
    database.accounts.create(account, NO_EFFECTS)
    return account


def refused(database: Database, link: IdentityLink, account: Account, **given: Any) -> str:
    before = dump_of(database, account)
    with pytest.raises(LinkRefusedError) as refusal:
        database.identities.commit(link, account, told("identity.linked"), **given)
    assert dump_of(database, account) == before
    return refusal.value.reason


def dump_of(database: Database, account: Account) -> tuple[object, ...]:
    return (
        database.accounts.get(account.id),
        database.identities.of(account.id),
        database.devices.of(account.id),
        lines(database),
    )


def test_a_link_is_read_as_it_was_written_and_found_by_its_identity(database: Database) -> None:
    account = stored(database)
    link = an_identity(account)
    database.identities.commit(link, account, told("identity.linked"))
    assert database.identities.find(LinkKind.PSC, ISSUER, link.subject) == link
    assert database.identities.find_by_national_id(f"8{RPPS}") == link
    assert database.identities.get(link.id) == link
    assert database.identities.of(account.id) == [link]
    assert lines(database) == ["identity.linked"]


@pytest.mark.spec("LNK-05", "A8", "A5", "A15")
@pytest.mark.parametrize(
    "changes",
    [
        {"kind": LinkKind.CARD},
        {"issuer": ISSUER + "/"},
        {"issuer": ISSUER.upper()},
        {"subject": "F:0b5e:identity-1"},
        {"subject": " f:0b5e:identity-1"},
        {"subject": "f:0b5e:identity-1\0"},
        {"subject": "f:0b5e:ｉdentity-1"},
        {"subject": ""},
    ],
)
def test_an_identity_that_is_not_the_same_to_the_character_is_another(
    database: Database, changes: dict[str, Any]
) -> None:
    account = stored(database)
    link = an_identity(account)
    database.identities.commit(link, account, NO_EFFECTS)
    asked = {"kind": link.kind, "issuer": link.issuer, "subject": link.subject} | changes
    assert database.identities.find(**asked) is None


@pytest.mark.spec("LNK-05", "A15")
@pytest.mark.parametrize("near", [RPPS, f"08{RPPS}", f"8{RPPS} ", f"8{RPPS}0", f"8{RPPS[:-1]}", "0" + RPPS[:8], ""])
def test_a_national_identifier_is_matched_whole_leading_digits_included(database: Database, near: str) -> None:
    account = stored(database)
    database.identities.commit(an_identity(account), account, NO_EFFECTS)
    assert database.identities.find_by_national_id(near) is None


@pytest.mark.spec("LNK-09")
def test_a_link_proves_the_rpps_and_ends_everything_that_was_under_way(database: Database) -> None:
    account, other = stored(database, rpps=RPPS, rpps_proof=RppsProof.DECLARED), stored(database, 2)
    database.links.issue(a_link(account, "reset"), NO_EFFECTS)
    database.links.issue(a_link(other, "of-another"), NO_EFFECTS)
    database.devices.trust(a_device(account), NO_EFFECTS)
    database.devices.trust(a_device(other, "device-2"), NO_EFFECTS)
    link = an_identity(account)
    not_me = a_link(account, link.id, purpose=LinkPurpose.NOT_ME, contact_version=2)
    linked = database.identities.commit(link, account, NO_EFFECTS, not_me=not_me)
    assert linked == database.accounts.get(account.id)
    assert linked == dataclasses.replace(
        account, rpps_proof=RppsProof.PSC, contact_version=2, code_demanded_since=link.created_at
    )
    assert database.links.get("reset") == a_link(account, "reset", revoked_at=link.created_at)
    assert database.links.get("of-another") == a_link(other, "of-another")
    assert database.devices.find("device-1") == a_device(account, revoked_at=link.created_at)
    assert database.devices.find("device-2") == a_device(other, "device-2")
    assert database.links.get(link.id) == not_me
    assert not database.accounts.set_password(linked, a_link(account, "reset"), NOW + 11, told())


@pytest.mark.spec("LNK-09")
def test_no_change_of_contact_or_password_takes_the_protest_away(database: Database) -> None:
    account = stored(database)
    link = an_identity(account)
    not_me = a_link(account, link.id, purpose=LinkPurpose.NOT_ME, contact_version=2)
    linked = database.identities.commit(link, account, NO_EFFECTS, not_me=not_me)
    changed = dataclasses.replace(linked, email="pirate@exemple.invalid", contact_version=3)
    database.accounts.update(changed, NO_EFFECTS)
    database.links.issue(a_link(changed, "reset", token_digest=b"r" * 32), NO_EFFECTS)
    assert database.accounts.set_password(changed, a_link(changed, "reset"), NOW + 20, NO_EFFECTS)
    assert database.links.get(link.id) == not_me


@pytest.mark.spec("LNK-05", "LNK-06", "LNK-08")
@pytest.mark.parametrize(
    ("reason", "account", "changes"),
    [
        ("account_has_other_rpps", {"rpps": OTHER_RPPS}, {}),
        ("account_has_other_rpps", {"rpps": RPPS}, {"rpps": None, "national_id": "0990000016"}),
        ("account_not_active", {"status": AccountStatus.ARCHIVED}, {}),
        ("account_not_active", {"status": AccountStatus.BLOCKED}, {}),
        ("account_not_active", {"status": AccountStatus.INVITED}, {}),
    ],
)
def test_what_the_account_is_can_forbid_a_link(
    database: Database, reason: str, account: dict[str, Any], changes: dict[str, Any]
) -> None:
    mine = stored(database, **account)
    database.devices.trust(a_device(mine), NO_EFFECTS)
    assert refused(database, an_identity(mine, **changes), mine) == reason


@pytest.mark.spec("LNK-05")
@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("taken", {"rpps": None, "national_id": None, "subject": "f:0b5e:first"}),
        ("taken", {"rpps": None, "kind": LinkKind.CARD}),
        ("rpps_elsewhere", {"national_id": None}),
        ("rpps_elsewhere", {"national_id": "0990000016", "kind": LinkKind.CARD}),
    ],
)
def test_what_is_another_accounts_is_refused_by_the_database(
    database: Database, reason: str, changes: dict[str, Any]
) -> None:
    first, second = stored(database, 1), stored(database, 2)
    database.identities.commit(an_identity(first, "first"), first, NO_EFFECTS)
    assert refused(database, an_identity(second, "second", **changes), second) == reason
    assert len(database.identities.of(first.id)) == 1


@pytest.mark.spec("LNK-05", "A8")
def test_an_rpps_that_another_account_declared_is_refused(database: Database) -> None:
    stored(database, 1, rpps=RPPS)
    account = stored(database, 2)
    assert refused(database, an_identity(account), account) == "rpps_elsewhere"


@pytest.mark.spec("LNK-05")
def test_an_account_never_holds_the_identifiers_of_two_people(database: Database) -> None:
    account = stored(database)
    linked = database.identities.commit(
        an_identity(account, rpps=None, national_id="500000001/FICTIF1"), account, NO_EFFECTS
    )
    second = an_identity(account, "second", rpps=None, national_id="500000001/FICTIF2")
    assert refused(database, second, linked) == "account_has_other_rpps"
    assert refused(database, dataclasses.replace(second, national_id=None), linked) == "account_has_other_rpps"


@pytest.mark.spec("LNK-08", "A14")
@pytest.mark.parametrize("changed", ["contact_version", "code_demanded_since", "password_hash"])
def test_an_account_that_changed_since_it_was_judged_is_not_linked(database: Database, changed: str) -> None:
    account = stored(database)
    values: dict[str, Any] = {"contact_version": 2, "code_demanded_since": NOW, "password_hash": "another"}
    database.accounts.update(dataclasses.replace(account, **{changed: values[changed]}), NO_EFFECTS)
    assert refused(database, an_identity(account), account) == "account_changed"


def test_an_activation_is_consumed_with_the_link_and_once(database: Database) -> None:
    account = stored(database, status=AccountStatus.INVITED, rpps=RPPS)
    activation = a_link(account, "activation", purpose=LinkPurpose.ACTIVATION)
    database.links.issue(activation, NO_EFFECTS)
    linked = database.identities.commit(an_identity(account), account, NO_EFFECTS, activation=activation)
    assert (linked.status, linked.email_verified_at, linked.password_hash) == (AccountStatus.ACTIVE, NOW + 10, None)
    assert database.links.get("activation") == dataclasses.replace(activation, used_at=NOW + 10)
    again = an_identity(account, "again", kind=LinkKind.CARD)
    assert refused(database, again, linked, activation=activation) == "account_not_active"


@pytest.mark.spec("REG-09")
@pytest.mark.parametrize("proved_at", [None, NOW])
def test_an_activation_by_a_printed_sheet_verifies_no_address_that_was_not_proved(
    database: Database, proved_at: float | None
) -> None:
    account, referent = stored(database, status=AccountStatus.INVITED, rpps=RPPS), stored(database, 2)
    sheet = a_link(account, "sheet", purpose=LinkPurpose.ACTIVATION, printed_by=referent.id)
    sheet = dataclasses.replace(sheet, contact_proved_at=proved_at)
    database.links.issue(sheet, NO_EFFECTS)
    linked = database.identities.commit(an_identity(account), account, NO_EFFECTS, activation=sheet)
    verified_at = None if proved_at is None else NOW + 10
    assert (linked.status, linked.email_verified_at) == (AccountStatus.ACTIVE, verified_at)


@pytest.mark.parametrize("why", ["used", "revoked", "expired", "of another", "unknown"])
def test_an_activation_link_that_is_not_alive_links_nothing(database: Database, why: str) -> None:
    account, other = stored(database, status=AccountStatus.INVITED), stored(database, 2)
    activation = a_link(other if why == "of another" else account, "activation", purpose=LinkPurpose.ACTIVATION)
    if why != "unknown":
        at: dict[str, dict[str, Any]] = {
            "used": {"used_at": NOW},
            "revoked": {"revoked_at": NOW},
            "expired": {"expires_at": NOW + 10},
        }
        database.links.issue(dataclasses.replace(activation, **at.get(why, {})), NO_EFFECTS)
    assert refused(database, an_identity(account), account, activation=activation) == "account_changed"


def in_parallel(databases: list[Database], act: Callable[[int], object]) -> list[object]:
    start = Barrier(len(databases))

    def run(number: int) -> object:
        start.wait()
        try:
            return act(number)
        except LinkRefusedError as refusal:
            return refusal.reason

    with ThreadPoolExecutor(len(databases)) as pool:
        return list(pool.map(run, range(len(databases))))


@pytest.mark.spec("LNK-05", "LNK-14", "A8", "A16")
@pytest.mark.parametrize("same", ["rpps", "national_id", "subject"])
def test_of_parallel_commits_of_one_identity_to_several_accounts_one_goes_through(
    database: Database, open_database: Callable[..., Database], same: str
) -> None:
    accounts = [stored(database, number) for number in range(1, 5)]
    databases = [open_database() for _ in accounts]
    only: dict[str, Any] = {"rpps": None, "national_id": None} | {
        "rpps": {"rpps": RPPS},
        "national_id": {"national_id": f"8{RPPS}"},
        "subject": {"subject": "one"},
    }[same]

    def commit(number: int) -> object:
        link = an_identity(accounts[number], f"link-{number}", **only)
        return databases[number].identities.commit(link, accounts[number], told("identity.linked"))

    answers = in_parallel(databases, commit)
    expected = "rpps_elsewhere" if same == "rpps" else "taken"
    assert answers.count(expected) == 3
    linked = [number for number, account in enumerate(accounts) if database.identities.of(account.id)]
    assert len(linked) == 1
    assert answers[linked[0]] == database.accounts.get(accounts[linked[0]].id)
    assert lines(database) == ["identity.linked"]


@pytest.mark.spec("LNK-14", "A16")
def test_of_parallel_commits_to_one_account_one_goes_through(
    database: Database, open_database: Callable[..., Database]
) -> None:
    account = stored(database)
    databases = [open_database() for _ in range(4)]

    def commit(number: int) -> object:
        link = an_identity(account, f"link-{number}", rpps=None, national_id=None)
        return databases[number].identities.commit(link, account, told("identity.linked"))

    assert in_parallel(databases, commit).count("account_changed") == 3
    assert len(database.identities.of(account.id)) == 1
    assert lines(database) == ["identity.linked"]


def test_another_means_of_the_same_person_joins_and_changes_nothing_else(database: Database) -> None:
    account = stored(database)
    linked = database.identities.commit(an_identity(account), account, NO_EFFECTS)
    card = an_identity(account, "card", kind=LinkKind.CARD, proof=LinkProof.NATIONAL_ID)
    database.identities.add(card, told("identity.linked"))
    assert database.accounts.get(account.id) == linked
    assert database.identities.find(LinkKind.CARD, ISSUER, card.subject) == card


@pytest.mark.parametrize(
    "changes",
    [{"national_id": None}, {"national_id": RPPS}, {"rpps": OTHER_RPPS}],
    ids=["no identifier", "another identifier", "another RPPS"],
)
def test_an_identity_joins_only_by_the_national_identifier_and_without_contradiction(
    database: Database, changes: dict[str, Any]
) -> None:
    account = stored(database)
    database.identities.commit(an_identity(account), account, NO_EFFECTS)
    with pytest.raises(LinkRefusedError):
        database.identities.add(an_identity(account, "card", kind=LinkKind.CARD, **changes), told())
    assert len(database.identities.of(account.id)) == 1
    assert lines(database) == []


@pytest.mark.spec("LNK-10", "A7")
def test_an_ended_link_signs_nobody_in_and_lends_itself_to_nobody(database: Database) -> None:
    account, other = stored(database), stored(database, 2)
    link = an_identity(account, rpps=None)
    linked = database.identities.commit(link, account, NO_EFFECTS)
    assert database.identities.end(link.id, NOW + 20, "operator", told("identity.unlinked"))
    assert not database.identities.end(link.id, NOW + 30, "somebody", told("identity.unlinked"))
    ended = dataclasses.replace(link, state=LinkState.ENDED, ended_at=NOW + 20, ended_by="operator")
    assert database.identities.of(account.id) == [ended]
    assert database.identities.find(*(link.kind, link.issuer, link.subject)) is None
    assert database.identities.find_by_national_id(f"8{RPPS}") is None
    card = an_identity(account, "card", kind=LinkKind.CARD, rpps=None)
    with pytest.raises(LinkRefusedError):
        database.identities.add(card, told())
    assert lines(database) == ["identity.unlinked"]
    # The same person may link again; another account may not have the identifier that this one proved (A7).
    assert refused(database, an_identity(other, "stolen", rpps=None), other) == "taken"
    again = an_identity(account, "again", rpps=None, subject=link.subject, created_at=NOW + 40)
    assert database.identities.commit(again, linked, NO_EFFECTS)


def test_a_protest_freezes_the_link_once(database: Database) -> None:
    account = stored(database)
    link = an_identity(account)
    not_me = a_link(account, link.id, purpose=LinkPurpose.NOT_ME, contact_version=2)
    database.identities.commit(link, account, NO_EFFECTS, not_me=not_me)
    freeze = database.identities.freeze
    assert not freeze(link.id, NOW + 99, told(), said_by=not_me, at=not_me.expires_at)
    assert freeze(link.id, NOW + 99, told("identity.frozen"), said_by=not_me, at=NOW + 12)
    assert not freeze(link.id, NOW + 999, told(), said_by=not_me, at=NOW + 13)
    assert database.identities.get(link.id) == dataclasses.replace(link, frozen_until=NOW + 99)
    assert lines(database) == ["identity.frozen"]


@pytest.mark.spec("LNK-09", "A7")
def test_a_protest_freezes_every_link_of_the_person_disputed_and_nobody_elses(database: Database) -> None:
    account, other = stored(database), stored(database, 2)
    link, card = an_identity(account), an_identity(account, "card", kind=LinkKind.CARD)
    not_me = a_link(account, link.id, purpose=LinkPurpose.NOT_ME, contact_version=2)
    database.identities.commit(link, account, NO_EFFECTS, not_me=not_me)
    database.identities.add(card, NO_EFFECTS)
    others = an_identity(other, "others", national_id=None, rpps=None)
    database.identities.commit(others, other, NO_EFFECTS)
    assert database.identities.freeze(link.id, NOW + 99, NO_EFFECTS, said_by=not_me, at=NOW + 12)
    assert [found.frozen_until for found in database.identities.of(account.id)] == [NOW + 99, NOW + 99]
    assert database.identities.of(other.id) == [others]
    second = an_identity(account, "second card", kind=LinkKind.CARD, created_at=NOW + 98)
    with pytest.raises(LinkRefusedError):
        database.identities.add(second, told())
    database.identities.add(dataclasses.replace(second, created_at=NOW + 99), NO_EFFECTS)


@pytest.mark.spec("LNK-09", "A16")
def test_of_parallel_protests_one_freezes_and_a_card_that_joins_meanwhile_does_not_escape(
    database: Database, open_database: Callable[..., Database]
) -> None:
    account = stored(database)
    link = an_identity(account)
    not_me = a_link(account, link.id, purpose=LinkPurpose.NOT_ME, contact_version=2)
    database.identities.commit(link, account, NO_EFFECTS, not_me=not_me)
    databases = [open_database() for _ in range(4)]

    def act(number: int) -> object:
        if number % 2:
            card = an_identity(account, f"card-{number}", kind=LinkKind.CARD, created_at=NOW + 12)
            return databases[number].identities.add(card, told("identity.linked"))
        return databases[number].identities.freeze(
            link.id, NOW + 99, told("identity.frozen"), said_by=not_me, at=NOW + 12
        )

    answers = in_parallel(databases, act)
    assert answers.count(True) == 1
    assert {found.frozen_until for found in database.identities.of(account.id)} == {NOW + 99}
    assert lines(database).count("identity.frozen") == 1


def test_a_use_is_noted(database: Database) -> None:
    account = stored(database)
    database.identities.commit(an_identity(account), account, NO_EFFECTS)
    database.identities.note_use("identity-1", NOW + 50)
    assert database.identities.get("identity-1") == an_identity(account, last_used_at=NOW + 50)


def test_who_came_by_a_kind_of_link_since_an_instant_is_named_once_and_also_after_the_links_end(
    database: Database,
) -> None:
    one, two, three = (stored(database, number, rpps=None, rpps_proof=None) for number in (1, 2, 3))
    database.identities.commit(an_identity(one), one, NO_EFFECTS)
    for name in ("card-1", "card-2"):
        database.identities.add(
            an_identity(one, name, kind=LinkKind.CARD, created_at=NOW + 20, last_used_at=NOW + 20), NO_EFFECTS
        )
    other = {"kind": LinkKind.CARD, "national_id": f"8{OTHER_RPPS}", "rpps": OTHER_RPPS}
    database.identities.commit(an_identity(two, "card-3", **other), two, NO_EFFECTS)
    database.identities.commit(an_identity(three, "psc-2", national_id=None, rpps=None), three, NO_EFFECTS)
    assert sorted(database.identities.used_since(LinkKind.CARD, NOW)) == sorted([one.id, two.id])
    assert database.identities.used_since(LinkKind.CARD, NOW + 20) == [one.id]
    assert database.identities.used_since(LinkKind.CARD, NOW + 20.1) == []
    database.identities.note_use("card-3", NOW + 50)
    assert database.identities.end("card-3", NOW + 60, "somebody", NO_EFFECTS)
    assert database.identities.used_since(LinkKind.CARD, NOW + 50) == [two.id]


@pytest.mark.spec("CRY-01", "CRY-04")
def test_a_dump_shows_no_subject_no_national_identifier_and_no_rpps(database: Database, raw: sa.Engine) -> None:
    account = stored(database)
    link = an_identity(account, subject=f"f:0b5e:8{RPPS}")
    database.identities.commit(link, account, NO_EFFECTS)
    content = dump(raw)
    assert [secret for secret in (RPPS, "f:0b5e") if secret.encode() in content] == []


@pytest.mark.spec("CRY-02")
@pytest.mark.parametrize("column", ["subject", "national_id", "rpps"])
def test_a_field_moved_to_another_link_does_not_open(database: Database, raw: sa.Engine, column: str) -> None:
    one, other = stored(database), stored(database, 2)
    database.identities.commit(an_identity(one), one, NO_EFFECTS)
    second = an_identity(other, "identity-2", rpps=OTHER_RPPS, national_id=f"8{OTHER_RPPS}")
    database.identities.commit(second, other, NO_EFFECTS)
    table = tables.identity_link
    with raw.begin() as connection:
        field = connection.execute(sa.select(table.c[column]).where(table.c.id == "identity-2")).scalar_one()
        connection.execute(sa.update(table).where(table.c.id == "identity-1").values({column: field}))
    with pytest.raises(UnreadableError):
        database.identities.get("identity-1")
