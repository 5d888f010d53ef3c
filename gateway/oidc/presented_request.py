"""How an authorization request comes: in plain parameters, in a signed object (RFC 9101), or pushed beforehand (RFC 9126).

Whatever way, what comes out is parameters still to be examined. Beside an object or a `request_uri`, `client_id` says whose it
is, `response_type` must not contradict it, and no other parameter counts (RFC 9101 §5, §6.3). A request by reference to another
server is not fetched, ever.
"""

from dataclasses import dataclass

from gateway.applications.client import Client
from gateway.oidc.parameters import RESOURCE, UnverifiedParameters
from gateway.oidc.ports import PushedRequests
from gateway.oidc.problems import RefusedRequest
from gateway.oidc.request_object import RequestObjectRefused, read_request_object

PUSHED = "urn:ietf:params:oauth:request_uri:"


@dataclass(frozen=True, slots=True)
class PresentedRequest:
    parameters: UnverifiedParameters
    pushed: bool = False
    signed: bool = False

    @property
    def hidden(self) -> bool:
        """Whether its parameters stand elsewhere than in the address."""
        return self.pushed or self.signed


def by_value(unverified: UnverifiedParameters, client: Client, *, issuer: str, now: float) -> PresentedRequest:
    """A request in plain parameters or in a signed object. Raises RefusedRequest."""
    if "request" not in unverified:
        return PresentedRequest(unverified)
    if not client.keys:
        raise RefusedRequest("request_not_supported", "This client has no key to sign requests with.")
    if unverified.repeated - RESOURCE:
        raise RefusedRequest("invalid_request", "A parameter is present more than once.")
    try:
        parameters = read_request_object(unverified["request"], client, expected_audience=issuer, now=now)
    except RequestObjectRefused as refused:
        raise RefusedRequest(
            "invalid_request_object", "The request object is not valid.", detail=str(refused)
        ) from refused
    _refuse_contradiction(unverified, parameters)
    return PresentedRequest(parameters, signed=True)


def presented(
    unverified: UnverifiedParameters, client: Client, pushed: PushedRequests, *, issuer: str, now: float
) -> PresentedRequest:
    """A request at the authorization endpoint; a pushed one is spent by this. Raises RefusedRequest."""
    if "request_uri" not in unverified:
        return by_value(unverified, client, issuer=issuer, now=now)
    if "request" in unverified or unverified.repeated - RESOURCE:
        raise RefusedRequest("invalid_request", "request_uri stands alone, and once.")
    request_uri = unverified["request_uri"]
    if not request_uri.startswith(PUSHED):
        raise RefusedRequest("request_uri_not_supported", "Only pushed requests have a request_uri here.")
    found = pushed.take(request_uri.removeprefix(PUSHED), client.client_id, now)
    if found is None:
        raise RefusedRequest("invalid_request_uri", "The request_uri is unknown, expired, or was used before.")
    parameters = UnverifiedParameters(list(found.parameters))
    _refuse_contradiction(unverified, parameters)
    return PresentedRequest(parameters, pushed=True, signed=found.signed)


def _refuse_contradiction(outside: UnverifiedParameters, inside: UnverifiedParameters) -> None:
    if outside.get("response_type") not in {None, inside.get("response_type")}:
        raise RefusedRequest("invalid_request", "response_type contradicts the request.")
