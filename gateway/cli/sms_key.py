"""`passerelle rotate sms-key`: the provider's new key takes over while the former one still works (SMS-11, CLI-02).

The provider makes the key (at Twilio, an API key with the right to send and nothing else); it comes in a file, and stands first
in `sms.secret_file`, the former one second. Without `--new` the former one is taken out. Running processes read the file at
each message.
"""

import hashlib
import os
import re
from pathlib import Path

import click

from gateway.cli.administration import Administration, administration
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused
from gateway.journal.effects import because
from gateway.settings import Sms
from gateway.wiring.secret_file import live_secrets_in, secret_in

_TWILIO_KEY = re.compile(r"SK[0-9a-f]{32}:\S+")


@click.command(name="sms-key", short_help="The SMS provider's new key first, the former one second; then it alone.")
@click.option("--new", "file", type=click.Path(path_type=Path, dir_okay=False), help="The file that holds the new key.")
@click.option("--apply", "approved", metavar="PLAN", help="Does the plan of that name.")
@click.pass_obj
def sms_key(invocation: Invocation, file: Path | None, approved: str | None) -> None:
    """With --new, the key in that file is used from the next message on, and the former one where it is not known yet.

    Without, the former key is taken out: then have the provider revoke it.
    """
    with administration(invocation) as administering:
        target, live = _live(administering)
        wanted = _with_new(administering.settings.sms, live, file) if file is not None else live[:1]
        if wanted == live:
            raise CommandRefused("There is one key only: name the new one with --new FILE.")
        name = hashlib.sha256("\n".join(["sms-key", *live, "", *wanted]).encode()).hexdigest()[:16]
        what = "the new key first, the former one second" if file is not None else "the newest key alone"
        if approved is None:
            option = f"--new {file} " if file is not None else ""
            invocation.output.say(
                f"This would be done:\n  {target}: {what}\n\nTo do it: passerelle rotate sms-key {option}--apply {name}",
                plan=name,
                keys=len(wanted),
            )
            return
        if approved != name:
            raise CommandRefused("The keys have changed since that plan was made; run the command without --apply.")
        _replace(target, wanted)
        event = administering.event("sms.key_rotated", plan=name, count=len(wanted))
        administering.stores.ephemeral.spool.note(because(event))
        invocation.output.say(f"{target}: {what}, from the next message on.", keys=len(wanted))


def _live(administering: Administration) -> tuple[Path, tuple[str, ...]]:
    sms = administering.settings.sms
    if sms is None or sms.secret_file is None:
        raise CommandRefused("No key is used for text messages: sms.secret_file is not in the settings.")
    return sms.secret_file, live_secrets_in(sms.secret_file)


def _with_new(sms: Sms | None, live: tuple[str, ...], file: Path) -> tuple[str, ...]:
    new = secret_in(file)
    if not new or "\n" in new or new in live:
        raise CommandRefused(f"{file}: one line, with a key that is not used yet, is expected.")
    if sms is not None and sms.provider == "twilio" and not _TWILIO_KEY.fullmatch(new):
        raise CommandRefused(f"{file}: write an API key, `SK…:secret`; the account's own token is never used (SMS-11).")
    return (new, live[0])


def _replace(target: Path, lines: tuple[str, ...]) -> None:
    """Whole or not at all, for the same owner, readable by nobody else."""
    made = target.with_name(f"{target.name}.new")
    try:
        owner = target.stat()
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
            stream.flush()
            os.fchown(stream.fileno(), owner.st_uid, owner.st_gid)
            os.fsync(stream.fileno())
        made.replace(target)
    except OSError as error:
        made.unlink(missing_ok=True)
        raise CommandRefused(f"{target} cannot be written ({error.strerror}). Nothing was changed.") from None
