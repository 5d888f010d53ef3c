"""`passerelle accounts create | welcome | show | authenticators | recoveries | archive | block | unblock | …`: people.

A created account receives an activation link by e-mail; the command neither shows it nor chooses a password (PWD-11, RST-10).
"""

from dataclasses import asdict
from typing import Any

import click

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.archive_account import archive_account
from gateway.accounts.block_account import NotBlockable, block_account, unblock_account
from gateway.accounts.create_account import AccountExists, AccountRefused, NewAccount, create_account, issue_activation
from gateway.accounts.end_sessions import end_sessions
from gateway.cli.administration import Administration, administration
from gateway.cli.authenticators import authenticators
from gateway.cli.command_line import Invocation
from gateway.cli.find_account import confirm, find
from gateway.cli.output import CommandRefused
from gateway.cli.recoveries import recoveries
from gateway.clock import iso_utc
from gateway.journal.effects import because
from gateway.keys.purposes import Purpose
from gateway.wiring.phone_countries import sms_countries

_REASONS = ("left", "error", "request", "security")


@click.group()
def accounts() -> None:
    """People's accounts."""


accounts.add_command(authenticators)
accounts.add_command(recoveries)


@accounts.command(name="create")
@click.option("--username", required=True, help="Letters, digits, dot, dash; never an RPPS or an address.")
@click.option("--given-name", required=True, help="Their given name.")
@click.option("--family-name", required=True, help="Their family name.")
@click.option("--email", required=True, help="Where the activation link is sent.")
@click.option("--phone", help="A mobile number; it must be verified before a code is sent to it.")
@click.option("--rpps", help="11 digits; declared, until a card or an e-CPS proves it.")
@click.option("--language", type=click.Choice(["fr", "en"]), default="fr", show_default=True, help="Of the mails.")
@click.option("--administrator", is_flag=True, help="May use the administration pages.")
@click.pass_obj
def create_command(
    invocation: Invocation,
    *,
    username: str,
    given_name: str,
    family_name: str,
    email: str,
    phone: str | None,
    rpps: str | None,
    language: str,
    administrator: bool,
) -> None:
    """Creates an account, invited: its activation link leaves by e-mail.

    Nobody chooses a password for somebody else, and the link is shown to nobody but its receiver.
    """
    person = NewAccount(
        username=username,
        given_name=given_name,
        family_name=family_name,
        email=email,
        phone=phone,
        rpps=rpps,
        language=language,
        is_administrator=administrator,
    )
    with administration(invocation) as administering:
        account = create(administering, person)
        invocation.output.say(
            f"The account {account.username} is created; its activation link is on its way by e-mail.",
            id=account.id,
            username=account.username,
            status=account.status,
        )


@accounts.command()
@click.argument("name")
@click.pass_obj
def welcome(invocation: Invocation, name: str) -> None:
    """Sends a new activation link to an account that was never activated; the former link stops working."""
    with administration(invocation) as administering:
        account = find(administering, name)
        send_activation(administering, account)
        invocation.output.say(
            f"A new activation link for {account.username} is on its way by e-mail.",
            id=account.id,
            username=account.username,
            status=account.status,
        )


@accounts.command()
@click.argument("name")
@click.pass_obj
def show(invocation: Invocation, name: str) -> None:
    """One account, by its identifier, user name or RPPS. Reading a person's data is journalled."""
    with administration(invocation) as administering:
        account = find(administering, name)
        administering.stores.database.journal.append(
            (administering.event("admin.command", target=account.id, command="accounts show"),),
            node=administering.settings.node,
        )
        facts: dict[str, Any] = asdict(account)
        facts["password"] = "set" if facts.pop("password_hash") else "none"
        for key in [key for key in facts if key.endswith(("_at", "_since"))]:
            facts[key] = None if facts[key] is None else iso_utc(facts[key])
        devices = [item for item in administering.stores.database.devices.of(account.id) if item.revoked_at is None]
        facts["trusted_devices"] = len(devices)
        facts["habilitations"] = [
            f"{item.role_label} @ {structure.name} ({item.start_on} – {item.end_on})"
            for item, structure in administering.stores.database.habilitations.of(account.id)
        ]
        invocation.output.sheet(facts)


