"""Accounts created and archived by the command line's rules; identifiers resolved to one account."""

from dataclasses import replace

import pytest

from gateway.accounts.account import Account, AccountStatus, RppsProof
from gateway.accounts.archive_account import UnknownAccount, archive_account
from gateway.accounts.block_account import NotBlockable, block_account, unblock_account
from gateway.accounts.create_account import AccountExists, AccountRefused, NewAccount, create_account, issue_activation
from gateway.accounts.one_time_link import LinkPurpose
from gateway.accounts.resolve_identifier import resolve_identifier
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.signin.journey import Step
from gateway.signin.transaction import Demand
from tests.fakes import CountedRandomness, FakeAccounts, FakeDevices, FakeLinks, Written
from tests.unit.signin.world import CONTEXT, World

NOW = 1_800_000_000.0
CLAIRE = NewAccount(
    username="Claire", family_name="  Fontaine ", given_name="Claire", email="Claire@Exemple.FR", rpps="8 999 000 00011",
    phone="06 99 90 00 01",
)  # fmt: skip


class Office:
    def __init__(self) -> None:
        self.written = Written()
        self.links, self.devices = FakeLinks(self.written), FakeDevices(self.written)
        self.accounts = FakeAccounts(self.written, self.links, self.devices)
        self.rest = {
            "links": self.links,
            "link_key": PurposeKey(Purpose.LINK, b"l" * 32),
            "link_ttl_seconds": 86400,
            "operator": "operator",
            "now": NOW,
            "randomness": CountedRandomness(),
        }

    def create(self, new: NewAccount) -> Account:
        return create_account(new, accounts=self.accounts, **self.rest)  # type: ignore[arg-type]


def test_an_account_is_created_invited_with_its_activation_link_on_its_way() -> None:
    office = Office()
    account = office.create(CLAIRE)
    assert (account.status, account.password_hash) == (AccountStatus.INVITED, None)
    assert (account.username, account.family_name, account.email) == ("claire", "Fontaine", "Claire@exemple.fr")
    assert (account.rpps, account.rpps_proof) == ("99900000011", RppsProof.DECLARED)
    assert (account.phone, account.phone_verified_at) == ("+33699900001", None)
    (link,) = office.links.records.values()
    assert (link.purpose, link.expires_at) == (LinkPurpose.ACTIVATION, NOW + 86400)
    assert office.written.names() == ["account.created", "link.requested"]
    assert office.written.sent("link")[0].payload == {"link": link.id, "account": account.id, "purpose": "activation"}
    lines = repr(office.written.events)
    assert "Fontaine" not in lines
    assert "99900000011" not in lines


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "99900000029"),
        ("username", "a b"),
        ("family_name", " "),
        ("given_name", "Clai\x00re"),
        ("email", "claire@exemple.fr\nBcc: a@b.fr"),
        ("rpps", "99900000012"),
        ("phone", "bonjour"),
        ("phone", "12"),
    ],
)
def test_what_cannot_be_an_identifier_is_refused_by_name(field: str, value: str) -> None:
    office = Office()
    with pytest.raises(AccountRefused) as refusal:
        office.create(replace(CLAIRE, **{field: value}))
    assert refusal.value.facts == {"field": field}
    assert office.accounts.records == {}


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("username", {"email": "x@exemple.fr", "rpps": None}),
        ("email", {"username": "x", "rpps": None}),
        ("rpps", {"username": "x", "email": "x@exemple.fr"}),
    ],
)
def test_what_belongs_to_somebody_is_not_given_twice(field: str, other: dict[str, str | None]) -> None:
    office = Office()
    office.create(CLAIRE)
    with pytest.raises(AccountExists) as refusal:
        office.create(replace(CLAIRE, **other))  # type: ignore[arg-type]
    assert refusal.value.facts == {"field": field}


def test_an_active_account_gets_no_activation_link() -> None:
    office = Office()
    account = replace(office.create(CLAIRE), status=AccountStatus.ACTIVE)
    with pytest.raises(AccountRefused):
        issue_activation(account, **office.rest)  # type: ignore[arg-type]


