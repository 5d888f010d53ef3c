"""Starts the whole local world in this process, and stops it: its listeners, one clock.

Every address is bound before anything answers, so that a port already taken is one sentence and leaves nothing behind.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from sandbox.card.station import running_station
from sandbox.clock import ClockRefusal, WorldClock
from sandbox.http_server import HttpServer
from sandbox.loopback import LoopbackAddress
from sandbox.options import SandboxOptions, SandboxRefusal, accepted_addresses, psc_options
from sandbox.orientation.pages import orientation_site
from sandbox.psc.api import psc_api
from sandbox.psc.options import PscRefusal
from sandbox.psc.running import RunningPsc, running_psc
from sandbox.relying_party.configuration import ClientConfiguration
from sandbox.suivi.pages import suivi_site
from sandbox.world.approvals import Approvals
from sandbox.world.faults import Faults
from sandbox.world.mailbox import Mailbox
from sandbox.world.people import PeopleFile, UnreadablePeople
from sandbox.world.phone import Phone
from sandbox.world.site import World, world_site
from sandbox.world.smtp import SmtpServer

Server = TypeVar("Server", HttpServer, SmtpServer)


@dataclass(frozen=True)
class RunningSandbox:
    """`smtp_address` is `host:port`, the others are URLs without a trailing slash. `psc` is None unless asked for."""

    world_url: str
    smtp_address: str
    orientation_url: str
    suivi_url: str | None
    mailbox: Mailbox
    phone: Phone
    approvals: Approvals
    faults: Faults
    clock: WorldClock
    psc: RunningPsc | None = None
    bridge_url: str | None = None


@contextmanager
def run(options: SandboxOptions) -> Iterator[RunningSandbox]:
    """Everything listens when the block is entered and is closed when it is left. Raises SandboxRefusal."""
    addresses = accepted_addresses(options)
    wanted_psc = psc_options(options)
    try:
        clock = WorldClock(options.clock_offset_file)
        people = PeopleFile(options.people_file)
        people.read()
    except (ClockRefusal, UnreadablePeople) as refusal:
        raise SandboxRefusal(f"The sandbox does not start: {refusal}.") from refusal

    mailbox, phone, approvals, faults = Mailbox(), Phone(), Approvals(), Faults()
    with ExitStack() as listeners:
        world_server = _listen("world", addresses.world, lambda a: HttpServer(a, "world"))
        listeners.callback(world_server.stop)
        orientation_server = _listen("orientation", addresses.orientation, lambda a: HttpServer(a, "orientation"))
        listeners.callback(orientation_server.stop)
        suivi_server = None
        if addresses.suivi is not None:
            suivi_server = _listen("suivi", addresses.suivi, lambda a: HttpServer(a, "suivi"))
            listeners.callback(suivi_server.stop)
        smtp_server = _listen("smtp", addresses.smtp, lambda a: SmtpServer(a, mailbox, faults, clock))
        listeners.callback(smtp_server.stop)

        psc: RunningPsc | None = None
        if wanted_psc:
            try:
                psc = listeners.enter_context(
                    running_psc(wanted_psc, clock=clock, approvals=approvals, world_url=world_server.url)
                )
            except PscRefusal as refusal:
                raise SandboxRefusal(str(refusal)) from refusal

        station, bridge_url = None, None
        if options.bridge_ports and options.card_folder is not None:
            try:
                station, port = listeners.enter_context(
                    running_station(
                        clock, options.card_folder, ports=options.bridge_ports, allowed_origins=[options.issuer]
                    )
                )
            except OSError as failure:
                raise SandboxRefusal(f"The card bridge cannot listen on --bridge-port: {failure}.") from failure
            bridge_url = f"http://127.0.0.1:{port}"

        client = ClientConfiguration(
            issuer=options.issuer,
            client_id=options.orientation_client_id,
            client_secret_file=options.orientation_client_secret_file,
            own_url=orientation_server.url,
        )
        world = World(
            mailbox=mailbox,
            phone=phone,
            approvals=approvals,
            faults=faults,
            clock=clock,
            people=people,
            orientation_url=orientation_server.url,
            suivi_url=suivi_server.url if suivi_server is not None else None,
            gateway_url=options.issuer,
            station=station,
        )
        orientation_server.start(orientation_site(client, clock, world_url=world_server.url))
        if suivi_server is not None:
            assert options.suivi_client_id is not None
            assert options.suivi_client_secret_file is not None
            suivi_client = ClientConfiguration(
                issuer=options.issuer,
                client_id=options.suivi_client_id,
                client_secret_file=options.suivi_client_secret_file,
                own_url=suivi_server.url,
            )
            suivi_server.start(suivi_site(suivi_client, clock, world_url=world_server.url))
        smtp_server.start()
        world_server.start(world_site(world, *([psc_api(psc.realm)] if psc else [])))
        yield RunningSandbox(
            world_url=world_server.url,
            smtp_address=str(smtp_server.address),
            orientation_url=orientation_server.url,
            suivi_url=suivi_server.url if suivi_server is not None else None,
            mailbox=mailbox,
            phone=phone,
            approvals=approvals,
            faults=faults,
            clock=clock,
            psc=psc,
            bridge_url=bridge_url,
        )


def _listen(name: str, address: LoopbackAddress, bind: Callable[[LoopbackAddress], Server]) -> Server:
    try:
        return bind(address)
    except OSError as failure:
        reason = failure.strerror or str(failure)
        raise SandboxRefusal(f"The sandbox cannot listen on --{name} {address}: {reason}.") from failure
