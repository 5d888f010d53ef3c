"""How a resource of ours refuses an access token (RFC 6750 §3, RFC 9449 §7.1, RFC 9470 §3): 401 and what to do about it."""

from collections.abc import Callable

from gateway.oidc.dpop import ALGORITHMS
from gateway.oidc.problems import BearerProblem
from gateway.web.machine_door import MachineRequest

_DPOP = f'DPoP algs="{" ".join(ALGORITHMS)}"'


def challenge(problem: BearerProblem, realm: str) -> str:
    """The WWW-Authenticate header. Without any token both schemes are offered."""
    bearer = f'Bearer realm="{realm}"'
    if not problem.error:
        return f"{bearer}, {_DPOP}"
    scheme = _DPOP if problem.dpop else bearer
    said = {"error": problem.error, **problem.demand}
    return ", ".join((scheme, *(f'{name}="{value}"' for name, value in said.items())))


def nonce_header(request: MachineRequest, nonce: Callable[[], str]) -> dict[str, str]:
    """What the next proof must hold, for whoever uses DPoP here (RFC 9449 §8.2)."""
    uses_dpop = "dpop" in request.headers or request.headers.get("authorization", "")[:5].lower() == "dpop "
    return {"DPoP-Nonce": nonce()} if uses_dpop else {}
