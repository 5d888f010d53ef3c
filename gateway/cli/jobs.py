"""`passerelle jobs`: what runs beside the gateway without a request (mails, journal, directory, purges)."""

import logging
import signal
import threading

import click

from gateway.cli.administration import administration
from gateway.cli.command_line import Invocation
from gateway.jobs.runner import Runner
from gateway.wiring.jobs import jobs_of


@click.command()
@click.pass_obj
def jobs(invocation: Invocation) -> None:
    """Runs the jobs until it is told to stop. Several may run at once."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with administration(invocation) as administering:
        Runner(jobs_of(administering.settings, administering.reviewed, administering.stores)).run_until(stop)
