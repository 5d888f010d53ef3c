"""The machine door: endpoints that applications call, by path and method (DECISIONS 17, decision record 0001)."""

import asyncio

from gateway.keys.key_ring import KeyRing
from gateway.keys.purposes import Purpose
from gateway.keys.signer import Signer
from gateway.oidc.access_tokens import AccessTokens
from gateway.oidc.authorization_request import Rules
from gateway.oidc.client_assertion import ClientAssertions
from gateway.oidc.client_authentication import ClientAuthentication, SecretSlots
from gateway.oidc.client_certificate import ClientCertificates
from gateway.oidc.client_request import ClientRequests
from gateway.oidc.dpop import DpopProofs
from gateway.oidc.dpop_nonces import DpopNonces
from gateway.oidc.endpoints.answers import BrowserClients
from gateway.oidc.endpoints.discovery import discovery_endpoint
from gateway.oidc.endpoints.habilitations import habilitations_endpoint
from gateway.oidc.endpoints.introspection import introspection_endpoint
from gateway.oidc.endpoints.jwks import jwks_endpoint
from gateway.oidc.endpoints.pushed_request import pushed_request_endpoint
from gateway.oidc.endpoints.revocation import revocation_endpoint
from gateway.oidc.endpoints.session_activity import SESSION_ACTIVITY, session_activity_endpoint
from gateway.oidc.endpoints.session_watch import SESSION_WATCH, session_watch_endpoint
from gateway.oidc.endpoints.token import token_endpoint
from gateway.oidc.endpoints.userinfo import userinfo_endpoint
from gateway.oidc.grants.authorization_code import AuthorizationCodeGrant
from gateway.oidc.grants.client_credentials import ClientCredentialsGrant
from gateway.oidc.grants.refresh_token import RefreshTokenGrant
from gateway.oidc.grants.token_exchange import NAME as TOKEN_EXCHANGE
from gateway.oidc.grants.token_exchange import TokenExchangeGrant
from gateway.oidc.habilitations import MyHabilitations
from gateway.oidc.introspection import Introspection
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.presented_token import PresentedTokens
from gateway.oidc.pushed_request import PushedAuthorizationRequests
from gateway.oidc.refresh_tokens import RefreshTokens
from gateway.oidc.revocation import Revocation
from gateway.oidc.sender_constraint import SenderConstraints
from gateway.oidc.session_activity import SessionActivity
from gateway.oidc.subjects import Subjects
from gateway.oidc.token_request import TokenRequests
from gateway.oidc.tokens import TokenMint
from gateway.oidc.told_person import ToldPeople
from gateway.oidc.userinfo import Userinfo
from gateway.ops.health import live_endpoint, ready_endpoint
from gateway.settings import Settings
from gateway.signin.assurance import ACR_PWD_DEVICE, ACR_PWD_OTP_SMS, SECOND_STEP_LEVELS
from gateway.signin.demands import LEVEL_OF_STRONG
from gateway.signin.evidence import Means
from gateway.web.machine_door import MachineEndpoint
from gateway.wiring.policies import provider_policy, signin_policy
from gateway.wiring.remembered_people import RememberedPeople
from gateway.wiring.stores import ReviewedConfig, Stores


