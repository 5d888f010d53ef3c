"""The pinned authorities, read once at start: a wrong file, fingerprint, hierarchy or list address stops the gateway (SV-15).

What an authority is (its range, persons or organisations, test or not) is read in its own certificate, whose SHA-256 the
reviewed file names; a label in that file cannot make a card's authority out of another one (SV-04).
"""

import logging
import re
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from gateway.settings import ConfigurationError
from gateway.signin.card.environment import Anchor, CardEnvironment

_log = logging.getLogger("gateway.card")
_CARDS = re.compile(r"(?:TEST )?AC IGC-SANTE (?P<range>FORT|STANDARD) PERSONNES")
_TEST_UNIT = "IGC-SANTE TEST"
_MAX_FILE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Authority:
    """`fingerprint` is SHA-256, lower-case; `range` is "" when it issues no cards; `parent` is its pinned root."""

    name: str
    fingerprint: str
    range: str
    certificate: x509.Certificate = field(repr=False, compare=False)
    anchor: Anchor = field(repr=False, compare=False)
    parent: "Authority | None" = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class CardTrust:
    """`issuing` are all pinned issuing authorities, accepted or only recognised; `watched` those whose lists are needed."""

    issuing: tuple[Authority, ...]
    watched: tuple[Authority, ...]


def read_trust(environment: CardEnvironment, folder: Path) -> CardTrust:
    """Raises ConfigurationError."""
    read = [_authority(anchor, folder) for anchor in environment.anchors]
    for authority in read:
        _refuse_the_other_hierarchy(authority, environment)
    roots = [authority for authority in read if authority.anchor.role == "root"]
    issuing = tuple(_under_its_root(authority, roots) for authority in read if authority.anchor.role == "issuing")
    accepted = [authority for authority in issuing if authority.range in environment.accepted_ranges]
    for wanted in environment.accepted_ranges:
        if not any(authority.range == wanted for authority in accepted):
            raise ConfigurationError(f"anchors: no authority issues cards of the accepted range `{wanted}`")
    watched = {
        authority.fingerprint: authority for issuer in accepted for authority in (issuer, issuer.parent) if authority
    }
    for authority in watched.values():
        if not authority.anchor.has_list:
            raise ConfigurationError(f"{authority.anchor.file}: no revocation list; give `crl_url` or `crl`")
    if environment.is_production and not environment.policy_oids:
        _log.warning("card.yaml: policy_oids is empty: the policy of cards' certificates is not checked")
    return CardTrust(issuing, tuple(watched.values()))


def _authority(anchor: Anchor, folder: Path) -> Authority:
    file = folder / anchor.file
    try:
        with file.open("rb") as opened:
            octets = opened.read(_MAX_FILE)
    except OSError as error:
        raise ConfigurationError(f"{file}: the authority's certificate cannot be read ({error.strerror})") from None
    try:
        pem = octets.lstrip().startswith(b"-----BEGIN")
        certificate = x509.load_pem_x509_certificate(octets) if pem else x509.load_der_x509_certificate(octets)
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        if fingerprint != anchor.sha256.lower():
            raise ConfigurationError(
                f"{file}: this is not the pinned certificate, its SHA-256 is {fingerprint.upper()}"
            )
        _refuse_unless_authority(certificate, file)
        (name,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        raise ConfigurationError(f"{file}: is not the certificate of an authority") from None
    cards = _CARDS.fullmatch(str(name.value))
    held = cards["range"].lower() if cards else ""
    return Authority(certificate.subject.rfc4514_string(), fingerprint, held, certificate, anchor)


def _refuse_unless_authority(certificate: x509.Certificate, file: Path) -> None:
    extensions = certificate.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    constraints = extensions.get_extension_for_class(x509.BasicConstraints).value
    if not (constraints.ca and usage.key_cert_sign and usage.crl_sign):
        raise ConfigurationError(f"{file}: may not sign certificates and revocation lists")


def _refuse_the_other_hierarchy(authority: Authority, environment: CardEnvironment) -> None:
    units = authority.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    is_test = _TEST_UNIT in [unit.value for unit in units]
    if is_test and environment.is_production:
        raise ConfigurationError(f"{authority.anchor.file}: an authority of the test hierarchy, in production")
    if not is_test and not environment.is_production:
        raise ConfigurationError(
            f"{authority.anchor.file}: a production authority in the environment `{environment.name}`"
        )


def _under_its_root(authority: Authority, roots: list[Authority]) -> Authority:
    for root in roots:
        try:
            authority.certificate.verify_directly_issued_by(root.certificate)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return Authority(
            authority.name, authority.fingerprint, authority.range, authority.certificate, authority.anchor, root
        )
    raise ConfigurationError(f"{authority.anchor.file}: no pinned root has issued this authority")
