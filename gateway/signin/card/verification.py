"""The verification of a card's answer: one ordered list of checks, each with its own reason (SV-03 to SV-13, BRG-08, BRG-09).

CHECKS is the whole of it. A certificate is judged before its signature over our value, and nobody is named before both. The
chain is one link long: the issuing authorities are pinned, and were judged at start.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.signin.card.assertion import UnverifiedAssertion
from gateway.signin.card.certificate import UnverifiedCertificate, read_certificate
from gateway.signin.card.environment import CardEnvironment
from gateway.signin.card.identity import AMR, VerifiedCardAssertion, display_name, holder
from gateway.signin.card.refusals import CardOfAnotherType, CardRefused
from gateway.signin.card.revocation import SIGNATURES, RevocationLists
from gateway.signin.card.signed_value import signed_value
from gateway.signin.card.trust import Authority, CardTrust

MIN_RSA_BITS, MAX_RSA_BITS, EXPONENT = 2048, 4096, 65537
PRODUCTION_CARD, TEST_CARD = 0x00, 0x80
_CARD_NUMBER = re.compile(r"8025000001/[0-9]{10}")
_PADDING, _HASH = padding.PKCS1v15(), hashes.SHA256()


@dataclass(frozen=True, slots=True)
class Expected:
    """What the answer is compared with: our own origin, the nonce and the purpose that were stored."""

    origin: str
    nonce_digest: bytes
    purpose: str
    now: float


@dataclass(frozen=True, slots=True)
class Examined:
    """`issuer` is known once the chain was verified; `signature` is the card's over our value."""

    certificate: UnverifiedCertificate
    issuer: Authority
    signature: bytes = field(repr=False)
    expected: Expected
    environment: CardEnvironment
    lists: RevocationLists


class CardVerifier:
    def __init__(self, environment: CardEnvironment, trust: CardTrust, lists: RevocationLists) -> None:
        self._environment = environment
        self._trust = trust
        self._lists = lists

    def verify(self, unverified: UnverifiedAssertion, *, expected: Expected) -> VerifiedCardAssertion:
        """Raises CardRefused, CardOfAnotherType or CardUnverifiable."""
        certificate = read_certificate(unverified.certificate)
        key_is_strong(certificate)
        serial_is_a_number(certificate)
        issuer = issuing_authority(certificate, self._trust)
        examined = Examined(certificate, issuer, unverified.signature, expected, self._environment, self._lists)
        try:
            for check in CHECKS:
                check(examined)
            return _assertion(examined)
        except CardRefused as refusal:
            refusal.certificate = (issuer.name, serial_of(certificate))
            raise


def key_is_strong(certificate: UnverifiedCertificate) -> None:
    if not MIN_RSA_BITS <= certificate.key.key_size <= MAX_RSA_BITS:
        raise CardRefused("certificate: RSA size")
    if certificate.key.public_numbers().e != EXPONENT:
        raise CardRefused("certificate: RSA exponent")


def serial_is_a_number(certificate: UnverifiedCertificate) -> None:
    """Positive (RFC 5280 §4.1.2.2): another could be no entry of a list."""
    if certificate.serial <= 0:
        raise CardRefused("certificate: serial")


def issuing_authority(certificate: UnverifiedCertificate, trust: CardTrust) -> Authority:
    """The pinned authority that signed this certificate; a name alone is nothing."""
    if certificate.signature_algorithm not in SIGNATURES:
        raise CardRefused("chain: algorithm")
    for authority in trust.issuing:
        if certificate.issuer != authority.certificate.subject:
            continue
        try:
            certificate.certificate.verify_directly_issued_by(authority.certificate)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            continue
        return authority
    raise CardRefused("chain: not from a pinned authority")


def range_is_accepted(examined: Examined) -> None:
    """Another authority of cards makes a card of another type; one that issues no cards is refused (SV-04)."""
    if not examined.issuer.range:
        raise CardRefused("chain: an authority that issues no cards")
    if examined.issuer.range not in examined.environment.accepted_ranges:
        raise CardOfAnotherType("chain: range")


def certificate_is_valid_now(examined: Examined) -> None:
    if not examined.certificate.not_before <= examined.expected.now <= examined.certificate.not_after:
        raise CardRefused("validity: certificate")