def machine_door(
    settings: Settings, reviewed: ReviewedConfig, stores: Stores, ring: KeyRing, people: RememberedPeople
) -> dict[str, dict[str, MachineEndpoint]]:
    clock, grants, clients = stores.clock, stores.ephemeral.grants, reviewed.clients
    policy = provider_policy(settings)
    signer = Signer(ring)
    reads = LiveReads(people, ring, asyncio.to_thread, at_once=people)
    subjects = Subjects(stores.database.purpose_keys.get(Purpose.PAIRWISE_SUBJECT))
    mint = TokenMint(signer, policy, subjects, stores.randomness)
    slots = SecretSlots(stores.database.client_secrets, clock=clock, run_blocking=asyncio.to_thread)
    refresh_tokens = RefreshTokens(
        stores.database.purpose_keys.get(Purpose.REFRESH_TOKEN),
        stores.randomness,
        idle_seconds=policy.refresh_idle_seconds,
    )
    used_proofs = stores.ephemeral.used_proofs
    authentication = ClientAuthentication(
        clients,
        slots,
        clock,
        assertions=ClientAssertions(used_proofs, issuer=settings.issuer),
        certificates=ClientCertificates(reviewed.certificate_authorities),
    )
    client_requests = ClientRequests(authentication=authentication, grants=grants, clock=clock)
    nonces = DpopNonces(stores.database.purpose_keys.get(Purpose.DPOP_NONCE))
    constraints = SenderConstraints(DpopProofs(used_proofs, nonces, issuer=settings.issuer))

    def nonce() -> str:
        return nonces.at(clock.now())

    access_tokens = AccessTokens(signer, issuer=settings.issuer)
    requests = TokenRequests(
        client_requests,
        rules={
            "authorization_code": AuthorizationCodeGrant(grants, reads, mint, refresh_tokens, policy),
            "refresh_token": RefreshTokenGrant(grants, reads, mint, refresh_tokens, policy),
            "client_credentials": ClientCredentialsGrant(grants, mint),
            TOKEN_EXCHANGE: TokenExchangeGrant(grants, reads, mint, access_tokens, clients),
        },
        mint=mint,
        constraints=constraints,
    )
    revocation = Revocation(
        client_requests, tokens=access_tokens, refresh_tokens=refresh_tokens, grants=grants, reads=reads
    )
    introspection = Introspection(
        client_requests,
        issuer=settings.issuer,
        signer=signer,
        tokens=access_tokens,
        refresh_tokens=refresh_tokens,
        clients=clients,
        grants=grants,
        reads=reads,
        subjects=subjects,
    )
    pushed_requests = PushedAuthorizationRequests(
        client_requests,
        rules=Rules(clients=clients, signer=signer, scale=reviewed.scale, issuer=settings.issuer),
        reads=reads,
        constraints=constraints,
        pushes=stores.ephemeral.pushes,
        policy=policy,
        clock=clock,
        randomness=stores.randomness,
    )
    presented = PresentedTokens(
        issuer=settings.issuer,
        signer=signer,
        clients=clients,
        reads=reads,
        constraints=constraints,
        scale=reviewed.scale,
    )
    told = ToldPeople(presented, grants=grants, reads=reads, subjects=subjects, clock=clock)
    userinfo = Userinfo(told, signer, issuer=settings.issuer)
    browsers = BrowserClients(clients)
    token = token_endpoint(requests, browsers, nonce)
    push = pushed_request_endpoint(pushed_requests, browsers, nonce)
    tell = userinfo_endpoint(userinfo, browsers, nonce)
    habilitations = habilitations_endpoint(MyHabilitations(told), browsers, nonce)
    stay = session_activity_endpoint(SessionActivity(presented, grants, reads, clock), browsers, nonce)
    revoke = revocation_endpoint(revocation, browsers)
    discovery = discovery_endpoint(
        issuer=settings.issuer, reads=reads, clients=clients, acr_values=_reachable(settings, reviewed)
    )
    checks = {"database": stores.database.check, "ephemeral store": stores.ephemeral.health}
    return {
        "/token": {"POST": token, "OPTIONS": token},
        "/par": {"POST": push, "OPTIONS": push},
        "/userinfo": {"GET": tell, "POST": tell, "OPTIONS": tell},
        "/v1/me/habilitations": {"GET": habilitations, "OPTIONS": habilitations},
        SESSION_ACTIVITY: {"GET": stay, "POST": stay, "OPTIONS": stay},
        "/revoke": {"POST": revoke, "OPTIONS": revoke},
        "/introspect": {"POST": introspection_endpoint(introspection)},
        "/jwks": {"GET": jwks_endpoint(reads)},
        SESSION_WATCH: {"GET": session_watch_endpoint()},
        "/.well-known/openid-configuration": {"GET": discovery},
        "/health": {"GET": ready_endpoint(checks)},
        "/health/live": {"GET": live_endpoint()},
    }


def _reachable(settings: Settings, reviewed: ReviewedConfig) -> list[str]:
    """The levels that a sign-in can end in here (OID-12): each means is switched on, and no password alone opens a session."""
    policy, scale = signin_policy(settings), reviewed.scale
    reachable = set(SECOND_STEP_LEVELS) if Means.PASSWORD in policy.means else set()
    if not policy.sms_available:
        reachable.discard(ACR_PWD_OTP_SMS)
    if policy.otp_interval_seconds is None:
        reachable.discard(ACR_PWD_DEVICE)
    reachable |= {level for means, level in LEVEL_OF_STRONG.items() if means in policy.means}
    if policy.minimum_acr is not None:
        reachable = {level for level in reachable if scale.satisfies(level, policy.minimum_acr)}
    return [level for level in reviewed.acr_values if level in reachable]
