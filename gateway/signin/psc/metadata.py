"""Whether the provider still describes itself as this deployment pinned it (PSC-02, AC-088). Nothing is ever taken from it.

For the administrators' check and the readiness: another issuer is a failure, a moved endpoint is one too, and so is an `iss`
parameter that is announced while our file does not ask for it.
"""

from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.json_object import MalformedObject, read_object

PINNED = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "end_session_endpoint",
)


def differences(unverified: bytes, *, environment: PscEnvironment) -> tuple[str, ...]:
    """The names of what is not as pinned; empty when all is well."""
    try:
        metadata = read_object(unverified)
    except MalformedObject:
        return ("metadata",)
    changed = [name for name in PINNED if metadata.get(name) != getattr(environment, name)]
    announced = metadata.get("authorization_response_iss_parameter_supported", False)
    if announced is not environment.iss_parameter:
        changed.append("authorization_response_iss_parameter_supported")
    return tuple(changed)
