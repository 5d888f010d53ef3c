"""Builds what uvicorn serves: the machine door and the people's door over the same stores (decision record 0001)."""

import asyncio
import gc
import logging
import os
from pathlib import Path
from wsgiref.types import WSGIApplication

from gateway.accounts.hashing_pool import HashingBusyError
from gateway.accounts.password_hash import PasswordHasher
from gateway.app import Application
from gateway.habilitations.live_rights import LiveRights
from gateway.keys.key_ring import KeyRing
from gateway.keys.purposes import Purpose
from gateway.keys.signer import Signer
from gateway.my_account.pages import AccountPages
from gateway.my_account.password import pages as password_change_pages
from gateway.oidc.access_tokens import AccessTokens
from gateway.oidc.authorization import Authorization
from gateway.oidc.authorization_request import Rules
from gateway.oidc.client_assertion import ClientAssertions
from gateway.oidc.client_authentication import ClientAuthentication, SecretSlots
from gateway.oidc.client_certificate import ClientCertificates
from gateway.oidc.client_request import ClientRequests
from gateway.oidc.dpop import DpopProofs
from gateway.oidc.dpop_nonces import DpopNonces
from gateway.oidc.endpoints.answers import BrowserClients, readable_by
from gateway.oidc.endpoints.authorization import authorization_blueprint
from gateway.oidc.endpoints.discovery import discovery_endpoint
from gateway.oidc.endpoints.end_session import EndSession, end_session_blueprint
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
from gateway.settings import Settings, read_settings
from gateway.signin import pages as journey_pages_module
from gateway.signin.assurance import ACR_PWD_DEVICE, ACR_PWD_OTP_SMS, SECOND_STEP_LEVELS
from gateway.signin.demands import LEVEL_OF_STRONG
from gateway.signin.device import pages as device_pages
from gateway.signin.enrolment import pages as enrolment_pages
from gateway.signin.enrolment.access_link import AccessLinks
from gateway.signin.evidence import Means
from gateway.signin.farewell import pages as farewell_pages
from gateway.signin.fresh_proof import FreshProof
from gateway.signin.gate import Gate
from gateway.signin.journey import Journey
from gateway.signin.linking.renewal import Renewal
from gateway.signin.one_time_code import pages as code_pages
from gateway.signin.one_time_code.signin import CodeSignin
from gateway.signin.pages import Door, JourneyPages, Leave, MeansTile, nowhere_to_leave
from gateway.signin.shared_post import pages as shared_post_pages
from gateway.signin.shared_post.post import Posts
from gateway.signin.trusted_device import DeviceSignin
from gateway.storage.ephemeral import EphemeralStoreUnavailableError
from gateway.storage.sql.database import StoreUnavailableError
from gateway.web.machine_door import MachineEndpoint
from gateway.web.shell import Shell, TenantDisplay
from gateway.wiring.authenticators import authenticator_doors
from gateway.wiring.certificates import certificate_proxy
from gateway.wiring.factors import stored_factors
from gateway.wiring.farewell import farewells_of
from gateway.wiring.linking import LinkingParts, linking_parts
from gateway.wiring.my_account import my_account_doors
from gateway.wiring.passwords import new_password, password_doors
from gateway.wiring.people import PeopleFromAccounts, StructuresFromRights
from gateway.wiring.policies import argon2_parameters, password_policy, provider_policy, signin_policy
from gateway.wiring.remembered_people import RememberedPeople
from gateway.wiring.sms import sms_gate
from gateway.wiring.stores import ReviewedConfig, Stores, open_stores, read_idp_config

UNAVAILABLE = (EphemeralStoreUnavailableError, StoreUnavailableError, HashingBusyError)


