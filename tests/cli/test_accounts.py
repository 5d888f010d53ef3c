"""People, from the command line."""

import pytest

from gateway.accounts.one_time_link import LinkPurpose
from gateway.accounts.trusted_device import TrustedDevice
from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import identifier, system_randomness
from tests.cli.deployment import Deployment
from tests.contract.ephemeral.ephemeral_samples import a_session

PERSON = (
    *("--username", "agent.un", "--given-name", "Prénoma", "--family-name", "Fauxnom"),
    *("--email", "prenoma@exemple.invalid", "--rpps", "99900000011"),
)


def a_device(account_id: str, now: float) -> TrustedDevice:
    return TrustedDevice(
        id=identifier(system_randomness),
        account_id=account_id,
        public_key=b"key",
        label="test",
        proved_at=now,
        created_at=now,
        last_used_at=now,
    )


def links(deployment: Deployment) -> int:
    """Activation mails that wait for the jobs, for this person."""
    with deployment.stores() as stores:
        account = stores.database.accounts.find_by_username("agent.un")
        assert account is not None
        waiting = stores.database.outbox.take(stores.clock.now(), lease_seconds=0)
        return sum(payload["account"] == account.id for _, _, payload, _ in waiting)


@pytest.mark.spec("PWD-11")
def test_an_account_begins_invited_without_any_credential(deployment):
    created = deployment.json("accounts", "create", *PERSON)
    assert created["status"] == "invited"
    shown = deployment.json("accounts", "show", "agent.un")
    assert (shown["password"], shown["rpps_proof"], shown["email_verified_at"]) == ("none", "declared", None)
    assert links(deployment) == 1


def test_a_death_between_the_account_and_its_link_is_repaired_by_welcome(deployment):
    ran = deployment.process(
        "accounts", "create", *PERSON, dying_after="gateway.storage.sql.accounts:SqlAccounts.create"
    )
    assert ran.code == -9
    assert links(deployment) == 0
    again = deployment.run("accounts", "create", *PERSON)
    assert (again.code, "accounts show" in again.err) == (1, True)
    welcomed = deployment.json("accounts", "welcome", "agent.un")
    assert links(deployment) == 1
    with deployment.stores() as stores:
        link = stores.database.links.latest(welcomed["id"], LinkPurpose.ACTIVATION)
        assert link is not None
        assert link.expires_at > stores.clock.now()


def test_a_person_is_found_by_any_of_their_names_and_the_reading_is_journalled(deployment):
    account = deployment.json("accounts", "create", *PERSON)["id"]
    for name in (account, "agent.un", "AGENT.UN", "999 0000 0011", "prenoma@exemple.invalid"):
        assert deployment.json("accounts", "show", name)["id"] == account
    read = [event for event in deployment.journal() if event.name == "admin.command"]
    assert [(event.target, event.details["command"]) for event in read] == [(account, "accounts show")] * 5


def test_archiving_asks_and_says_why_from_a_closed_list(deployment):
    deployment.json("accounts", "create", *PERSON)
    assert deployment.run("accounts", "archive", "agent.un", "--yes").code == 2
    assert deployment.run("accounts", "archive", "agent.un", "--yes", "--reason", "he annoyed me").code == 2
    assert deployment.run("accounts", "archive", "agent.un", "--reason", "left").code == 1
    assert deployment.json("accounts", "show", "agent.un")["status"] == "invited"
    assert deployment.json("accounts", "archive", "agent.un", "--reason", "left", "--yes")["status"] == "archived"
    welcome = deployment.run("accounts", "welcome", "agent.un")
    assert (welcome.code, "only an invited account" in welcome.err) == (1, True)


@pytest.mark.spec("SES-08", "AC-112")
def test_an_administrators_order_ends_every_session_everywhere_and_may_forget_the_devices(deployment):
    account = deployment.json("accounts", "create", *PERSON)["id"]
    with deployment.stores() as stores:
        now = stores.clock.now()
        sessions = [
            a_session(
                account, started_at=now, last_used_at=now, auth_time=now, absolute_end=now + 3600, clients=("suivi",)
            )
            for _ in range(2)
        ]
        for session in sessions:
            stores.ephemeral.sessions.start(session, now, NO_EFFECTS)
        stores.database.devices.trust(a_device(account, now), NO_EFFECTS)
    assert deployment.run("accounts", "end-sessions", "agent.un").code == 2, "a reason is given"
    assert deployment.json("accounts", "end-sessions", "agent.un", "--reason", "request")["ended"] == 2
    with deployment.stores() as stores:
        assert [stores.ephemeral.sessions.find(session.handle, now) for session in sessions] == [None, None]
        told = {item.payload["sid"] for item, _ in stores.ephemeral.spool.waiting("backchannel_logout")}
        assert told == {session.sid for session in sessions}
    assert deployment.json("accounts", "show", "agent.un")["trusted_devices"] == 1
    again = deployment.json("accounts", "end-sessions", "agent.un", "--reason", "security", "--forget-devices")
    assert again["ended"] == 0
    assert deployment.json("accounts", "show", "agent.un")["trusted_devices"] == 0
    assert "device.revoked" in [event.name for event in deployment.journal()]