@accounts.command()
@click.argument("name")
@click.option("--reason", type=click.Choice(_REASONS), required=True, help="Why, from the closed list.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def archive(invocation: Invocation, name: str, reason: str, yes: bool) -> None:
    """Archives an account: no sign-in any more, sessions, links and trusted devices ended at once."""
    with administration(invocation) as administering:
        account = find(administering, name)
        if not yes:
            confirm(invocation, f"Archive {account.username} ({account.id})?")
        archived = archive_account(
            account.id,
            accounts=administering.stores.database.accounts,
            devices=administering.stores.database.devices,
            sessions=administering.stores.ephemeral.sessions,
            operator=administering.operator,
            now=administering.stores.clock.now(),
            reason=reason,
        )
        invocation.output.say(f"{archived.username} is archived.", id=archived.id, status=archived.status)


@accounts.command()
@click.argument("name")
@click.option("--reason", type=click.Choice(_REASONS), required=True, help="Why, from the closed list.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def block(invocation: Invocation, name: str, reason: str, yes: bool) -> None:
    """Nobody signs in to it until it is unblocked; sessions, links and trusted devices end at once."""
    with administration(invocation) as administering:
        account = find(administering, name)
        if not yes:
            confirm(invocation, f"Block {account.username} ({account.id})?")
        try:
            blocked = block_account(
                account.id,
                accounts=administering.stores.database.accounts,
                devices=administering.stores.database.devices,
                sessions=administering.stores.ephemeral.sessions,
                operator=administering.operator,
                now=administering.stores.clock.now(),
                reason=reason,
            )
        except NotBlockable as refusal:
            raise CommandRefused(f"{account.username} is {refusal.facts['status']}: nothing to block.") from None
        invocation.output.say(f"{blocked.username} is blocked.", id=blocked.id, status=blocked.status)


@accounts.command()
@click.argument("name")
@click.option("--reason", type=click.Choice(_REASONS), required=True, help="Why, from the closed list.")
@click.pass_obj
def unblock(invocation: Invocation, name: str, reason: str) -> None:
    """Signs in again, with what it had: password, links, authenticators. Each device must prove itself again."""
    with administration(invocation) as administering:
        account = find(administering, name)
        try:
            active = unblock_account(
                account.id,
                accounts=administering.stores.database.accounts,
                operator=administering.operator,
                now=administering.stores.clock.now(),
                reason=reason,
            )
        except NotBlockable as refusal:
            raise CommandRefused(f"{account.username} is {refusal.facts['status']}, not blocked.") from None
        invocation.output.say(f"{active.username} is active.", id=active.id, status=active.status)


@accounts.command("end-sessions")
@click.argument("name")
@click.option("--reason", type=click.Choice(_REASONS), required=True, help="Why, from the closed list.")
@click.option("--forget-devices", is_flag=True, help="Their trusted devices no longer spare a code either.")
@click.pass_obj
def end_sessions_command(invocation: Invocation, name: str, reason: str, forget_devices: bool) -> None:
    """Ends every session of somebody, at once and in every application."""
    with administration(invocation) as administering:
        account = find(administering, name)
        ended = end_sessions(
            account.id,
            devices=administering.stores.database.devices,
            sessions=administering.stores.ephemeral.sessions,
            operator=administering.operator,
            now=administering.stores.clock.now(),
            reason=reason,
            forget_devices=forget_devices,
        )
        invocation.output.say(f"{ended} session(s) of {account.username} ended.", ended=ended)


@accounts.command("new-password")
@click.argument("name")
@click.option("--reason", type=click.Choice(_REASONS), required=True, help="Why, from the closed list.")
@click.pass_obj
def new_password_command(invocation: Invocation, name: str, reason: str) -> None:
    """Demands another password of somebody, such as a compromised one's holder, and ends every session at once.

    Their next sign-in asks for it once both factors are proved; nothing is issued before. Nobody chooses it for them.
    """
    with administration(invocation) as administering:
        account = find(administering, name)
        demanded = administering.event("password.demanded", target=account.id, reason=reason)
        if not administering.stores.database.accounts.demand_new_password(account.id, because(demanded)):
            raise CommandRefused(f"{account.username} has no password, or must already choose another one.")
        ended = end_sessions(
            account.id,
            devices=administering.stores.database.devices,
            sessions=administering.stores.ephemeral.sessions,
            operator=administering.operator,
            now=administering.stores.clock.now(),
            reason=reason,
            forget_devices=False,
        )
        invocation.output.say(
            f"{account.username} must choose another password; {ended} session(s) ended.", ended=ended
        )


def create(administering: Administration, person: NewAccount) -> Account:
    """The invited account; a sentence when a value cannot be or belongs to somebody."""
    try:
        return create_account(
            person,
            accounts=administering.stores.database.accounts,
            links=administering.stores.database.links,
            link_key=administering.stores.database.purpose_keys.get(Purpose.LINK),
            link_ttl_seconds=administering.settings.values["link.activation.ttl"],
            operator=administering.operator,
            now=administering.stores.clock.now(),
            randomness=administering.stores.randomness,
            phone_countries=sms_countries(administering.settings),
            phone_fiction=administering.settings.profile == "demo",
        )
    except AccountExists as refusal:
        raise CommandRefused(
            f"{_option(refusal)}: another account has this one; look at it with `passerelle accounts show` first."
        ) from None
    except AccountRefused as refusal:
        raise CommandRefused(f"{_option(refusal)} cannot be right: check it for a typing error.") from None


def send_activation(administering: Administration, account: Account) -> None:
    """A new link; the former one dies. Repairs an account whose creation died before its link was issued."""
    try:
        issue_activation(
            account,
            links=administering.stores.database.links,
            link_key=administering.stores.database.purpose_keys.get(Purpose.LINK),
            link_ttl_seconds=administering.settings.values["link.activation.ttl"],
            operator=administering.operator,
            now=administering.stores.clock.now(),
            randomness=administering.stores.randomness,
        )
    except AccountRefused:
        way_out = "; they choose a new password at /forgotten" if account.status is AccountStatus.ACTIVE else ""
        raise CommandRefused(
            f"{account.username} is {account.status}: only an invited account is activated{way_out}."
        ) from None


def _option(refusal: AccountRefused) -> str:
    return "--" + str(refusal.facts["field"]).replace("_", "-")
