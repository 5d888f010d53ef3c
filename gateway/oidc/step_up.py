"""Whether the sign-in behind an access token is strong and recent enough for our own resources (RFC 9470; LOA-04).

The client's file says what its resources demand: `min_acr`, `max_authentication_age_seconds`. A token from before the file was
made stricter, or refreshed for longer than that, is refused with the very parameters of the authorization request that helps.
"""

from collections.abc import Mapping
from typing import Any

from gateway.applications.client import Client
from gateway.oidc.ports import AssuranceRanking
from gateway.oidc.problems import BearerProblem

INSUFFICIENT = "insufficient_user_authentication"


def refuse_too_weak(claims: Mapping[str, Any], client: Client, scale: AssuranceRanking, now: float) -> None:
    """Raises BearerProblem. The token of a service speaks of nobody: there is nothing to compare."""
    if "auth_time" not in claims:
        return
    weak = client.min_acr is not None and not scale.satisfies(str(claims.get("acr")), client.min_acr)
    oldest = client.max_authentication_age_seconds
    if weak or (oldest is not None and now - claims["auth_time"] > oldest):
        raise BearerProblem(
            INSUFFICIENT,
            "the sign-in is too weak or too old",
            dpop="jkt" in claims.get("cnf", {}),
            demand=_demand(client),
        )


def _demand(client: Client) -> dict[str, str]:
    """All that is demanded, whichever of it was missed: the next sign-in must do for everything."""
    demand = {"acr_values": client.min_acr} if client.min_acr is not None else {}
    if client.max_authentication_age_seconds is not None:
        demand["max_age"] = str(client.max_authentication_age_seconds)
    return demand
