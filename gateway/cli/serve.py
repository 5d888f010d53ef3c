"""`passerelle serve`: the gateway, under uvicorn (decision record 0001)."""

import os

import click
import uvicorn

from gateway.cli.command_line import Invocation
from gateway.settings import read_settings


@click.command()
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Processes; one per core. Default: the settings' `workers`."
)
@click.pass_obj
def serve(invocation: Invocation, workers: int | None) -> None:
    """Serves applications and people until it is told to stop."""
    settings = read_settings(invocation.config)
    os.environ["PASSERELLE_CONFIG"] = str(invocation.config.resolve())
    host, _, port = settings.listen.rpartition(":")
    uvicorn.run(
        "gateway.wiring.application:application",
        factory=True,
        host=host.strip("[]"),
        port=int(port),
        workers=workers or settings.workers,
        loop="uvloop",
        http="httptools",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        backlog=512,
        limit_concurrency=512,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=8,
    )
