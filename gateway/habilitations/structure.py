"""A structure of the ROR: a legal person (EJ), a site (EG), an internal organisation (OI) or a local body."""

from dataclasses import dataclass
from enum import StrEnum


class StructureKind(StrEnum):
    EJ = "EJ"
    EG = "EG"
    OI = "OI"
    LOCAL = "LOCAL"


@dataclass(frozen=True, slots=True)
class Structure:
    """`id` is the public identifier: `fineg:` or `finej:` + 9 characters, `siret:` + 14, `idnst:`…, `local:`…"""

    id: str
    kind: StructureKind
    name: str
    finess: str | None = None
    siret: str | None = None
    parent_id: str | None = None
    category: str | None = None
    region: str | None = None
    department: str | None = None
    active: bool = True
