"""`passerelle passwords index`: makes the compact file of breached passwords (PWD-04).

Reads the public corpus that the operator has fetched, sorted lines of `SHA-1:count`; asks nobody anything and
changes no deployment.
"""

from pathlib import Path

import click

from gateway.accounts.breached_passwords import UnreadableSetError, index
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def passwords() -> None:
    """Passwords that breaches made public."""


@passwords.command("index")
@click.argument("source", type=_FILE)
@click.option("--to", "target", type=_FILE, required=True, help="Where to write; replaced whole when it is done.")
@click.option(
    "--at-least", type=click.IntRange(1), default=1, show_default=True, help="Leave out those seen less often."
)
@click.pass_obj
def index_command(invocation: Invocation, source: Path, target: Path, at_least: int) -> None:
    """Makes a compact file of SOURCE, sorted lines of `SHA-1:count`, for `breached_passwords_file`.

    Four times smaller than the lines. A gateway that runs sees the new file with the next password.
    """
    try:
        kept = index(source, target, at_least=at_least)
    except UnreadableSetError as error:
        raise CommandRefused(str(error)) from None
    invocation.output.say(f"{kept} passwords are in {target}.", kept=kept, file=str(target))
