"""Starts the whole local world in this process, and stops it: three listeners, one clock.

Every address is bound before anything answers, so that a port already taken is one sentence and leaves nothing behind.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from sandbox.clock import ClockRefusal, WorldClock
from sandbox.http_server import HttpServer
from sandbox.loopback import LoopbackAddress
from sandbox.options import SandboxOptions, SandboxRefusal, accepted_addresses
from sandbox.orientation.configuration import ClientConfiguration
from sandbox.orientation.pages import orientation_site
from sandbox.world.faults import Faults
from sandbox.world.mailbox import Mailbox
from sandbox.world.people import PeopleFile, UnreadablePeople
from sandbox.world.phone import Phone
from sandbox.world.site import World, world_site
from sandbox.world.smtp import SmtpServer

Server = TypeVar("Server", HttpServer, SmtpServer)


@dataclass(frozen=True)
class RunningSandbox:
    """`smtp_address` is `host:port`, the others are URLs without a trailing slash."""

    world_url: str
    smtp_address: str
    orientation_url: str
    mailbox: Mailbox
    phone: Phone
    faults: Faults
    clock: WorldClock


@contextmanager
def run(options: SandboxOptions) -> Iterator[RunningSandbox]:
    """Everything listens when the block is entered and is closed when it is left. Raises SandboxRefusal."""
    addresses = accepted_addresses(options)
    try:
        clock = WorldClock(options.clock_offset_file)
        people = PeopleFile(options.people_file)
        people.read()
    except (ClockRefusal, UnreadablePeople) as refusal:
        raise SandboxRefusal(f"The sandbox does not start: {refusal}.") from refusal

    mailbox, phone, faults = Mailbox(), Phone(), Faults()
    with ExitStack() as listeners:
        world_server = _listen("world", addresses.world, lambda a: HttpServer(a, "world"))
        listeners.callback(world_server.stop)
        orientation_server = _listen("orientation", addresses.orientation, lambda a: HttpServer(a, "orientation"))
        listeners.callback(orientation_server.stop)
        smtp_server = _listen("smtp", addresses.smtp, lambda a: SmtpServer(a, mailbox, faults, clock))
        listeners.callback(smtp_server.stop)

        client = ClientConfiguration(
            issuer=options.issuer,
            client_id=options.orientation_client_id,
            client_secret_file=options.orientation_client_secret_file,
            own_url=orientation_server.url,
        )
        world = World(
            mailbox=mailbox,
            phone=phone,
            faults=faults,
            clock=clock,
            people=people,
            orientation_url=orientation_server.url,
            gateway_url=options.issuer,
        )
        orientation_server.start(orientation_site(client, clock, world_url=world_server.url))
        world_server.start(world_site(world))
        smtp_server.start()
        yield RunningSandbox(
            world_url=world_server.url,
            smtp_address=str(smtp_server.address),
            orientation_url=orientation_server.url,
            mailbox=mailbox,
            phone=phone,
            faults=faults,
            clock=clock,
        )


def _listen(name: str, address: LoopbackAddress, bind: Callable[[LoopbackAddress], Server]) -> Server:
    try:
        return bind(address)
    except OSError as failure:
        reason = failure.strerror or str(failure)
        raise SandboxRefusal(f"The sandbox cannot listen on --{name} {address}: {reason}.") from failure
