"""How commands speak: sentences for people, one JSON document for scripts, errors with a way out.

With `--json` a command that did its work writes one document on stdout; a refusal writes nothing there and one document
`{"error": …, "exit_code": …}` on stderr. Exit codes: 0 done, 1 refused or a check failed, 2 wrong usage, 3 the unexpected (its
kind and an advice, never its content: an exception may carry a secret), 130 interrupted.
"""

import json
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gateway.settings import ConfigurationError

_NAMES_A_SECRET = re.compile(r"secret|passw|token|passphrase|private", re.IGNORECASE)


class CommandRefused(click.ClickException):
    """A sentence that says what is wrong and what to do."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command writes."""

    as_json: bool

    def say(self, sentence: str, **facts: Any) -> None:
        """A sentence for people; its facts as one JSON document for scripts."""
        click.echo(json.dumps(facts, ensure_ascii=False) if self.as_json else sentence)

    def sheet(self, facts: Mapping[str, Any]) -> None:
        """One thing: a line per fact, or one JSON object."""
        if self.as_json:
            click.echo(json.dumps(dict(facts), ensure_ascii=False))
            return
        width = max((len(key) for key in facts), default=0)
        for key, value in facts.items():
            click.echo(f"{key.ljust(width)}  {_cell(value)}".rstrip())

    def table(self, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Several things: rows under their column names, or one JSON list."""
        if self.as_json:
            click.echo(json.dumps([dict(row) for row in rows], ensure_ascii=False))
            return
        cells = [[_cell(row.get(column, "")) for column in columns] for row in rows]
        widths = [max([len(column), *(len(line[i]) for line in cells)]) for i, column in enumerate(columns)]
        for line in [list(columns), *cells]:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: Any) -> str:
    match value:
        case None | "" | []:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(str(item) for item in value)
        case _:
            return str(value)


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code; whatever happens, no exception text leaves it."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    before_values = words[: words.index("--")] if "--" in words else words
    try:
        result = command.main(args=words, prog_name="passerelle", standalone_mode=False)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 1
    except click.ClickException as error:
        message, code = _sentence(error, as_json="--json" in before_values), error.exit_code
    except ConfigurationError as error:
        message, code = str(error), 1
    except (KeyboardInterrupt, click.Abort):
        message, code = "Interrupted.", 130
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        message, code = (
            f"Something unexpected stopped the command: {type(error).__name__} in {Path(where.filename).name}:{where.lineno}. "
            "Try `passerelle doctor`; nothing is printed of the error's content because it may hold a secret.",
            3,
        )
    else:
        return result if isinstance(result, int) else 0
    said = json.dumps({"error": message, "exit_code": code}, ensure_ascii=False)
    click.echo(said if "--json" in before_values else message, err=True)
    return code


def _sentence(error: click.ClickException, *, as_json: bool) -> str:
    """Click's own messages, with a way out and without the values that were typed where no value is expected."""
    if not isinstance(error, click.UsageError):
        return error.format_message()
    help_command = f"{error.ctx.command_path if error.ctx else 'passerelle'} --help"
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return f"Say what to do: `{help_command}` lists it." if as_json else error.format_message()
    message = error.format_message()
    if isinstance(error, click.NoSuchOption) and _NAMES_A_SECRET.search(error.option_name):
        message = (
            f"There is no option {error.option_name}: no secret is ever an argument, because every user of this machine "
            "can read it and the shell remembers it. If you typed a real one, replace it."
        )
    elif "unexpected extra argument" in message:
        message = "There is one argument too many."
    return f"{message} See `{help_command}`."
