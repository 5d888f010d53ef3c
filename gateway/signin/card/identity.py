"""Who the card's holder is: the one national identifier of the subject, and only an RPPS (SV-11, SV-12, SV-13, §2.3).

Full match of `8` and eleven digits; the UPN, when there is one, must name the same. Names serve display and comparison. Nothing
else of the certificate leaves, but its issuer and serial: for the journal, and for the end of the session (SES-08).
"""

import re
import unicodedata
from dataclasses import dataclass

from gateway.accounts.identity_link import LinkKind
from gateway.signin.card.certificate import UnverifiedCertificate
from gateway.signin.card.refusals import CardOfAnotherType, CardRefused
from gateway.signin.linking.identity import ProvedIdentity

AMR = ("sc", "hwk", "pin", "mfa")
"""Of the contact authentication profile, whose key signs after the code porteur; no other profile comes this far."""
PROFESSION_SYSTEM = "1.2.250.1.71.1.2.7"
MAX_NAME = 100
_RPPS_HOLDER = re.compile(r"8(?P<rpps>[0-9]{11})")


@dataclass(frozen=True, slots=True)
class VerifiedCardAssertion:
    """`issuer` is the authority's name (RFC 4514), `subject` the national identifier, `serial` the certificate's in
    hexadecimal, `profession` the code of TRE_G15 as written. Instants are seconds since the epoch; `expires_at` is the
    certificate's end: no session of ours may outlive it."""

    issuer: str
    subject: str
    rpps: str
    family_name: str
    given_name: str
    card_number: str
    card_type: int
    serial: str
    profession: str | None
    amr: tuple[str, ...]
    proved_at: float
    expires_at: float


def holder(certificate: UnverifiedCertificate) -> tuple[str, str]:
    """(national identifier, RPPS) of a certificate whose signature was verified. Raises CardRefused, CardOfAnotherType."""
    if len(certificate.common_names) != 1:
        raise CardRefused("identity: one CN")
    (name,) = certificate.common_names
    match = _RPPS_HOLDER.fullmatch(name)
    if match is None:
        raise CardOfAnotherType("identity: no RPPS")
    for upn in certificate.upns:
        if upn not in {f"{name}@carte-cps.fr", f"8.{match['rpps']}@carte-cps.fr"}:
            raise CardRefused("identity: UPN")
    return name, match["rpps"]


def display_name(names: tuple[str, ...]) -> str:
    """One name, composed (NFC), in single spaces. Raises CardRefused for several, or for what is no name."""
    if len(names) != 1:
        raise CardRefused("identity: one GN and one SN")
    name = " ".join(unicodedata.normalize("NFC", names[0]).split())
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise CardRefused("identity: name")
    return name


def proved_identity(assertion: VerifiedCardAssertion) -> ProvedIdentity:
    """What linking needs to know, exactly as for Pro Santé Connect."""
    profession = assertion.profession
    return ProvedIdentity(
        kind=LinkKind.CARD,
        issuer=assertion.issuer,
        subject=assertion.subject,
        national_id=assertion.subject,
        rpps=assertion.rpps,
        family_name=assertion.family_name,
        given_name=assertion.given_name,
        profession=None if profession is None else f"{profession}^{PROFESSION_SYSTEM}",
        proved_at=assertion.proved_at,
        expires_at=assertion.expires_at,
        upstream_amr=assertion.amr,
        certificate=assertion.serial,
    )
