"""The page of the card step: what will happen, one button, help where the bridge cannot be reached, the other means beside.

HTTP only. This page alone may call the bridge's loopback ports; its script does so after a click and never by itself, and never
sees the code porteur, which is typed in the bridge's own window or on the reader (BRG-04, BRG-10, cps-card.md §3.4).
"""

import flask
from werkzeug.wrappers import Response

from gateway.accounts.one_time_link import LinkPurpose
from gateway.signin.card.api import form_purpose
from gateway.signin.card.environment import CardEnvironment
from gateway.signin.card.signin import ACTIVATION
from gateway.signin.enrolment.landed_link import landed_token
from gateway.signin.pages import HOME, JourneyPages
from gateway.signin.transaction import Demand
from gateway.web import cookies

KIND = "card"
MESSAGES = (
    "searching", "permission", "denied", "unreachable", "window", "verifying", "refused", "moved", "insecure",
    "busy", "rate_limited", "service_unavailable", "no_reader", "no_card", "card_mute", "card_in_use", "card_unsupported",
    "certificate_unsupported", "pin_wrong", "pin_blocked", "user_cancelled", "user_timeout", "card_removed",
    "card_interrupted", "internal",
)  # fmt: skip
"""What the page's script may have to say: its own states, then the bridge's codes (§3.6)."""


def pages(journey_pages: JourneyPages, environment: CardEnvironment) -> flask.Blueprint:
    """`GET /signin/<handle>/card`, and `GET /activation/card` for an account that its link activates by card."""
    blueprint = journey_pages.blueprint("card")
    shell, journey = journey_pages.shell, journey_pages.journey

    @blueprint.get("/signin/<handle>/card")
    def show(handle: str) -> Response:
        txn = journey_pages.found(handle)
        if not journey.is_under_way(txn):
            return journey_pages.onward(txn)
        activation = bool(txn.continuation.get(ACTIVATION))
        tiles = journey_pages.activation_tiles() if activation else journey_pages.tiles(txn)
        return journey_pages.page(
            "signin/card.html",
            txn,
            bridges=environment.bridge_origins,
            ports=environment.bridge_origins,
            form_purpose=form_purpose(handle),
            messages=MESSAGES,
            tiles=[tile for tile in tiles if tile[0] != KIND],
            others="/activation" if activation else f"/signin/{handle}",
        )

    @blueprint.get("/activation/card")
    def activate() -> Response:
        if landed_token(flask.request.cookies.get(cookies.LINK), LinkPurpose.ACTIVATION) is None:
            return shell.see_other("/activation")
        txn = journey.open(
            Demand(),
            {"resume": HOME, ACTIVATION: True},
            browser_cookie=shell.browser(),
            session=None,
            context=journey_pages.context(),
        )
        return shell.see_other(f"/signin/{txn.handle}/card")

    return blueprint