def authorities_are_valid_now(examined: Examined) -> None:
    for authority in (examined.issuer, examined.issuer.parent):
        if authority is None:
            raise CardRefused("validity: no root")
        begin = authority.certificate.not_valid_before_utc.timestamp()
        end = authority.certificate.not_valid_after_utc.timestamp()
        if not begin <= examined.expected.now <= end:
            raise CardRefused("validity: authority")


def key_is_for_authentication(examined: Examined) -> None:
    """A signature key says nonRepudiation; it never signs in (SV-06)."""
    if "digital_signature" not in examined.certificate.usages:
        raise CardRefused("usage: no digitalSignature")
    if "content_commitment" in examined.certificate.usages:
        raise CardRefused("usage: nonRepudiation")


def key_is_for_client_authentication(examined: Examined) -> None:
    if ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string not in examined.certificate.extended_usages:
        raise CardRefused("usage: no clientAuth")


def certificate_is_no_authority(examined: Examined) -> None:
    if examined.certificate.is_authority or "key_cert_sign" in examined.certificate.usages:
        raise CardRefused("usage: an authority")


def nothing_critical_is_unknown(examined: Examined) -> None:
    if examined.certificate.not_understood:
        raise CardRefused("certificate: critical extension")


def policy_is_accepted(examined: Examined) -> None:
    accepted = examined.environment.policy_oids
    if accepted and not examined.certificate.policies & set(accepted):
        raise CardRefused("policy: not accepted")
    if examined.certificate.policies & set(examined.environment.refused_policy_oids):
        raise CardRefused("policy: refused")


def profile_is_not_technical(examined: Examined) -> None:
    """The contactless key signs without a code: its certificate is no proof of a person (SV-07, BRG-14)."""
    logon = ExtendedKeyUsageOID.SMARTCARD_LOGON.dotted_string
    if examined.environment.smartcard_logon and logon not in examined.certificate.extended_usages:
        raise CardRefused("profile: technical")


def category_is_of_this_world(examined: Examined) -> None:
    """A card of tests in production, a card of production in a test, a module or a file anywhere: refused (SV-04, SV-08)."""
    wanted = PRODUCTION_CARD if examined.environment.is_production else TEST_CARD
    if examined.certificate.category != wanted:
        raise CardRefused("card: category")


def type_is_accepted(examined: Examined) -> None:
    if examined.certificate.card_type is None:
        raise CardRefused("card: no type")
    if examined.certificate.card_type not in examined.environment.accepted_card_types:
        raise CardOfAnotherType("card: type")


def card_has_its_number(examined: Examined) -> None:
    if _CARD_NUMBER.fullmatch(examined.certificate.card_number or "") is None:
        raise CardRefused("card: number")


def nothing_is_revoked(examined: Examined) -> None:
    examined.lists.refuse_revoked(examined.certificate.serial, examined.issuer, examined.expected.now)


def signature_is_over_our_value(examined: Examined) -> None:
    """RS256 and nothing else, whatever the answer says (SV-10)."""
    expected = examined.expected
    value = signed_value(origin=expected.origin, nonce_digest=expected.nonce_digest, purpose=expected.purpose)
    try:
        examined.certificate.key.verify(examined.signature, value, _PADDING, _HASH)
    except InvalidSignature:
        raise CardRefused("signature") from None


CHECKS: Sequence[Callable[[Examined], None]] = (
    range_is_accepted,
    certificate_is_valid_now,
    authorities_are_valid_now,
    key_is_for_authentication,
    key_is_for_client_authentication,
    certificate_is_no_authority,
    nothing_critical_is_unknown,
    policy_is_accepted,
    profile_is_not_technical,
    category_is_of_this_world,
    type_is_accepted,
    card_has_its_number,
    nothing_is_revoked,
    signature_is_over_our_value,
)


def serial_of(certificate: UnverifiedCertificate) -> str:
    return f"{certificate.serial:x}"


def _assertion(examined: Examined) -> VerifiedCardAssertion:
    certificate = examined.certificate
    subject, rpps = holder(certificate)
    if certificate.card_type is None or certificate.card_number is None:
        raise CardRefused("card: no type or number")
    return VerifiedCardAssertion(
        issuer=examined.issuer.name,
        subject=subject,
        rpps=rpps,
        family_name=display_name(certificate.family_names),
        given_name=display_name(certificate.given_names),
        card_number=certificate.card_number.partition("/")[2],
        card_type=certificate.card_type,
        serial=serial_of(certificate),
        profession=None if certificate.profession is None else str(certificate.profession),
        amr=AMR,
        proved_at=examined.expected.now,
        expires_at=certificate.not_after,
    )
