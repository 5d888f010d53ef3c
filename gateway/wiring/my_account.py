"""Builds the pages of « Mon compte » that stand for every means; those of one means are built with it."""

from gateway.habilitations.own_habilitations import OwnHabilitations
from gateway.keys.purposes import Purpose
from gateway.my_account.contacts import pages as contacts_pages
from gateway.my_account.identities import pages as identities_pages
from gateway.my_account.overview import pages as overview_pages
from gateway.my_account.own_data import pages as own_data_pages
from gateway.my_account.pages import AccountPages
from gateway.my_account.reported_message import pages as reported_message_pages
from gateway.my_account.rights import pages as rights_pages
from gateway.my_account.sessions import pages as sessions_pages
from gateway.settings import Settings
from gateway.signin.gate import Gate
from gateway.signin.linking.unlink import LinkedIdentities
from gateway.signin.one_time_code.sending import CodeSending
from gateway.signin.own_contacts import OwnContacts
from gateway.signin.own_devices import OwnDevices
from gateway.signin.own_sessions import OwnSessions
from gateway.signin.pages import Door
from gateway.signin.reported_message import ReportedMessages
from gateway.signin.throttle import ThrottleKeys
from gateway.wiring.colleagues import teams_of
from gateway.wiring.phone_countries import sms_countries
from gateway.wiring.policies import signin_policy
from gateway.wiring.sms import sms_gate
from gateway.wiring.stores import ReviewedConfig, Stores

_BETTER_THAN_SMS = ("passkeys", "authentificateurs")
"""Where somebody who wants text messages finds something better (SMS-09)."""


def my_account_doors(
    settings: Settings, reviewed: ReviewedConfig, stores: Stores, account_pages: AccountPages, gate: Gate
) -> list[Door]:
    database, ephemeral, clock = stores.database, stores.ephemeral, stores.clock
    policy = signin_policy(settings)
    identities = LinkedIdentities(
        identities=database.identities, passkeys=database.passkeys, sessions=ephemeral.sessions, clock=clock
    )
    habilitations = OwnHabilitations(
        accounts=database.accounts,
        habilitations=database.habilitations,
        mapping=lambda: reviewed.mapping,
        stale_after=settings.values["directory.stale_after"],
    )
    own_sessions = OwnSessions(sessions=ephemeral.sessions, clock=clock)
    own_devices = OwnDevices(devices=database.devices, clock=clock)
    throttle_key = database.purpose_keys.get(Purpose.THROTTLE)
    code_key = database.purpose_keys.get(Purpose.ONE_TIME_CODE)
    sms = sms_gate(settings, stores)
    contacts = OwnContacts(
        accounts=database.accounts,
        changes=database.contact_changes,
        links=database.links,
        codes=ephemeral.one_time_codes,
        sending=CodeSending(
            throttle=ephemeral.throttle,
            code_key=code_key,
            throttle_key=throttle_key,
            policy=policy,
            randomness=stores.randomness,
            sms=sms,
        ),
        sessions=ephemeral.sessions,
        throttle=ephemeral.throttle,
        spool=ephemeral.spool,
        sms=sms,
        code_key=code_key,
        link_key=database.purpose_keys.get(Purpose.LINK),
        throttle_key=throttle_key,
        policy=policy,
        clock=clock,
        randomness=stores.randomness,
        countries=sms_countries(settings) if settings.sms is not None else frozenset(),
        fiction=settings.profile == "demo",
    )
    rooms = _rooms(settings)
    reports = ReportedMessages(
        spool=ephemeral.spool, throttle=ephemeral.throttle, throttle_keys=ThrottleKeys(throttle_key), clock=clock
    )
    return [
        overview_pages.pages(account_pages, identities, rooms, teams_of(settings, reviewed, stores).led_by),
        contacts_pages.pages(account_pages, contacts, better=[room for room in rooms if room in _BETTER_THAN_SMS]),
        reported_message_pages.pages(account_pages, reports, by_password="password" in settings.means),
        sessions_pages.pages(account_pages, own_sessions, own_devices, gate, reviewed.clients),
        identities_pages.pages(account_pages, identities),
        rights_pages.pages(account_pages, habilitations),
        own_data_pages.pages(
            account_pages,
            journal=database.own_journal,
            clients=reviewed.clients,
            devices=database.devices,
            identities=database.identities,
            habilitations=habilitations,
        ),
    ]


def _rooms(settings: Settings) -> list[str]:
    """What this deployment has, in the order in which it is shown."""
    by_password = ["mot-de-passe", "authentificateurs"] if "password" in settings.means else []
    by_passkey = ["passkeys"] if "passkey" in settings.means else []
    others = ["identites", "sessions", "applications", "habilitations", "journal", "signalement", "donnees"]
    return ["contacts", *by_password, *by_passkey, *others]
