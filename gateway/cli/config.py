"""`passerelle config check`: everything that would stop the gateway from starting, said before it is tried."""

import click

from gateway.cli.command_line import Invocation
from gateway.settings import read_settings
from gateway.wiring.stores import read_idp_config


@click.group()
def config() -> None:
    """Settings and the reviewed files of idp_config."""


@config.command()
@click.pass_obj
def check(invocation: Invocation) -> None:
    """Reads the settings and every file of idp_config, and says what is wrong."""
    settings = read_settings(invocation.config)
    reviewed = read_idp_config(settings)
    clients = [client.client_id for client in reviewed.clients.all()]
    invocation.output.say(
        f"The settings are good: profile {settings.profile}, issuer {settings.issuer}, "
        f"{len(clients)} application(s): {', '.join(clients) or 'none'}.",
        profile=settings.profile,
        issuer=settings.issuer,
        clients=clients,
        parameters=dict(settings.values.as_mapping()),
    )
