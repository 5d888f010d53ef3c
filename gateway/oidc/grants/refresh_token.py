"""The refresh token grant (RFC 6749 §6; OID-09, DECISIONS 8).

Who the person is and what they may do is read anew each time. The token is rotated with the answer in one step of the store:
of any number of parallel calls one rotates, the others within ten seconds get the same answer if they are the same client with
the same key, and a token spent before that revokes the grant. It never outlives the session it came from.

One trip to the store: the token itself says what its grant is. Only what would be refused is looked at before, since why it is
refused depends on where the tokens of its grant stand.
"""

from collections.abc import Mapping

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.journal.completed import completed
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.oidc.claims import Place, identity_claims
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.policy import ProviderPolicy
from gateway.oidc.ports import Grant, Grants, Refresh, Rotation
from gateway.oidc.problems import TokenProblem
from gateway.oidc.refresh_tokens import LIMIT, PresentedRefreshToken, RefreshTokens
from gateway.oidc.sender_proofs import Binding
from gateway.oidc.tokens import Issuance, TokenMint

NAME = "refresh_token"


class RefreshTokenGrant:
    def __init__(
        self, grants: Grants, reads: LiveReads, mint: TokenMint, tokens: RefreshTokens, policy: ProviderPolicy
    ) -> None:
        self._grants = grants
        self._reads = reads
        self._mint = mint
        self._tokens = tokens
        self._policy = policy

    async def judge(self, client: Client, parameters: Mapping[str, str], event: Event, binding: Binding) -> Issuance:
        presented = self._presented(parameters)
        grant = self._tokens.grant_of(presented)
        scope = _acceptable(grant, client, parameters, binding, event.at) if grant is not None else None
        facts: str | None = presented.facts
        if grant is None or scope is None:
            facts = None  # written anew
            grant, scope = await self._looked_at(presented, client, parameters, event, binding)
        read = await self._reads.person_and_rights(
            grant.account_id, client, scope=scope, acr=grant.acr, structure=grant.structure, now=event.at
        )
        if read is None:
            raise _invalid_grant()
        person, rights = read
        asked = (grant.claims_request or {}).get("id_token", ())
        rotated = client.rotates_refresh_tokens
        token, state = self._tokens.make(grant, presented.generation + 1, event.at, facts=facts)
        return Issuance(
            grant=grant,
            client=client,
            scope=scope,
            jti=self._mint.new_jti(grant.id),
            now=event.at,
            nonce=None,
            identity=identity_claims(person, scope, Place.ID_TOKEN, asked=asked, allowed=client.scopes),
            rights=rights,
            refresh_token=token if rotated else parameters["refresh_token"],
            refresh=state if rotated else self._tokens.extended(presented, event.at),
            presented=presented,
            binding=binding,
        )

    async def _looked_at(
        self,
        presented: PresentedRefreshToken,
        client: Client,
        parameters: Mapping[str, str],
        event: Event,
        binding: Binding,
    ) -> tuple[Grant, tuple[str, ...]]:
        found = await self._grants.find_refresh(presented.grant_id, event.at)
        if found is None:
            raise _invalid_grant()
        grant, live = found
        if grant.client_id != client.client_id:
            await self._stolen(grant, event)
        if presented.is_live(live):
            return grant, _judged(grant, client, parameters, binding)
        # A spent one meets the store's judgement, whatever it asks for and by whatever key.
        return grant, _within(grant, client)

    async def consume(self, issuance: Issuance, parameters: Mapping[str, str], event: Event, answer: bytes) -> bytes:
        """The answer, or the one that this very token got a moment ago. Raises TokenProblem."""
        presented, grant = issuance.presented, issuance.grant
        if presented is None or issuance.refresh is None:
            raise _invalid_grant()
        event = completed(
            event,
            actor=grant.account_id,
            acr=grant.acr,
            structure=grant.structure,
            session=grant.session_handle_digest,
            details={"grant_id": grant.id, "jti": issuance.jti, "scope": " ".join(issuance.scope)},
        )
        rotation = await self._grants.rotate_refresh(
            grant.id,
            presented.state,
            issuance.refresh,
            event.at,
            by=f"{issuance.client.client_id} {issuance.binding.name}".rstrip(),
            answer=self._tokens.sealed(presented, answer),
            grace_seconds=self._policy.refresh_grace_seconds,
            if_rotated=because(event),
            if_reused=because(_reused(event, grant)),
        )
        if rotation.done is Refresh.ROTATED:
            return _with_life(answer, grant, rotation)
        again = self._tokens.opened(presented, rotation.kept) if rotation.done is Refresh.AGAIN else None
        if again is None:
            raise _invalid_grant(journaled=rotation.done is Refresh.REUSED)
        return _with_life(again, grant, rotation)

    async def _stolen(self, grant: Grant, event: Event) -> None:
        """Another client has it: nobody keeps it."""
        reused = _reused(completed(event, actor=grant.account_id, reason="other_client"), grant)
        revoked = await self._grants.revoke_grant(grant.id, event.at, because(reused))
        raise _invalid_grant(journaled=revoked)

    def _presented(self, parameters: Mapping[str, str]) -> PresentedRefreshToken:
        unverified = parameters.get("refresh_token")
        if unverified is None:
            raise TokenProblem("invalid_request", "refresh_token is missing.")
        presented = self._tokens.read(unverified) if len(unverified) <= LIMIT else None
        if presented is None:
            raise _invalid_grant()
        return presented


