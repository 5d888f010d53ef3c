"""The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.6; OID-04).

A code is redeemed once, by its own client, for its own redirect URI, with the verifier of its challenge. Presented wrongly
it is burnt: someone else has it. Presented again it revokes what its first use gave.
"""

from collections.abc import Mapping

from gateway.applications.client import Client
from gateway.journal.completed import completed
from gateway.journal.effects import Effects, because
from gateway.journal.events import Event, Outcome
from gateway.oidc.claims import Place, identity_claims
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.pkce import proves
from gateway.oidc.policy import ProviderPolicy
from gateway.oidc.ports import AuthorizationCode, CodeState, Grant, Grants, Redemption
from gateway.oidc.problems import TokenProblem
from gateway.oidc.refresh_tokens import RefreshTokens
from gateway.oidc.sender_proofs import Binding
from gateway.oidc.tokens import Issuance, TokenMint

NAME = "authorization_code"
_CODE_LIMIT = 128


class AuthorizationCodeGrant:
    def __init__(
        self, grants: Grants, reads: LiveReads, mint: TokenMint, tokens: RefreshTokens, policy: ProviderPolicy
    ) -> None:
        self._tokens = tokens
        self._grants = grants
        self._reads = reads
        self._mint = mint
        self._policy = policy

    async def judge(self, client: Client, parameters: Mapping[str, str], event: Event, binding: Binding) -> Issuance:
        """What the code would give, without spending it; a code presented wrongly is burnt. `event` is the journal line of
        this request, to be completed."""
        for name in ("code", "redirect_uri"):
            if name not in parameters:
                raise TokenProblem("invalid_request", f"{name} is missing.")
        presented = parameters["code"]
        found = await self._grants.find_code(presented, event.at) if len(presented) <= _CODE_LIMIT else None
        if found is None:
            raise _invalid_grant()
        code, state = found
        if wrong := _wrong(code, client, parameters, binding):
            await self._burn(presented, completed(_about(event, code), reason=wrong))
        if state is CodeState.SPENT:
            await self._burn(presented, completed(_about(event, code), name="token.code_replayed"))
        return await self._issuance(code, client, event.at, binding)

    async def consume(self, issuance: Issuance, parameters: Mapping[str, str], event: Event, answer: bytes) -> bytes:
        """Spends the code and creates the grant in one step of the store. Raises TokenProblem when another came first."""
        grant = issuance.grant
        event = completed(
            event,
            actor=grant.account_id,
            acr=grant.acr,
            structure=grant.structure,
            session=grant.session_handle_digest,
            details={"grant_id": grant.id, "jti": issuance.jti, "scope": " ".join(grant.scope)},
        )
        redemption = await self._grants.redeem_code(
            parameters["code"],
            grant,
            event.at,
            if_redeemed=because(event),
            if_replayed=_refused(completed(event, name="token.code_replayed", details={"grant_id": grant.id})),
            refresh=issuance.refresh,
        )
        if redemption is not Redemption.REDEEMED:
            raise _invalid_grant(journaled=redemption is Redemption.REPLAYED)
        return answer

    async def _burn(self, presented: str, event: Event) -> None:
        await self._grants.burn_code(presented, event.at, _refused(event))
        raise _invalid_grant(journaled=True)

    async def _issuance(self, code: AuthorizationCode, client: Client, now: float, binding: Binding) -> Issuance:
        read = await self._reads.person_and_rights(
            code.account_id, client, scope=code.scope, acr=code.acr, structure=code.structure, now=now
        )
        if read is None:
            raise _invalid_grant()
        person, rights = read
        asked = (code.claims_request or {}).get("id_token", ())
        token, state, lives_until = None, None, now + self._policy.access_token_ttl_seconds
        if client.refresh_tokens:
            lives_until = max(lives_until, code.session_ends_at)
        grant = _grant(code, lives_until, binding)
        if client.refresh_tokens:
            token, state = self._tokens.make(grant, 0, now)
        return Issuance(
            grant=grant,
            client=client,
            scope=code.scope,
            jti=self._mint.new_jti(code.grant_id),
            now=now,
            nonce=code.nonce,
            identity=identity_claims(person, code.scope, Place.ID_TOKEN, asked=asked, allowed=client.scopes),
            rights=rights,
            refresh_token=token,
            refresh=state,
            binding=binding,
        )


def _wrong(code: AuthorizationCode, client: Client, parameters: Mapping[str, str], binding: Binding) -> str | None:
    if code.client_id != client.client_id:
        return "other_client"
    if code.redirect_uri != parameters["redirect_uri"]:
        return "redirect_uri"
    if not proves(parameters.get("code_verifier"), code.code_challenge):
        return "code_verifier"
    if code.dpop_jkt not in {None, binding.jkt}:  # RFC 9449 §10
        return "dpop_jkt"
    return None


def _grant(code: AuthorizationCode, expires_at: float, binding: Binding) -> Grant:
    return Grant(
        id=code.grant_id,
        account_id=code.account_id,
        session_handle_digest=code.session_handle_digest,
        sid=code.sid,
        client_id=code.client_id,
        scope=code.scope,
        structure=code.structure,
        auth_time=code.auth_time,
        acr=code.acr,
        amr=code.amr,
        expires_at=expires_at,
        bound_to=binding.name,
        claims_request=code.claims_request,
        session_idle_at=code.session_idle_at,
        session_ends_at=code.session_ends_at,
    )


def _about(event: Event, code: AuthorizationCode) -> Event:
    return completed(event, actor=code.account_id, name="token.refused", details={"grant_id": code.grant_id})


def _refused(event: Event) -> Effects:
    return because(completed(event, outcome=Outcome.REFUSED))


def _invalid_grant(*, journaled: bool = False) -> TokenProblem:
    """One sentence for all: it must not say whether the code ever existed."""
    return TokenProblem("invalid_grant", "The code is not valid for this request.", journaled=journaled)
