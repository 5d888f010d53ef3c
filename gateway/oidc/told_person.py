"""To whom a resource of ours may speak of a person: the bearer of an access token whose grant and account live (RFC 6750).

The token is judged by `presented_token`, with the proof of the key it is bound to. Then its grant must be alive (revoked with
its session or by a replayed code), the subject must be that grant's, and the account active. What is said is within the scope
of the token itself, read live. Each reading has its journal line, and so has each refusal of a token of ours.
"""

from dataclasses import dataclass, replace

from gateway.applications.client import Client
from gateway.clock import Clock
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.oidc.claims import Rights
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.ports import Grant, Grants, Person
from gateway.oidc.presented_token import PresentedToken, PresentedTokens
from gateway.oidc.problems import BearerProblem
from gateway.oidc.sender_proofs import SenderProofs
from gateway.oidc.subjects import Subjects
from gateway.signin.request_context import RequestContext


@dataclass(frozen=True, slots=True)
class Told:
    """`sub` is the person's name for this client; `rights` None: no scope of the token asks for them."""

    sub: str
    client: Client
    grant: Grant
    scope: tuple[str, ...]
    person: Person
    rights: Rights | None


class ToldPeople:
    def __init__(
        self, tokens: PresentedTokens, *, grants: Grants, reads: LiveReads, subjects: Subjects, clock: Clock
    ) -> None:
        self._tokens = tokens
        self._grants = grants
        self._reads = reads
        self._subjects = subjects
        self._clock = clock

    async def told(
        self,
        authorization: str | None,
        context: RequestContext,
        proofs: SenderProofs,
        *,
        resource: str,
        needs: str | None = None,
    ) -> Told:
        """`resource` names the journal lines, `needs` the scope without which nothing is said there. Raises BearerProblem."""
        now = self._clock.now()
        token = await self._tokens.verified(authorization, proofs, now)
        client, grant_id = token.client, token.grant_id
        grant = await self._grants.find_grant(grant_id, now)
        event = Event(
            f"{resource}.read",
            Outcome.SUCCESS,
            now,
            actor=grant.account_id if grant is not None else token.account_id,
            client=client.client_id,
            ip=context.ip,
            user_agent=context.user_agent,
            request=context.request,
            details={"grant_id": grant_id},
        )
        refused = because(replace(event, name=f"{resource}.refused", outcome=Outcome.REFUSED))
        if needs is not None and not (needs in token.scope and needs in client.scopes):
            await self._grants.note(refused)
            demand = {"scope": needs}
            raise BearerProblem("insufficient_scope", "not granted", status=403, demand=demand, dpop=token.dpop)
        told = await self._alive(token, grant, now)
        if told is None:
            await self._grants.note(refused)
            raise BearerProblem("invalid_token", "the grant or the account is no longer alive", dpop=token.dpop)
        await self._grants.note(because(event))
        return told

    async def _alive(self, token: PresentedToken, grant: Grant | None, now: float) -> Told | None:
        client = token.client
        if grant is None or grant.client_id != client.client_id:
            return None
        sub = self._subjects.sub(grant.account_id, client.sector)
        if token.claims.get("sub") != sub:
            return None
        scope = tuple(item for item in grant.scope if item in token.scope and item in client.scopes)
        read = await self._reads.person_and_rights(
            grant.account_id, client, scope=scope, acr=grant.acr, structure=grant.structure, now=now
        )
        return None if read is None else Told(sub, client, grant, scope, *read)
