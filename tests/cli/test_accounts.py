"""People, from the command line."""

import pytest

from gateway.accounts.one_time_link import LinkPurpose
from tests.cli.deployment import Deployment

PERSON = (
    *("--username", "agent.un", "--given-name", "Prénoma", "--family-name", "Fauxnom"),
    *("--email", "prenoma@exemple.invalid", "--rpps", "99900000011"),
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
