"""The client credentials grant (RFC 6749 §4.4): a service acts for itself, and no person is in its token.

Only a client whose file says `service: true` has it. No ID token, no refresh token, no role of anybody (§4.4.3).
"""

from collections.abc import Mapping

from gateway.applications.client import Client
from gateway.journal.completed import completed
from gateway.journal.effects import because
from gateway.journal.events import Event
from gateway.oidc.ports import Grants
from gateway.oidc.problems import TokenProblem
from gateway.oidc.sender_proofs import Binding
from gateway.oidc.tokens import ServiceIssuance, TokenMint

NAME = "client_credentials"


class ClientCredentialsGrant:
    def __init__(self, grants: Grants, mint: TokenMint) -> None:
        self._grants = grants
        self._mint = mint

    async def judge(
        self, client: Client, parameters: Mapping[str, str], event: Event, binding: Binding
    ) -> ServiceIssuance:
        wanted = parameters["scope"].split(" ") if "scope" in parameters else sorted(client.service_scopes)
        if len(set(wanted)) < len(wanted) or not set(wanted) <= client.service_scopes:
            raise TokenProblem("invalid_scope", "The scope is not one of this service's.")
        return ServiceIssuance(client, tuple(wanted), self._mint.new_service_jti(), event.at, binding)

    async def consume(
        self, issuance: ServiceIssuance, parameters: Mapping[str, str], event: Event, answer: bytes
    ) -> bytes:
        """Nothing is spent; the journal line is the one write."""
        details = {"jti": issuance.jti, "scope": " ".join(issuance.scope)}
        await self._grants.note(because(completed(event, details=details)))
        return answer
