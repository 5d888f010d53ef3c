"""National identifiers of persons, read by their type (§6.1, PSC-R13, DECISIONS 13): never by cutting a string.

The type is the form (a UUID, `ANS…`) or the first digit; the remainder must have that type's shape. The Luhn key is not
looked at: it catches typing errors, and an assertion is not typed. An identifier of no known shape is no identifier: the
abandoned types 2 (DRASS) and 9 (student), whose shape is published nowhere, and 10 (a mail box) are none.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class IdentifierType(StrEnum):
    """Names as in the registry's `origine` where it has one."""

    PSI = "PSI"
    EDIT = "EDIT"
    ADELI = "ADELI"
    CAB_ADELI = "CAB_ADELI"
    FINESS = "FINESS"
    SIREN = "SIREN"
    SIRET = "SIRET"
    CAB_RPPS = "CAB_RPPS"
    RPPS = "RPPS"


_INTERNAL = r"/[!-~]{1,60}"
_FORMS: tuple[tuple[IdentifierType, re.Pattern[str]], ...] = (
    # A UUID may begin with any digit: its form is looked at first.
    (IdentifierType.PSI, re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")),
    (IdentifierType.EDIT, re.compile(r"ANS[0-9]{8,30}")),
    (IdentifierType.ADELI, re.compile(r"0[0-9AB]{9}")),
    (IdentifierType.CAB_ADELI, re.compile(rf"1[0-9AB]{{11}}{_INTERNAL}")),
    (IdentifierType.FINESS, re.compile(rf"3[0-9AB]{{9}}{_INTERNAL}")),
    (IdentifierType.SIREN, re.compile(rf"4[0-9]{{9}}{_INTERNAL}")),
    (IdentifierType.SIRET, re.compile(rf"5[0-9]{{14}}{_INTERNAL}")),
    (IdentifierType.CAB_RPPS, re.compile(rf"6[0-9]{{14}}{_INTERNAL}")),
    (IdentifierType.RPPS, re.compile(r"8[0-9]{11}")),
)
_RPPS = re.compile(r"8(?P<rpps>[0-9]{11})")


@dataclass(frozen=True, slots=True)
class NationalIdentifier:
    """`value` is the whole identifier, kept as it was written (leading zeros, slash)."""

    type: IdentifierType
    value: str

    @property
    def rpps(self) -> str | None:
        """The eleven digits, when this is a personal RPPS and nothing else."""
        match = _RPPS.fullmatch(self.value) if self.type is IdentifierType.RPPS else None
        return match["rpps"] if match else None


def parse_national_identifier(value: str) -> NationalIdentifier | None:
    return next((NationalIdentifier(kind, value) for kind, form in _FORMS if form.fullmatch(value)), None)
