"""People, structures and stores for the tests of the habilitations: small, in memory, without any rule of their own."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.accounts.account import Account, AccountStatus
from gateway.clock import PARIS
from gateway.habilitations.habilitation import Habilitation, HabilitationState, Origin
from gateway.habilitations.mapping_file import read_mapping
from gateway.habilitations.ports import RoleRecord
from gateway.habilitations.structure import Structure, StructureKind
from gateway.journal.effects import Effects
from gateway.journal.events import Event

REPOSITORY = Path(__file__).resolve().parents[3]
MAPPING = read_mapping(REPOSITORY / "idp_config" / "roles.yaml")

REFERENT = "IAM - MSPH - Référent ESMS (IAM)"
NOTIFICATIONS = "IAM - MSPH - ESMS - Gestion des notif. (Nominatif) (IAM)"
NAMED = "IAM - MSPH - ESMS - Consulter les tdb (Nominatif) (IAM)"
ANONYMOUS = "IAM - MSPH - ESMS - Consulter les tdb (Anonyme) (IAM)"
STATISTICS = "IAM - MSPH - Statistiques ESMS (IAM)"

TODAY = datetime.date(2026, 3, 10)
HOUR = 3600.0

EJ = Structure("finej:990000002", StructureKind.EJ, "Association", finess="990000002", region="93")
ESAT = Structure(
    "fineg:990000010", StructureKind.EG, "ESAT", finess="990000010", parent_id=EJ.id, category="246", region="93"
)
FOYER = Structure(
    "fineg:990000028", StructureKind.EG, "Foyer", finess="990000028", parent_id=EJ.id, category="382", region="93"
)
NADIA = Account(
    id="nadia",
    username="n.benali",
    family_name="Benali",
    given_name="Nadia",
    email="nadia.benali@demo.passerelle.test",
    status=AccountStatus.ACTIVE,
    created_at=0.0,
    rpps="99900000011",
    profession="60^1.2.250.1.71.1.2.7",
)
PAUL = replace(
    NADIA,
    id="paul",
    username="p.girard",
    email="paul.girard@demo.passerelle.test",
    rpps="99900000029",
    phone="+33639980001",
)


def instant(date: datetime.date, hour: int = 12, minute: int = 0, second: int = 0) -> float:
    """That moment in Paris, in seconds since the epoch."""
    return datetime.datetime.combine(date, datetime.time(hour, minute, second), PARIS).timestamp()


NOW = instant(TODAY)


def habilitation(label: str, structure: Structure = ESAT, account: Account = NADIA, **changes: object) -> Habilitation:
    """A manual habilitation of the year around TODAY."""
    plain = Habilitation(
        id=f"{account.id}/{structure.id}/{label}",
        account_id=account.id,
        structure_id=structure.id,
        role_label=label,
        start_on=datetime.date(2025, 9, 1),
        end_on=datetime.date(2026, 8, 31),
        state=HabilitationState.ACTIVE,
        origin=Origin.MANUAL,
        granted_by="someone",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def from_ror(label: str, *, seen_at: float = NOW, **changes: object) -> Habilitation:
    return habilitation(
        label, **{"origin": Origin.ROR, "granted_by": None, "source": "ror", "seen_at": seen_at, **changes}
    )


def record(label: str, *, rpps: str = "99900000011", finess: str = "990000010", **changes: object) -> RoleRecord:
    plain = RoleRecord(("rpps", rpps), ("finess", finess), label, None, None, "ror", NOW)
    return replace(plain, **changes)  # type: ignore[arg-type]


class Scale:
    """Three levels are enough here."""

    order = ("low", "middle", "high")

    def satisfies(self, acr: str, minimum: str) -> bool:
        return acr in self.order and self.order.index(acr) >= self.order.index(minimum)


class Counter:
    """Different bytes at each call."""

    def __init__(self) -> None:
        self.drawn = 0

    def __call__(self, octets: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(octets, "big")


class FixedClock:
    def __init__(self, now: float = NOW) -> None:
        self.at = now

    def now(self) -> float:
        return self.at


class Records:
    def __init__(self, *records: RoleRecord) -> None:
        self._records = records

    def records(self) -> Iterator[RoleRecord]:
        return iter(self._records)


class KnownAccounts:
    """The reading half of the accounts' store."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts = accounts

    def _first(self, field: str, value: str) -> Account | None:
        return next((account for account in self.accounts if getattr(account, field) == value), None)

    def get(self, account_id: str) -> Account | None:
        return self._first("id", account_id)

    def find_by_rpps(self, rpps: str) -> Account | None:
        return self._first("rpps", rpps)

    def find_by_username(self, username: str) -> Account | None:
        return self._first("username", username)

    def find_by_verified_email(self, email: str) -> Account | None:
        found = self._first("email", email)
        return found if found and found.email_verified_at is not None else None


class KnownStructures:
    def __init__(self, *structures: Structure) -> None:
        self.by_id = {structure.id: structure for structure in structures}
        self.events: list[Event] = []

    def get(self, structure_id: str) -> Structure | None:
        return self.by_id.get(structure_id)

    def find_by_finess(self, finess: str) -> Structure | None:
        return next((structure for structure in self.by_id.values() if structure.finess == finess), None)

    def find_by_siret(self, siret: str) -> Structure | None:
        return next((structure for structure in self.by_id.values() if structure.siret == siret), None)

    def put(self, structures: Sequence[Structure], effects: Effects) -> None:
        self.by_id |= {structure.id: structure for structure in structures}
        self.events += effects.events


class KeptHabilitations:
    def __init__(self, structures: KnownStructures, kept: Iterable[Habilitation] = ()) -> None:
        self._structures = structures
        self.kept = {item.id: item for item in kept}
        self.events: list[Event] = []

    def of(self, account_id: str) -> Sequence[tuple[Habilitation, Structure]]:
        return [
            (item, self._structures.by_id[item.structure_id])
            for item in self._running()
            if item.account_id == account_id
        ]

    def from_source(self, source: str) -> Sequence[Habilitation]:
        return [item for item in self._running() if item.source == source]

    def apply(
        self, *, add: Sequence[Habilitation], end: Sequence[str], seen: Sequence[str], seen_at: float, effects: Effects
    ) -> None:
        for name in end:
            self.kept[name] = replace(self.kept[name], state=HabilitationState.ENDED)
        for name in seen:
            self.kept[name] = replace(self.kept[name], seen_at=seen_at)
        self.kept |= {item.id: item for item in add}
        self.events += effects.events

    def _running(self) -> list[Habilitation]:
        return [item for item in self.kept.values() if item.state is HabilitationState.ACTIVE]
