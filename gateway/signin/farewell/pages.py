"""The page after a logout that closed other applications too, and the same as JSON for its script, which looks a few times.

`after` is what every sign-out of ours asks first: a page when there is something to tell, else what it did before.
"""

import flask
from werkzeug.wrappers import Response

from gateway.applications.client import Client
from gateway.signin.farewell.farewell import SIGNED_OUT, Farewells, Told
from gateway.signin.pages import JourneyPages, Leave
from gateway.signin.session import Session
from gateway.web import cookies
from gateway.web.shell import Shell

JSON = "application/json"


def after(
    shell: Shell, farewells: Farewells, ended: Session | None, asked_by: str | None, way_back: str | None
) -> tuple[str | None, str | None]:
    """(where the person goes on, what the browser remembers): to the page when there is something to tell."""
    memory = farewells.of(ended, asked_by, way_back)
    return (way_back, None) if memory is None else (f"{shell.public_origin}{SIGNED_OUT}", memory)


def remembering(response: Response, memory: str | None) -> Response:
    if memory is not None:
        cookies.put(response, cookies.LEFT, memory)
    return response


def leaving(shell: Shell, farewells: Farewells, leave: Leave) -> Leave:
    """The sign-out of our own page, which no application asked for."""

    def page(ended: Session | None, way_back: str | None) -> Response | None:
        onward, memory = after(shell, farewells, ended, None, way_back)
        way_out = leave(ended, onward) or (shell.see_other(onward) if onward is not None else None)
        return remembering(way_out, memory) if way_out is not None else None

    return page


def pages(journey_pages: JourneyPages, farewells: Farewells) -> flask.Blueprint:
    shell = journey_pages.shell
    blueprint = flask.Blueprint("signin_farewell", __name__)

    def named(client: Client) -> str:
        return journey_pages.client_name(client, shell.language())

    @blueprint.get(SIGNED_OUT)
    def signed_out() -> Response:
        farewell = farewells.read(flask.request.cookies.get(cookies.LEFT))
        if farewell is None:
            return shell.see_other("/?signed_out")
        told = farewells.told(farewell)
        if flask.request.headers.get("Accept") == JSON:
            language = shell.language()
            said = [
                {"state": state, "text": shell.translations.say(language, f"farewell.{state}")} for _, state in told
            ]
            return Response(flask.json.dumps(said), content_type=JSON)
        asked_by = farewells.asked_by(farewell)
        return shell.page(
            "signin/farewell.html",
            told=[(named(client), state) for client, state in told],
            incomplete=any(state is not Told.TOLD for _, state in told),
            waiting=any(state in {Told.WAITING, Told.LATE} for _, state in told),
            way_back=farewell.way_back,
            back_to=named(asked_by) if asked_by is not None else None,
        )

    return blueprint
