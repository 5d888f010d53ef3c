"""What a person proves themselves with, and an administrator who takes one away."""

import pytest

from gateway.accounts.authenticator import Passkey, RecoveryCodes, TotpAuthenticator
from gateway.journal.effects import NO_EFFECTS
from tests.cli.deployment import Deployment
from tests.cli.test_accounts import PERSON


def with_application(deployment: Deployment) -> str:
    account = deployment.json("accounts", "create", *PERSON)["id"]
    with deployment.stores() as stores:
        database, now = stores.database, stores.clock.now()
        one = TotpAuthenticator("app-1", account, "Mon téléphone", b"s" * 20, now)
        database.totp.enrol(one, NO_EFFECTS)
        assert database.totp.confirm("app-1", time_step=1, at=now, at_most=5, effects=NO_EFFECTS)
        database.recovery_codes.replace(RecoveryCodes("set-1", account, (b"1" * 32, b"2" * 32), now), NO_EFFECTS)
    return str(account)


def test_authenticators_are_listed_without_any_secret_and_the_reading_is_journalled(deployment):
    account = with_application(deployment)
    rows = deployment.json("accounts", "authenticators", "agent.un")
    assert [(row["id"], row["means"], row["state"]) for row in rows] == [
        ("app-1", "totp", "active"),
        ("recovery-codes", "recovery_code", "active"),
    ]
    assert "s" * 20 not in str(rows)
    read = [event for event in deployment.journal() if event.name == "admin.command"]
    assert [(event.target, event.details["command"]) for event in read] == [(account, "accounts authenticators")]


@pytest.mark.spec("FID-10")
def test_an_administrator_revokes_even_the_last_one_says_why_and_its_holder_is_told(deployment):
    account = with_application(deployment)
    words = ("accounts", "authenticators", "agent.un", "--revoke")
    assert deployment.run(*words, "app-1", "--yes").code == 1
    assert deployment.run(*words, "app-1", "--reason", "bad mood", "--yes").code == 2
    assert deployment.run(*words, "app-2", "--reason", "lost", "--yes").code == 1
    assert deployment.run(*words, "app-1", "--reason", "lost").code == 1, "nobody is here to confirm"
    deployment.json(*words, "app-1", "--reason", "lost", "--yes")
    deployment.json(*words, "recovery-codes", "--reason", "stolen", "--yes")
    assert deployment.json("accounts", "authenticators", "agent.un") == []
    said = {event.name: event for event in deployment.journal()}
    assert (said["authenticator.removed"].target, said["authenticator.removed"].reason) == (account, "lost")
    assert said["authenticator.removed"].details["authenticator"] == "app-1"
    assert said["recovery_codes.revoked"].reason == "stolen"
    with deployment.stores() as stores:
        waiting = stores.database.outbox.take(stores.clock.now(), lease_seconds=0)
        told = [payload["what"] for _, kind, payload, _ in waiting if kind == "notice"]
        assert told == ["totp_removed", "recovery_codes_revoked"]
        revoked = stores.database.totp.get("app-1")
        assert revoked is not None
        assert (revoked.secret, revoked.revoked_at is None) == (b"", False), "the secret is forgotten"


@pytest.mark.spec("FID-10", "FID-07")
def test_passkeys_are_listed_and_revoked_too(deployment):
    account = with_application(deployment)
    with deployment.stores() as stores:
        now = stores.clock.now()
        for name, flagged_at in (("passkey-1", None), ("passkey-2", now)):
            one = Passkey(
                id=name,
                account_id=account,
                credential_id=f"credential of {name}".encode(),
                public_key=b"key",
                sign_count=0,
                aaguid="00000000-0000-0000-0000-000000000000",
                backup_eligible=False,
                backed_up=False,
                transports=(),
                label="Mon ordinateur",
                created_at=now,
                flagged_at=flagged_at,
            )
            assert stores.database.passkeys.enrol(one, NO_EFFECTS, at_most=10)
    rows = [row for row in deployment.json("accounts", "authenticators", "agent.un") if row["means"] == "passkey"]
    assert [(row["id"], row["state"]) for row in rows] == [("passkey-1", "active"), ("passkey-2", "flagged")]
    assert "credential of" not in str(rows)
    for name in ("passkey-1", "passkey-2"):
        deployment.json("accounts", "authenticators", "agent.un", "--revoke", name, "--reason", "stolen", "--yes")
    with deployment.stores() as stores:
        assert list(stores.database.passkeys.of(account)) == []
        waiting = stores.database.outbox.take(stores.clock.now(), lease_seconds=0)
        assert [payload["what"] for _, kind, payload, _ in waiting if kind == "notice"] == ["passkey_removed"] * 2
    removed = [event for event in deployment.journal() if event.name == "authenticator.removed"]
    assert [(event.target, event.reason) for event in removed] == [(account, "stolen")] * 2
