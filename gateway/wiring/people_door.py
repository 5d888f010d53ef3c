"""The people's door: every page, and what each of them needs. Its libraries are loaded with it, once machines are served."""

from wsgiref.types import WSGIApplication

from gateway.accounts.password_hash import PasswordHasher
from gateway.habilitations.live_rights import LiveRights
from gateway.keys.key_ring import KeyRing
from gateway.keys.purposes import Purpose
from gateway.keys.signer import Signer
from gateway.my_account.pages import AccountPages
from gateway.my_account.password import pages as password_change_pages
from gateway.oidc.authorization import Authorization
from gateway.oidc.authorization_request import Rules
from gateway.oidc.endpoints.authorization import authorization_blueprint
from gateway.oidc.endpoints.end_session import EndSession, end_session_blueprint
from gateway.oidc.subjects import Subjects
from gateway.settings import Settings
from gateway.signin import pages as journey_pages_module
from gateway.signin.device import pages as device_pages
from gateway.signin.enrolment import pages as enrolment_pages
from gateway.signin.enrolment.access_link import AccessLinks
from gateway.signin.farewell import pages as farewell_pages
from gateway.signin.fresh_proof import FreshProof
from gateway.signin.gate import Gate
from gateway.signin.journey import Journey
from gateway.signin.known_browsers import KnownBrowsers
from gateway.signin.linking.renewal import Renewal
from gateway.signin.one_time_code import pages as code_pages
from gateway.signin.one_time_code.signin import CodeSignin
from gateway.signin.pages import Door, JourneyPages, Leave, MeansTile, nowhere_to_leave
from gateway.signin.shared_post import pages as shared_post_pages
from gateway.signin.shared_post.post import Posts
from gateway.signin.throttle import ThrottleKeys
from gateway.signin.trusted_device import DeviceSignin
from gateway.web import accessibility
from gateway.web.shell import ACCESSIBILITY, Shell, TenantDisplay
from gateway.wiring.authenticators import authenticator_doors
from gateway.wiring.colleagues import console_door, sheet_parts
from gateway.wiring.factors import stored_factors
from gateway.wiring.farewell import farewells_of
from gateway.wiring.linking import LinkingParts, linking_parts
from gateway.wiring.my_account import my_account_doors
from gateway.wiring.passwords import new_password, password_doors
from gateway.wiring.people import StructuresFromRights
from gateway.wiring.policies import argon2_parameters, password_policy, provider_policy, signin_policy
from gateway.wiring.remembered_people import RememberedPeople
from gateway.wiring.sms import sms_gate
from gateway.wiring.stores import UNAVAILABLE, ReviewedConfig, Stores


def people_door(
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
        browsers=KnownBrowsers(
            key=keys.get(Purpose.KNOWN_BROWSER),
            throttle=ephemeral.throttle,
            throttle_keys=ThrottleKeys(throttle_key),
        ),
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
        accessibility.pages(shell),
        shared_post_pages.pages(shared, database.accounts, idle_seconds=policy.session_idle_shared_seconds),
    ]
    by_password = "password" in settings.means
    account_pages = AccountPages(journey_pages=shared, accounts=database.accounts, fresh_proof=fresh_proof, clock=clock)
    renewal = Renewal(transactions=ephemeral.transactions, seal=parts.seal, randomness=randomness)
    sheets = sheet_parts(stores, hasher=hasher, passwords=passwords, policy=policy)
    pages += [
        sheets.door(shared, settings),
        console_door(settings, reviewed, stores, account_pages, shared, journey=journey, gate=gate, policy=policy),
    ]
    if "passkey" in settings.means:
        # Off unless switched on, and its library is not small.
        from gateway.wiring.passkeys import passkey_parts  # noqa: PLC0415

        passkeys = passkey_parts(settings, reviewed, stores, journey=journey, renewal=renewal, policy=policy)
        pages += passkeys.doors(shared, account_pages, sheets.recovery)
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
            accessibility_url=tenant.accessibility or ACCESSIBILITY,
        ),
        form_mac=lambda message: form_key.mac(Purpose.FORM, message),
        randomness=stores.randomness,
        trusted_proxies=settings.trusted_proxies,
        hsts=settings.issuer.startswith("https:"),
        unavailable=UNAVAILABLE,
        post=Posts(reviewed.networks).of,
    )
