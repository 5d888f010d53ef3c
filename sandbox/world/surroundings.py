"""Everything the site « Le monde autour » shows or moves, in one value handed to its pages and its API."""

from dataclasses import dataclass

from sandbox.card.station import Station
from sandbox.clock import WorldClock
from sandbox.world.approvals import Approvals
from sandbox.world.faults import Faults
from sandbox.world.mailbox import Mailbox
from sandbox.world.people import PeopleFile
from sandbox.world.phone import Phone


@dataclass(frozen=True)
class World:
    mailbox: Mailbox
    phone: Phone
    approvals: Approvals
    faults: Faults
    clock: WorldClock
    people: PeopleFile
    orientation_url: str
    suivi_url: str | None
    gateway_url: str
    station: Station | None = None
    """The workstation's card reader; None: there is none."""
