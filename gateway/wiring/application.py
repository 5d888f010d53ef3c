"""Builds what uvicorn serves: the machine door and the people's door over the same stores (decision record 0001).

The machine door is there when the worker says that it has started; the pages, whose libraries are half of a start, come right
after, and whoever asks for one meanwhile waits for them.
"""

import asyncio
import gc
import logging
import os
import sys
from pathlib import Path
from wsgiref.types import WSGIApplication

from gateway.app import Application
from gateway.habilitations.live_rights import LiveRights
from gateway.keys.key_ring import KeyRing
from gateway.oidc.endpoints.answers import BrowserClients, readable_by
from gateway.settings import Settings, read_settings
from gateway.wiring.certificates import certificate_proxy
from gateway.wiring.machine_door import machine_door
from gateway.wiring.people import PeopleFromAccounts
from gateway.wiring.remembered_people import RememberedPeople
from gateway.wiring.stores import UNAVAILABLE, ReviewedConfig, Stores, open_stores, read_idp_config

SWITCH_SECONDS = 0.0001
"""How long a thread of the pages keeps the interpreter while the loop of the machine door waits for it."""


def application() -> Application:
    """The factory that uvicorn calls in each worker; the settings file is named by PASSERELLE_CONFIG."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    sys.setswitchinterval(SWITCH_SECONDS)
    settings = read_settings(Path(os.environ["PASSERELLE_CONFIG"]))
    reviewed = read_idp_config(settings)
    return build(settings, reviewed, open_stores(settings, node=settings.node))


def build(settings: Settings, reviewed: ReviewedConfig, stores: Stores) -> Application:
    """One application over opened stores."""
    rights = LiveRights(
        accounts=stores.database.accounts,
        habilitations=stores.database.habilitations,
        mapping=lambda: reviewed.mapping,
        scale=reviewed.scale,
        stale_after=settings.values["directory.stale_after"],
    )
    ring = KeyRing(stores.database.signing_keys, clock=stores.clock)
    read = PeopleFromAccounts(stores.database.accounts, rights)
    people = RememberedPeople(read, stores.database.people_mark, rights.version)
    https = settings.issuer.startswith("https:")

    async def stop() -> None:
        await stores.ephemeral.close_async()
        await asyncio.to_thread(stores.ephemeral.close)
        await asyncio.to_thread(stores.database.close)

    def pages() -> WSGIApplication:
        from gateway.wiring.people_door import people_door  # noqa: PLC0415

        door = people_door(settings, reviewed, stores, ring, people, rights)
        # What lives as long as the worker need not be looked through again and again for cycles: requests leave hardly any.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        return door

    machine = machine_door(settings, reviewed, stores, ring, people)
    return Application(
        machine=machine,
        readable_by=readable_by(machine, BrowserClients(reviewed.clients)),
        pages=pages,
        randomness=stores.randomness,
        hsts=https,
        unavailable=UNAVAILABLE,
        trusted_proxies=settings.trusted_proxies,
        certificate_proxy=certificate_proxy(settings),
        on_stop=stop,
    )
