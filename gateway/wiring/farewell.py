"""Builds what the person is told after a logout."""

from gateway.applications.ports import Clients
from gateway.keys.purposes import Purpose
from gateway.signin.farewell.farewell import Farewells
from gateway.wiring.stores import Stores


def farewells_of(clients: Clients, stores: Stores) -> Farewells:
    form_key = stores.database.purpose_keys.get(Purpose.FORM)
    return Farewells(
        clients=clients,
        spool=stores.ephemeral.spool,
        clock=stores.clock,
        mac=lambda message: form_key.mac(Purpose.FORM, message),
    )