def _acceptable(
    grant: Grant, client: Client, parameters: Mapping[str, str], binding: Binding, now: float
) -> tuple[str, ...] | None:
    """The scope of the new tokens, if nothing that the grant says is against them."""
    if grant.client_id != client.client_id or now >= grant.expires_at:
        return None
    try:
        return _judged(grant, client, parameters, binding)
    except TokenProblem:
        return None


def _judged(grant: Grant, client: Client, parameters: Mapping[str, str], binding: Binding) -> tuple[str, ...]:
    _refuse_other_key(grant, client, binding)
    return _narrowed(_within(grant, client), parameters.get("scope"))


def _within(grant: Grant, client: Client) -> tuple[str, ...]:
    """The client's file may have become narrower since."""
    return tuple(item for item in grant.scope if item in client.scopes)


def _refuse_other_key(grant: Grant, client: Client, binding: Binding) -> None:
    """A public client's token is for the key of its first use alone; a client that proves who it is may change its key, never
    do without (RFC 9449 §5, RFC 8705 §4)."""
    public = client.authentication_method is ClientAuthenticationMethod.NONE
    same = grant.bound_to == binding.name if public else grant.bound_to.partition(" ")[0] in {"", binding.kind}
    if not same:
        raise _invalid_grant()


def _with_life(answer: bytes, grant: Grant, rotation: Rotation) -> bytes:
    """The answer was made before the step that knows until when the session lives: the token's facts only say until when it
    did, before it was used, or renewed by another sign-in. Between the quotes of a JSON string no bare quote stands, so a
    member is found nowhere else."""
    for member, known, now in (
        (b'"session_idle_at":%d', int(grant.session_idle_at), int(rotation.session_idle_at)),
        (b'"session_expires_at":%d', int(grant.session_ends_at), int(rotation.session_ends_at)),
    ):
        if known != now:
            answer = answer.replace(member % known, member % now, 1)
    return answer


def _reused(event: Event, grant: Grant) -> Event:
    return completed(event, name="token.refresh_reused", outcome=Outcome.REFUSED, details={"grant_id": grant.id})


def _narrowed(granted: tuple[str, ...], asked: str | None) -> tuple[str, ...]:
    """RFC 6749 §6: never more than was granted; `openid` stays, or there would be no ID token."""
    if asked is None:
        return granted
    wanted = asked.split(" ")
    if len(set(wanted)) < len(wanted) or not set(wanted) <= set(granted) or "openid" not in wanted:
        raise TokenProblem("invalid_scope", "The scope is not within the one that was granted.")
    return tuple(scope for scope in granted if scope in wanted)


def _invalid_grant(*, journaled: bool = False) -> TokenProblem:
    return TokenProblem("invalid_grant", "The refresh token is not valid for this request.", journaled=journaled)
