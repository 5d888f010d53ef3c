"""`passerelle accounts authenticators NAME`: what a person proves themselves with beside the password, and taking one away."""

from typing import Any

import click

from gateway.accounts.account import Account
from gateway.accounts.revoke_authenticators import revoke_application, revoke_passkey, revoke_recovery_codes
from gateway.cli.administration import Administration, administration
from gateway.cli.command_line import Invocation
from gateway.cli.find_account import confirm, find
from gateway.cli.output import CommandRefused
from gateway.clock import iso_utc
from gateway.signin.factors import bound_at
from gateway.wiring.policies import signin_policy

RECOVERY_CODES = "recovery-codes"
_REASONS = ("lost", "stolen", "disabled", "request", "error")


@click.command()
@click.argument("name")
@click.option("--revoke", "revoked", metavar="ID", help="Take this one away; its holder is told, their sessions end.")
@click.option("--reason", type=click.Choice(_REASONS), help="Why, from the closed list; with --revoke.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def authenticators(invocation: Invocation, name: str, revoked: str | None, reason: str | None, yes: bool) -> None:
    """The authenticators of an account, or one of them revoked, the last one too. Both are journalled."""
    if revoked is not None and reason is None:
        raise CommandRefused("Say why with --reason. Nothing was changed.")
    with administration(invocation) as administering:
        account = find(administering, name)
        if revoked is None or reason is None:
            _list(invocation, administering, account)
            return
        if not yes:
            confirm(invocation, f"Revoke {revoked} of {account.username} ({account.id})?")
        if not _revoke(administering, account, revoked, reason):
            raise CommandRefused(
                f"{account.username} has no authenticator {revoked}: look at the list. Nothing was changed."
            )
        invocation.output.say(f"{revoked} of {account.username} is revoked.", id=account.id, revoked=revoked)


def _list(invocation: Invocation, administering: Administration, account: Account) -> None:
    database = administering.stores.database
    policy = signin_policy(administering.settings)
    database.journal.append(
        (administering.event("admin.command", target=account.id, command="accounts authenticators"),),
        node=administering.settings.node,
    )
    rows: list[dict[str, Any]] = [
        {
            "id": one.id,
            "means": "totp",
            "label": one.label,
            "since": iso_utc(one.confirmed_at if one.confirmed_at is not None else one.created_at),
            "state": _state(one.confirmed_at is not None, one.failures >= policy.factor_disabled_after),
        }
        for one in database.totp.of(account.id)
    ]
    rows += [
        {
            "id": one.id,
            "means": "passkey",
            "label": one.label,
            "since": iso_utc(one.created_at),
            "state": "active" if one.is_alive else "flagged",
        }
        for one in database.passkeys.of(account.id)
    ]
    left = database.recovery_codes.left(account.id)
    if left:
        rows.append({"id": RECOVERY_CODES, "means": "recovery_code", "label": f"{left} left", "state": "active"})
    rows += [
        {"id": f"{channel.value}-codes", "means": f"{channel.value}_code", "since": iso_utc(at), "state": "disabled"}
        for channel, at in database.held.of(account.id).disabled.items()
        if at >= bound_at(account, channel)
    ]
    invocation.output.table(("id", "means", "label", "since", "state"), rows)


def _state(confirmed: bool, disabled: bool) -> str:
    if not confirmed:
        return "waiting for its first code"
    return "disabled" if disabled else "active"


def _revoke(administering: Administration, account: Account, revoked: str, reason: str) -> bool:
    database, ephemeral = administering.stores.database, administering.stores.ephemeral
    operator, now = administering.operator, administering.stores.clock.now()
    if revoked == RECOVERY_CODES:
        return revoke_recovery_codes(
            account.id,
            recovery_codes=database.recovery_codes,
            sessions=ephemeral.sessions,
            operator=operator,
            now=now,
            reason=reason,
        )
    passkey = next((one for one in database.passkeys.of(account.id) if one.id == revoked), None)
    if passkey is not None:
        return revoke_passkey(
            passkey,
            passkeys=database.passkeys,
            sessions=ephemeral.sessions,
            operator=operator,
            now=now,
            reason=reason,
        )
    mine = next((one for one in database.totp.of(account.id) if one.id == revoked), None)
    return mine is not None and revoke_application(
        mine, totp=database.totp, sessions=ephemeral.sessions, operator=operator, now=now, reason=reason
    )
