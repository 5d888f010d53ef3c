"""Request objects as the client `signant` signs them."""

from typing import Any

import orjson
from joserfc import jws

from tests.protocol.provider import CLIENT_KEYS, ISSUER, Provider, parameters

CALLBACK = "https://signant.example/cb"
NOTHING: dict[str, str | None] = dict.fromkeys(parameters())


class _Registry(jws.JWSRegistry):
    """Without the library's opinion of algorithms' names, and of headers."""

    def check_header(self, header: Any) -> None:
        pass

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


def members(provider: Provider, **changes: Any) -> dict[str, Any]:
    """All that a good request object holds; None leaves a member out."""
    now = int(provider.clock.now())
    held = {
        **parameters(client_id="signant", redirect_uri=CALLBACK),
        "iss": "signant",
        "aud": ISSUER,
        "iat": now,
        "nbf": now,
        "exp": now + 300,
        "jti": "one",
        **changes,
    }
    return {name: value for name, value in held.items() if value is not None}


def signed(payload: bytes | dict[str, Any], algorithm: str = "ES256", **header: Any) -> str:
    said = {"alg": algorithm, "kid": algorithm.lower(), "typ": "oauth-authz-req+jwt", **header}
    said = {name: value for name, value in said.items() if value is not None}
    octets = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return jws.serialize_compact(said, octets, CLIENT_KEYS[algorithm], registry=_Registry())


def sent(request: str, **beside: str | None) -> dict[str, str | None]:
    """The parameters of an authorization request that passes this object."""
    return {**NOTHING, "client_id": "signant", "request": request, **beside}


def signed_request(provider: Provider, algorithm: str = "ES256", **changes: Any) -> dict[str, str | None]:
    return sent(signed(members(provider, **changes), algorithm))
