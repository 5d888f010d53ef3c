"""`passerelle serve`: the gateway, under uvicorn (decision record 0001).

What would make every worker die at its start is looked at first, and said in a sentence.
"""

import errno
import os
import socket
from typing import Any

import click
import uvicorn

from gateway.cli.administration import administration
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused
from gateway.cli.whole_requests import WholeRequests


@click.command()
@click.option(
    "--workers", type=click.IntRange(1, 64), help="Processes; one per core. Default: the settings' `workers`."
)
@click.pass_obj
def serve(invocation: Invocation, workers: int | None) -> None:
    """Serves applications and people until it is told to stop."""
    with administration(invocation) as administering:
        settings = administering.settings
    os.environ["PASSERELLE_CONFIG"] = str(invocation.config.resolve())
    name, _, number = settings.listen.rpartition(":")
    host, port = name.strip("[]"), int(number)
    _check_address(host, port)
    uvicorn.run(
        "gateway.wiring.application:application",
        factory=True,
        host=host,
        port=port,
        workers=workers or settings.workers,
        loop="uvloop",
        http=WholeRequests,
        ws="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
        backlog=512,
        limit_concurrency=512,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=8,
        timeout_worker_healthcheck=60,  # a busy machine is no reason to kill a worker that is still starting
    )


def _check_address(host: str, port: int) -> None:
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            _check_one(family, kind, protocol, address)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise CommandRefused(
            f"{host}:{port} cannot be used ({why}): stop what uses it, or change `listen` in the settings."
        ) from None


def _check_one(family: int, kind: int, protocol: int, address: Any) -> None:
    try:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        # A machine without IPv6 still has a name for it.
        if family == socket.AF_INET or error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            raise
