"""`passerelle init`: the first state of a deployment, and its first administrator (DECISIONS 22).

Safe to run again: what exists is kept. The administrator receives an activation link by e-mail; nobody chooses a password for
them, and the link is not shown here (PWD-11, RST-10).
"""

from pathlib import Path

import click

from gateway.accounts.create_account import NewAccount
from gateway.cli.accounts import create
from gateway.cli.administration import Administration, administration
from gateway.cli.command_line import Invocation
from gateway.journal.effects import because
from gateway.keys.key_encryption_key import KeyEncryptionKey
from gateway.keys.rotation import apply_plan, plan
from gateway.randomness import system_randomness
from gateway.settings import Settings, read_settings


@click.command()
@click.option("--username", help="The first administrator's user name.")
@click.option("--given-name", default="", help="Their given name.")
@click.option("--family-name", default="", help="Their family name.")
@click.option("--email", help="Where their activation link is sent.")
@click.pass_obj
def init(invocation: Invocation, *, username: str | None, given_name: str, family_name: str, email: str | None) -> None:
    """Creates the key-encryption key, the tables, the keys, and the first administrator."""
    create_kek(read_settings(invocation.config))
    with administration(invocation, initialised=False) as administering:
        prepare(administering)
        if username and email:
            person = NewAccount(
                username=username, given_name=given_name, family_name=family_name, email=email, is_administrator=True
            )
            account = create(administering, person)
            invocation.output.say(
                f"The gateway is ready. An activation link is on its way to {email} (once `passerelle jobs` runs).",
                administrator=account.id,
            )
        else:
            invocation.output.say(
                "The gateway is ready. Name its first administrator with --username and --email.", administrator=None
            )


def create_kek(settings: Settings) -> None:
    """The key-encryption key's file, unless it exists."""
    file = Path(settings.located(settings.kek_file))
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        KeyEncryptionKey.create(file, system_randomness)


def prepare(administering: Administration) -> None:
    """Tables, purpose keys, first signing keys."""
    stores = administering.stores
    stores.database.migrate()
    stores.database.initialise_purpose_keys(because(administering.event("gateway.initialised")))
    keys, rules = stores.database.signing_keys, administering.rotation_rules()
    if not keys.all():
        first = plan([], stores.clock.now(), version=keys.version(), rules=rules)
        apply_plan(
            first,
            keys,
            now=stores.clock.now(),
            randomness=stores.randomness,
            rules=rules,
            operator=administering.operator,
        )
