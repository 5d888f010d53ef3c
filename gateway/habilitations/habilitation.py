"""A habilitation: one person, one structure, one role, two years at most, never given to oneself (ADM-01, ADM-05)."""

import datetime
from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    MANUAL = "manual"
    ROR = "ror"
    PROFESSION = "profession"


class HabilitationState(StrEnum):
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Habilitation:
    """`role_label` is the source's exact label. `granted_by` is an account id, or None for a source. Dates are civil
    dates in Paris, both included; `seen_at` is when the source last said it (seconds since the epoch)."""

    id: str
    account_id: str
    structure_id: str
    role_label: str
    start_on: datetime.date
    end_on: datetime.date
    state: HabilitationState
    origin: Origin
    granted_by: str | None = None
    source: str | None = None
    seen_at: float | None = None
