"""The people and things that these tests store. Nobody exists; the RPPS begin with 999."""

import datetime
from typing import Any

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.trusted_device import TrustedDevice
from gateway.habilitations.habilitation import Habilitation, HabilitationState, Origin
from gateway.habilitations.structure import Structure, StructureKind
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Event, Outcome
from gateway.storage.sql import Database

NOW = 1_800_000_000.25


def an_account(number: int = 1, **changes: Any) -> Account:
    said: dict[str, Any] = {
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "username": f"agent-{number}",
        "family_name": "Fauxnom",
        "given_name": "Prénoma",
        "email": f"prenoma.fauxnom{number}@exemple.invalid",
        "status": AccountStatus.ACTIVE,
        "created_at": NOW,
    }
    return Account(**(said | changes))


def a_link(account: Account, name: str = "link-1", **changes: Any) -> OneTimeLink:
    said: dict[str, Any] = {
        "id": name,
        "account_id": account.id,
        "purpose": LinkPurpose.RESET,
        "token_digest": name.encode().ljust(32, b"."),
        "contact_version": account.contact_version,
        "issued_at": NOW,
        "expires_at": NOW + 900,
    }
    return OneTimeLink(**(said | changes))


def a_device(account: Account, name: str = "device-1", **changes: Any) -> TrustedDevice:
    said: dict[str, Any] = {
        "id": name,
        "account_id": account.id,
        "public_key": b"\x04" + bytes(64),
        "label": "Firefox sur Linux",
        "proved_at": NOW,
        "created_at": NOW,
        "last_used_at": NOW,
    }
    return TrustedDevice(**(said | changes))


def a_structure(number: int = 1, **changes: Any) -> Structure:
    finess = ("990000002", "990000010", "990000028")[number - 1]
    said: dict[str, Any] = {
        "id": f"fineg:{finess}",
        "kind": StructureKind.EG,
        "name": f"Maison fictive {number}",
        "finess": finess,
        "region": "93",
    }
    return Structure(**(said | changes))


def a_habilitation(account: Account, structure: Structure, name: str = "hab-1", **changes: Any) -> Habilitation:
    said: dict[str, Any] = {
        "id": name,
        "account_id": account.id,
        "structure_id": structure.id,
        "role_label": "IAM - MSPH - Consultation",
        "start_on": datetime.date(2026, 1, 1),
        "end_on": datetime.date(2027, 12, 31),
        "state": HabilitationState.ACTIVE,
        "origin": Origin.ROR,
        "source": "ror-93",
        "seen_at": NOW,
    }
    return Habilitation(**(said | changes))


def told(name: str = "admin.command", at: float = 1000.0, *, outgoing: tuple[Outgoing, ...] = ()) -> Effects:
    """Effects with one journal line."""
    return because(Event(name, Outcome.SUCCESS, at), outgoing=outgoing)


def lines(database: Database) -> list[str]:
    return [event.name for _, event in database.journal.read()]