def application() -> Application:
    """The factory that uvicorn calls in each worker; the settings file is named by PASSERELLE_CONFIG."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = read_settings(Path(os.environ["PASSERELLE_CONFIG"]))
    reviewed = read_idp_config(settings)
    built = build(settings, reviewed, open_stores(settings, node=settings.node))
    # What lives as long as the worker need not be looked through again and again for cycles: requests leave hardly any.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    return built


def build(settings: Settings, reviewed: ReviewedConfig, stores: Stores) -> Application:
    """One application over opened stores."""
    rights = LiveRights(
        accounts=stores.database.accounts,
        habilitations=stores.database.habilitations,
        mapping=lambda: reviewed.mapping,
        scale=reviewed.scale,
        stale_after=settings.values["directory.stale_after"],
    )
    ring = KeyRing(stores.database.signing_keys, clock=stores.clock)
    read = PeopleFromAccounts(stores.database.accounts, rights)
    people = RememberedPeople(read, stores.database.people_mark, rights.version)
    https = settings.issuer.startswith("https:")

    async def stop() -> None:
        await stores.ephemeral.close_async()
        await asyncio.to_thread(stores.ephemeral.close)
        await asyncio.to_thread(stores.database.close)

    machine = _machine_door(settings, reviewed, stores, ring, people)
    return Application(
        machine=machine,
        readable_by=readable_by(machine, BrowserClients(reviewed.clients)),
        pages=_people_door(settings, reviewed, stores, ring, people, rights),
        randomness=stores.randomness,
        hsts=https,
        unavailable=UNAVAILABLE,
        trusted_proxies=settings.trusted_proxies,
        certificate_proxy=certificate_proxy(settings),
        on_stop=stop,
    )


def _machine_door(
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


def _people_door(
    settings: Settings,
    reviewed: ReviewedConfig,
    stores: Stores,
    ring: KeyRing,
    people: RememberedPeople,
    rights: LiveRights,
) -> WSGIApplication:
    database, ephemeral = stores.database, stores.ephemeral
    clock, randomness = stores.clock, stores.randomness
    keys, scale, clients = database.purpose_keys, reviewed.scale, reviewed.clients
    policy = signin_policy(settings)
    shell = _shell(settings, reviewed, stores)
    hasher = PasswordHasher(keys.get(Purpose.PASSWORD_PEPPER), randomness, argon2_parameters(settings.values))
    passwords = password_policy(settings, reviewed, database.habilitations)
    throttle_key = keys.get(Purpose.THROTTLE)
    factors = stored_factors(database, policy)
    gate = Gate(
        sessions=ephemeral.sessions,
        accounts=database.accounts,
        factors=factors,
        scale=scale,
        policy=policy,
        clock=clock,
    )
    journey = Journey(
        transactions=ephemeral.transactions,
        sessions=ephemeral.sessions,
        accounts=database.accounts,
        identities=database.identities,
        devices=database.devices,
        factors=factors,
        structures=StructuresFromRights(clients, rights),
        scale=scale,
        policy=policy,
        clock=clock,
        randomness=randomness,
    )
    tiles = [_tile(kind) for kind in ("psc", "card", "passkey") if kind in settings.means]
    fresh_proof = FreshProof(journey=journey, gate=gate, policy=policy, clock=clock)
    shared = JourneyPages(
        shell=shell, journey=journey, gate=gate, clients=clients, means=tiles, may_enrol=fresh_proof.stands
    )
    if settings.unattended is not None:
        # Of the demo alone: loaded nowhere else.
        from gateway.wiring.unattended import unattended_pages  # noqa: PLC0415

        shared = unattended_pages(settings, stores, shell=shell, journey=journey, gate=gate, clients=clients)
    leave: Leave = nowhere_to_leave
    parts = linking_parts(settings, scale, stores)
    pages: list[Door] = [parts.disputes_door(shared)]
    if not {"psc", "card"}.isdisjoint(settings.means):
        pages.append(parts.door(shared))
        doors, leave = _identity_doors(settings, reviewed, stores, shared, parts)
        pages += doors
    farewells = farewells_of(clients, stores)
    way_out = farewell_pages.leaving(shell, farewells, leave)
    pages += [
        journey_pages_module.pages(shared, database.accounts, way_out),
        farewell_pages.pages(shared, farewells),
        shared_post_pages.pages(shared, database.accounts, idle_seconds=policy.session_idle_shared_seconds),
    ]
    by_password = "password" in settings.means
    account_pages = AccountPages(journey_pages=shared, accounts=database.accounts, fresh_proof=fresh_proof, clock=clock)
    renewal = Renewal(transactions=ephemeral.transactions, seal=parts.seal, randomness=randomness)
    if "passkey" in settings.means:
        # Off unless switched on, and its library is not small.
        from gateway.wiring.passkeys import passkey_parts  # noqa: PLC0415

        passkeys = passkey_parts(settings, reviewed, stores, journey=journey, renewal=renewal, policy=policy)
        pages += passkeys.doors(shared, account_pages)
    if by_password:
        renewed = new_password(
            stores, journey=journey, fresh_proof=fresh_proof, hasher=hasher, passwords=passwords, policy=policy
        )
        codes = CodeSignin(
            renewal=renewal,
            transactions=ephemeral.transactions,
            codes=ephemeral.one_time_codes,
            accounts=database.accounts,
            devices=database.devices,
            factors=factors,
            failures=database.code_failures,
            throttle=ephemeral.throttle,
            spool=ephemeral.spool,
            scale=scale,
            code_key=keys.get(Purpose.ONE_TIME_CODE),
            throttle_key=throttle_key,
            policy=policy,
            clock=clock,
            randomness=randomness,
            sms=sms_gate(settings, stores),
        )
        devices = DeviceSignin(
            transactions=ephemeral.transactions,
            accounts=database.accounts,
            devices=database.devices,
            factors=factors,
            scale=scale,
            policy=policy,
            origin=settings.issuer,
            clock=clock,
            randomness=randomness,
        )
        trust_days = (policy.otp_interval_seconds or 0) // 86400
        pages += [
            *password_doors(settings, stores, shared, renewal=renewal, renewed=renewed, hasher=hasher, policy=policy),
            password_change_pages.pages(account_pages, renewed, min_length=settings.values["pwd.min_length"]),
            code_pages.pages(shared, codes, trust_days=trust_days),
            device_pages.pages(shared, devices),
            *authenticator_doors(shared, account_pages, stores, scale=scale, policy=policy, renewal=renewal),
        ]
    links = AccessLinks(
        accounts=database.accounts,
        links=database.links,
        sessions=ephemeral.sessions,
        throttle=ephemeral.throttle,
        spool=ephemeral.spool,
        hasher=hasher,
        passwords=passwords,
        throttle_key=throttle_key,
        policy=policy,
        clock=clock,
    )
    min_length = settings.values["pwd.min_length"]
    pages += [enrolment_pages.pages(shared, links, min_length=min_length, by_password=by_password)]
    signer = Signer(ring)
    subjects = Subjects(keys.get(Purpose.PAIRWISE_SUBJECT))
    authorization = Authorization(
        rules=Rules(clients=clients, signer=signer, scale=scale, issuer=settings.issuer),
        gate=gate,
        journey=journey,
        codes=ephemeral.codes,
        pushed=ephemeral.pushed_requests,
        people=people,
        notes=ephemeral.spool,
        policy=provider_policy(settings),
        subjects=subjects,
        clock=clock,
        randomness=randomness,
    )
    end_session = EndSession(
        issuer=settings.issuer,
        clients=clients,
        signer=signer,
        subjects=subjects,
        gate=gate,
        notes=ephemeral.spool,
        clock=clock,
        shell=shell,
        farewells=farewells,
        leave=leave,
    )
    pages += [
        authorization_blueprint(authorization, shell),
        end_session_blueprint(end_session, shell),
        *my_account_doors(settings, reviewed, stores, account_pages, gate),
    ]
    return shell.door(pages)


def _identity_doors(
    settings: Settings, reviewed: ReviewedConfig, stores: Stores, shared: JourneyPages, parts: LinkingParts
) -> tuple[list[Door], Leave]:
    """Pro Santé Connect and the card: what they need (an HTTP client, for one) is loaded for those who use them."""
    doors: list[Door] = []
    leave: Leave = nowhere_to_leave
    if reviewed.psc is not None:
        from gateway.wiring.psc import psc_doors  # noqa: PLC0415

        psc_door, leave = psc_doors(settings, reviewed.psc, stores, shared, parts)
        doors.append(psc_door)
    if reviewed.card is not None:
        from gateway.wiring.card import card_doors  # noqa: PLC0415

        doors += card_doors(settings, reviewed.card, stores, shared, parts)
    return doors, leave


def _tile(kind: str) -> MeansTile:
    return MeansTile(kind, lambda handle: f"/signin/{handle}/{kind}", f"/activation/{kind}")


def _shell(settings: Settings, reviewed: ReviewedConfig, stores: Stores) -> Shell:
    tenant = reviewed.tenant
    form_key = stores.database.purpose_keys.get(Purpose.FORM)
    return Shell(
        public_origin=settings.issuer,
        tenant=TenantDisplay(
            service=tenant.name,
            contact_name=tenant.contact_name,
            contact_email=tenant.contact_email,
            contact_phone=tenant.contact_phone,
            contact_hours=tenant.contact_hours,
        ),
        form_mac=lambda message: form_key.mac(Purpose.FORM, message),
        randomness=stores.randomness,
        trusted_proxies=settings.trusted_proxies,
        hsts=settings.issuer.startswith("https:"),
        unavailable=UNAVAILABLE,
        post=Posts(reviewed.networks).of,
    )
