"""How commands speak: sentences for people, one JSON document for scripts, errors with a way out.

Exit codes: 0 done, 1 refused or a check failed, 2 wrong usage, 3 the unexpected (its kind and an advice, never its content:
an exception may carry a secret).
"""

import json
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gateway.settings import ConfigurationError


class CommandRefused(click.ClickException):
    """A sentence that says what is wrong and what to do."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command writes."""

    as_json: bool

    def say(self, sentence: str, **facts: Any) -> None:
        """A sentence for people; its facts as one JSON line for scripts."""
        click.echo(json.dumps(facts, ensure_ascii=False) if self.as_json else sentence)

    def table(self, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows under their column names."""
        if self.as_json:
            click.echo(json.dumps([dict(row) for row in rows], ensure_ascii=False))
            return
        cells = [
            [str(row.get(column, "") if row.get(column) is not None else "–") for column in columns] for row in rows
        ]
        widths = [max(len(column), *(len(line[i]) for line in cells), 0) for i, column in enumerate(columns)]
        click.echo("  ".join(column.ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip())
        for line in cells:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())

    def secret(self, secret: str, *, what: str, file: Path | None, reveal_once: bool) -> None:
        """Hands a secret over: to a new file of mode 0600, or, once, to a terminal that asked for it."""
        if file is not None:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(secret)
            self.say(f"{what}: written to {file}, which only you may read.", file=str(file))
        elif reveal_once and sys.stdout.isatty():
            click.echo(f"{what} (shown once): {secret}")
        else:
            raise CommandRefused(
                "A secret goes to a file (--output FILE) or to a terminal (--reveal-once), nowhere else."
            )


def check_secret_destination(file: Path | None, reveal_once: bool) -> None:
    """Refuses before anything is changed when the secret would have nowhere to go."""
    if file is not None and file.exists():
        raise CommandRefused(f"{file} exists already; name a new file with --output.")
    if file is None and not (reveal_once and sys.stdout.isatty()):
        raise CommandRefused("Say where the secret goes: --output FILE, or --reveal-once in a terminal.")


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code; whatever happens, no exception text leaves it."""
    try:
        result = command.main(args=arguments, standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except (click.ClickException, ConfigurationError) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(message, err=True)
        return error.exit_code if isinstance(error, click.ClickException) else 1
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        return 130
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        click.echo(
            f"Something unexpected stopped the command: {type(error).__name__} in {Path(where.filename).name}:{where.lineno}. "
            "Try `passerelle doctor`; nothing is printed of the error's content because it may hold a secret.",
            err=True,
        )
        return 3
    return int(result) if isinstance(result, int) else 0
