"""The nouns and verbs of `passerelle`, loaded when they are used."""

import importlib
from pathlib import Path

import click

from gateway import __version__
from gateway.cli.output import Output

_NOUNS = {
    "init": "gateway.cli.init:init",
    "serve": "gateway.cli.serve:serve",
    "jobs": "gateway.cli.jobs:jobs",
    "demo": "gateway.cli.demo:demo",
    "config": "gateway.cli.config:config",
    "clients": "gateway.cli.clients:clients",
    "accounts": "gateway.cli.accounts:accounts",
    "directory": "gateway.cli.directory:directory",
    "messages": "gateway.cli.messages:messages",
    "sms": "gateway.cli.sms:sms",
    "passwords": "gateway.cli.passwords:passwords",
    "rotate": "gateway.cli.rotate:rotate",
    "doctor": "gateway.cli.doctor:doctor",
    "test-client": "gateway.cli.test_client:test_client",
}


class _LazyGroup(click.Group):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """`--json` is understood wherever it stands."""
        end = args.index("--") if "--" in args else len(args)
        words = [word for word in args[:end] if word != "--json"]
        return super().parse_args(ctx, ["--json"] * (len(words) < end) + words + args[end:])

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _NOUNS:
            return None
        module, _, name = _NOUNS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


class Invocation:
    """What every command gets: the settings file's path and where to write."""

    def __init__(self, config: Path, output: Output) -> None:
        self.config = config
        self.output = output


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="PASSERELLE_CONFIG",
    default=Path("passerelle.yaml"),
    show_default=True,
    show_envvar=True,
    help="The settings file.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of sentences.")
@click.version_option(__version__, prog_name="passerelle")
@click.pass_context
def passerelle(context: click.Context, config: Path, as_json: bool) -> None:
    """Passerelle: identity and authentication gateway for health and medico-social platforms.

    Begin with `init`, then `doctor`. Exit codes: 0 done, 1 refused or a check failed, 2 wrong usage, 3 unexpected.
    """
    context.obj = Invocation(config, Output(as_json))