def test_every_identifier_leads_to_one_account_with_one_look_up() -> None:
    office = Office()
    claire = office.create(CLAIRE)
    office.accounts.put(replace(claire, email_verified_at=NOW))
    for typed in ("claire", " CLAIRE", "claire@exemple.fr", "99900000011", "999 00000011", "899900000011"):
        before = office.accounts.lookups
        found = resolve_identifier(office.accounts, typed)
        assert found is not None
        assert found.id == claire.id
        assert office.accounts.lookups == before + 1
    for typed in ("", "clair", "99900000012", "9990000001", "99900000011 x", "laire@exemple.fr"):
        before = office.accounts.lookups
        assert resolve_identifier(office.accounts, typed) is None
        assert office.accounts.lookups == before + 1


def test_an_address_that_was_not_verified_names_nobody() -> None:
    office = Office()
    office.create(CLAIRE)
    assert resolve_identifier(office.accounts, "claire@exemple.fr") is None


@pytest.mark.spec("SES-08")
def test_archiving_ends_sessions_links_and_devices_and_nobody_signs_in() -> None:
    world = World()
    session = world.signed_in()
    _, device_id = world.trusted_device()
    world.access.request_reset("claire", CONTEXT)
    txn = world.with_code()
    archived = archive(world, world.claire.id)
    assert (archived.status, archived.archived_at) == (AccountStatus.ARCHIVED, world.clock.now())
    assert world.sessions.records == {}
    assert not world.gate.is_enough(session, Demand())
    assert world.devices.records[device_id].revoked_at == world.clock.now()
    assert all(link.revoked_at is not None for link in world.links.records.values())
    assert world.step(txn) is Step.REFUSED
    assert {"account.archived", "session.ended"} <= set(world.written.names())
    assert world.written.sent("notice")[-1].payload["what"] == "account_archived"


@pytest.mark.spec("SES-08")
def test_a_blocked_account_loses_sessions_links_and_devices_and_signs_in_again_only_once_unblocked() -> None:
    world = World()
    session = world.signed_in()
    _, device_id = world.trusted_device()
    world.access.request_reset("claire", CONTEXT)
    txn = world.with_code()
    blocked = block(world, world.claire.id)
    assert blocked.status is AccountStatus.BLOCKED
    assert world.sessions.records == {}
    assert not world.gate.is_enough(session, Demand())
    assert world.devices.records[device_id].revoked_at == world.clock.now()
    assert all(link.revoked_at is not None for link in world.links.records.values())
    assert world.step(txn) is Step.REFUSED
    block(world, world.claire.id)
    assert world.written.names().count("account.blocked") == 1
    assert [notice.payload["what"] for notice in world.written.sent("notice")].count("account_blocked") == 1

    kept = world.accounts.get(world.claire.id)
    assert kept is not None
    active = unblock_account(kept.id, accounts=world.accounts, operator="operator", now=world.clock.now())
    assert (active.status, active.password_hash) == (AccountStatus.ACTIVE, world.claire.password_hash)
    world.signed_in()
    assert world.sessions.records


def test_only_an_active_account_is_blocked_and_only_a_blocked_one_unblocked() -> None:
    world = World()
    with pytest.raises(NotBlockable):
        unblock_account(world.claire.id, accounts=world.accounts, operator="operator", now=world.clock.now())
    archive(world, world.claire.id)
    with pytest.raises(NotBlockable):
        block(world, world.claire.id)
    with pytest.raises(UnknownAccount):
        block(world, "nobody")


def block(world: World, account_id: str) -> Account:
    return block_account(
        account_id,
        accounts=world.accounts,
        devices=world.devices,
        sessions=world.sessions,
        operator="operator",
        now=world.clock.now(),
    )


def archive(world: World, account_id: str) -> Account:
    return archive_account(
        account_id,
        accounts=world.accounts,
        devices=world.devices,
        sessions=world.sessions,
        operator="operator",
        now=world.clock.now(),
    )


def test_archiving_twice_says_so_once_and_archiving_nobody_is_refused() -> None:
    world = World()
    first = archive(world, world.claire.id)
    world.clock.advance(60)
    assert archive(world, world.claire.id) == first
    assert world.written.names().count("account.archived") == 1
    with pytest.raises(UnknownAccount):
        archive(world, "nobody")
