"""`passerelle directory import`: reads the structures and roles that the regional module dropped, now (R000-15).

Shows what would change; `--apply` writes it. A source that shrinks by more than a twentieth is refused unless `--force`.
"""

import click

from gateway.cli.administration import administration
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused
from gateway.directory.delimited_file import UnreadableFileError
from gateway.habilitations.import_roles import ShrinkingSourceRefused
from gateway.wiring.jobs import directory_import


@click.group()
def directory() -> None:
    """Structures and roles from the regional source."""


@directory.command(name="import")
@click.option("--apply/--dry-run", "applied", default=False, help="Write it; without, only say what would change.")
@click.option("--force", is_flag=True, help="Accept a source that has shrunk.")
@click.pass_obj
def import_(invocation: Invocation, applied: bool, force: bool) -> None:
    """Reads the files named in the settings."""
    with administration(invocation) as administering:
        if administering.settings.directory.roles_file is None:
            raise CommandRefused("No file is named in the settings: write directory.roles_file and structures_file.")
        job = directory_import(administering.settings, administering.reviewed, administering.stores)
        try:
            said = job.run(applied=applied, forced=force, operator=administering.operator)
        except UnreadableFileError as error:
            raise CommandRefused(str(error)) from None
        except ShrinkingSourceRefused as refusal:
            raise CommandRefused(
                f"{refusal.facts['lost']} of {refusal.facts['live']} running habilitations would end. Look at the file; "
                "if it is right, run this again with --force."
            ) from None
        invocation.output.say(
            f"{said.structures} structure(s); {said.added} habilitation(s) to add, {said.ended} to end, {said.kept} kept; "
            f"{said.unknown_labels} unknown label(s), {said.unknown_people} unknown person(s), "
            f"{said.unknown_structures} unknown structure(s)."
            + ("" if applied else " Nothing was written: add --apply."),
            applied=applied,
            structures=said.structures,
            added=said.added,
            ended=said.ended,
            kept=said.kept,
            unknown_labels=said.unknown_labels,
            unknown_people=said.unknown_people,
            unknown_structures=said.unknown_structures,
        )
