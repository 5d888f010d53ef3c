"""`passerelle sms`: what is stopped, and opening it again, by a person whose name is written down (SMS-05)."""

import click

from gateway.cli.administration import administration
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused
from gateway.clock import iso_utc
from gateway.journal.effects import because


@click.group()
def sms() -> None:
    """Text messages: what is stopped, and opening it again."""


@sms.command()
@click.pass_obj
def status(invocation: Invocation) -> None:
    """Lists the countries and the blocks of numbers that receive no text message."""
    with administration(invocation) as administering:
        stopped = administering.stores.ephemeral.sms_meter.stopped()
        rows = [{"scope": scope, "since": iso_utc(at)} for scope, at in stopped]
        if not rows and not invocation.output.as_json:
            invocation.output.say("Nothing is stopped.")
            return
        invocation.output.table(["scope", "since"], rows)


@sms.command()
@click.argument("scope")
@click.pass_obj
def reopen(invocation: Invocation, scope: str) -> None:
    """Lets text messages leave again to SCOPE: a country such as FR, or a block of numbers such as +3363998.

    Do it once the cause is understood; the journal says who did.
    """
    with administration(invocation) as administering:
        event = administering.event("sms.reopened", scope_stopped=scope)
        if not administering.stores.ephemeral.sms_meter.reopen(scope, because(event)):
            raise CommandRefused(f"{scope} is not stopped; `passerelle sms status` lists what is.")
        invocation.output.say(f"Text messages to {scope} leave again.", reopened=scope)
