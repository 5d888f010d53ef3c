"""`passerelle init`: the first state of a deployment, and its first administrator (DECISIONS 22).

Safe to run again, also after a sudden death at any step: what exists is kept, what is missing is made. The administrator
receives an activation link by e-mail; nobody chooses a password for them, and the link is not shown here (PWD-11, RST-10).
"""

from pathlib import Path

import click

from gateway.accounts.account import AccountStatus
from gateway.accounts.create_account import NewAccount
from gateway.accounts.identifiers import parse_email
from gateway.accounts.one_time_link import LinkPurpose
from gateway.cli.accounts import create, send_activation
from gateway.cli.administration import Administration, administration, check_clock, check_purpose_keys
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused
from gateway.journal.effects import because
from gateway.keys.envelope import UnreadableError
from gateway.keys.key_encryption_key import KeyEncryptionKey, KeyFileError
from gateway.keys.ports import KeysMovedError
from gateway.keys.purpose_keys import WrongKeyEncryptionKeyError
from gateway.keys.rotation import apply_plan, plan
from gateway.randomness import system_randomness
from gateway.settings import Settings, read_settings
from gateway.wiring.stores import read_idp_config

_PERSON = ("username", "given_name", "family_name", "email")


@click.command(short_help="Makes the keys, the tables and the first administrator.")
@click.option("--username", help="The first administrator's user name.")
@click.option("--given-name", help="Their given name.")
@click.option("--family-name", help="Their family name.")
@click.option("--email", help="Where their activation link is sent.")
@click.pass_obj
def init(invocation: Invocation, /, **person: str | None) -> None:
    """Makes the key-encryption key, the tables, the keys, and the first administrator.

    Safe to run again: what exists is kept. The four options name the administrator; give all of them or none.
    """
    given = {key: value for key, value in person.items() if value is not None}
    if given and (missing := [f"--{key.replace('_', '-')}" for key in _PERSON if key not in given]):
        raise click.UsageError(f"An administrator needs {', '.join(missing)} too.")
    settings = read_settings(invocation.config)
    read_idp_config(settings)  # nothing is made for files that would be refused
    check_clock(settings)
    created = create_kek(settings)
    try:
        with administration(invocation, initialised=False) as administering:
            prepare(administering)
            created = False
            if not given:
                administering.output.say(
                    "The gateway is ready. Name its first administrator with --username, --given-name, --family-name and "
                    "--email; look at it with `passerelle doctor`.",
                    administrator=None,
                )
                return
            name_administrator(administering, NewAccount(**given, is_administrator=True))
    except CommandRefused:
        if created:  # it wraps nothing yet, and would hide that the right one is missing
            _kek_file(settings).unlink(missing_ok=True)
        raise


def create_kek(settings: Settings) -> bool:
    """The key-encryption key's file, unless it exists; whether it was made now."""
    file = _kek_file(settings)
    if file.exists():
        return False
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        KeyEncryptionKey.create(file, system_randomness)
    except KeyFileError as error:
        if file.exists():  # another `init` was faster
            return False
        raise CommandRefused(f"{error}: give its folder to the gateway's user, or change kek_file.") from None
    except OSError as error:
        raise CommandRefused(
            f"{file.parent} cannot be made ({error.strerror}): give its parent to the gateway's user, or change kek_file."
        ) from None
    return True


def _kek_file(settings: Settings) -> Path:
    return Path(settings.located(settings.kek_file))


def prepare(administering: Administration) -> None:
    """Tables, purpose keys, first signing keys. Each step is whole or not done, and done once."""
    stores = administering.stores
    try:
        stores.database.migrate()
    except Exception as error:
        raise CommandRefused(
            f"The tables cannot be made ({type(error).__name__}). Is the database of database.url reachable, may its user "
            "create tables, and are its tables not those of a newer version?"
        ) from None
    try:
        stores.database.initialise_purpose_keys(because(administering.event("gateway.initialised")))
    except (WrongKeyEncryptionKeyError, UnreadableError):
        check_purpose_keys(stores.database)  # says it in a sentence
    stores.database.complete_phone_factors()
    keys, rules = stores.database.signing_keys, administering.rotation_rules()
    if not keys.all():
        now = stores.clock.now()
        first = plan([], now, version=keys.version(), rules=rules)
        try:
            apply_plan(first, keys, now=now, randomness=stores.randomness, rules=rules, operator=administering.operator)
        except KeysMovedError:
            return  # another `init` was faster


def name_administrator(administering: Administration, person: NewAccount) -> None:
    """The account and its activation link; when both are there already, nothing more."""
    database, now = administering.stores.database, administering.stores.clock.now()
    account = database.accounts.find_by_username(person.username)
    if account is None:
        account, sent = create(administering, person), True
    elif not account.is_administrator or account.email != parse_email(person.email):
        raise CommandRefused(
            f"The user name {account.username} belongs to another account: look at it with "
            f"`passerelle accounts show {account.username}`, or choose another name."
        )
    else:
        link = database.links.latest(account.id, LinkPurpose.ACTIVATION)
        usable = link is not None and link.revoked_at is None and now < link.expires_at
        sent = account.status is AccountStatus.INVITED and not usable
        if sent:
            send_activation(administering, account)
    state = (
        f"An activation link is on its way to {account.email} (once `passerelle jobs` runs)."
        if sent
        else f"{account.username} is its administrator already ({account.status}); nothing was changed."
    )
    administering.output.say(
        f"The gateway is ready. {state}", administrator=account.id, status=account.status, link_sent=sent
    )
