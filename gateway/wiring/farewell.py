"""Builds what the person is told after a logout."""

from werkzeug.wrappers import Response

from gateway.applications.ports import Clients
from gateway.keys.purposes import Purpose
from gateway.signin.farewell.farewell import Farewells
from gateway.signin.farewell.pages import after, remembering
from gateway.signin.pages import Leave
from gateway.signin.session import Session
from gateway.web.shell import Shell
from gateway.wiring.stores import Stores


def farewells_of(clients: Clients, stores: Stores) -> Farewells:
    form_key = stores.database.purpose_keys.get(Purpose.FORM)
    return Farewells(
        clients=clients,
        spool=stores.ephemeral.spool,
        clock=stores.clock,
        mac=lambda message: form_key.mac(Purpose.FORM, message),
    )


def leaving(shell: Shell, farewells: Farewells, leave: Leave) -> Leave:
    """The sign-out of our own page, which no application asked for."""

    def page(ended: Session | None, way_back: str | None) -> Response | None:
        onward, memory = after(shell, farewells, ended, None, way_back)
        way_out = leave(ended, onward) or (shell.see_other(onward) if onward is not None else None)
        return remembering(way_out, memory) if way_out is not None else None

    return page
