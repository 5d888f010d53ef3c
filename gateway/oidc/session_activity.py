"""The life of a person's session, as the application she works in sees it (DECISIONS 11; SES-03, SES-04).

An application says that the person is really there: that counts as use, at most once a minute; more often is answered the same
and not counted. The absolute end never moves, a shared post keeps its short limit, and a session that has ended stays ended.
Looking counts as nothing. Refused: tokens of services, revoked ones, and those of an account that is no longer active.
"""

from dataclasses import dataclass

from gateway.applications.client import Client
from gateway.clock import Clock
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.ports import Grant, Grants
from gateway.oidc.presented_token import PresentedTokens
from gateway.oidc.problems import BearerProblem
from gateway.oidc.sender_proofs import NO_PROOFS, SenderProofs
from gateway.oidc.tokens import session_life

LEAST_SECONDS = 60.0
"""Between two uses that count."""


@dataclass(frozen=True, slots=True)
class SessionActivity:
    tokens: PresentedTokens
    grants: Grants
    reads: LiveReads
    clock: Clock

    async def answer(
        self, authorization: str | None, proofs: SenderProofs = NO_PROOFS, *, is_use: bool
    ) -> dict[str, str | int]:
        """The two ends, and `now` by our clock: an application whose own is wrong counts right. Raises BearerProblem."""
        now = self.clock.now()
        token = await self.tokens.verified(authorization, proofs, now, however_weak=True)
        jti = str(token.claims.get("jti"))
        grant = await self.grants.find_grant(token.grant_id, now, jti=jti)
        if grant is not None and not await self._is_theirs(grant, token.client, now):
            grant = None
        if grant is not None and is_use:  # asked before: the session of a locked account is not kept alive
            grant = await self.grants.use_session(token.grant_id, now, jti=jti, least_seconds=LEAST_SECONDS)
        if grant is None:
            dpop = "jkt" in token.claims.get("cnf", {})
            raise BearerProblem("invalid_token", "the session or the account is not alive", dpop=dpop)
        return {**session_life(grant), "now": int(now)}

    async def _is_theirs(self, grant: Grant, client: Client, now: float) -> bool:
        person = await self.reads.person_and_rights(
            grant.account_id, client, scope=(), acr=grant.acr, structure=None, now=now, named=False
        )
        return person is not None and grant.client_id == client.client_id
