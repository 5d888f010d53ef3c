"""Revocation lists: which are believed, when, and what nobody can do without them (SV-09)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.signin.card.refusals import CardUnverifiable
from gateway.signin.card.revocation import LOOKED_AT_SECONDS, ListRefusedError, read_list
from gateway.signin.card.trust import Authority
from tests.unit.signin.card.cards import NOW, START, Rig, days, igc


def why_unverifiable(rig: Rig, **at: Any) -> str:
    with pytest.raises(CardUnverifiable) as refusal:
        rig.verify(rig.igc.professional(), **at)
    return refusal.value.detail


def watched(rig: Rig, root: bool = False) -> Authority:
    (found,) = [one for one in rig.trust.watched if (one.anchor.role == "root") is root]
    return found


@pytest.mark.spec("SV-09", "BRG-09")
def test_a_revoked_certificate_is_refused_and_its_neighbour_is_not(fresh: Rig) -> None:
    revoked, neighbour = fresh.igc.professional(), fresh.igc.professional()
    assert revoked.certificate.serial_number >> 64 == neighbour.certificate.serial_number >> 64
    fresh.revoke(fresh.igc.fort_personnes, revoked.certificate.serial_number)
    assert fresh.why_refused(revoked) == "revocation: revoked"
    assert fresh.verify(neighbour).rpps == "99900000003"


@pytest.mark.spec("SV-09")
def test_a_revoked_authority_takes_its_cards_with_it(fresh: Rig) -> None:
    fresh.revoke(fresh.igc.root, fresh.igc.fort_personnes.certificate.serial_number)
    assert fresh.why_refused(fresh.igc.professional()) == "revocation: issuer revoked"


@pytest.mark.spec("SV-09", "BRG-09")
@pytest.mark.parametrize("root", [False, True], ids=["issuing", "root"])
def test_without_a_list_nobody_signs_in(fresh: Rig, root: bool) -> None:
    del fresh.store.lists[watched(fresh, root).fingerprint]
    assert why_unverifiable(fresh) == "revocation: no list"


@pytest.mark.spec("SV-09")
def test_a_list_serves_from_its_first_second_to_its_last(fresh: Rig) -> None:
    card = fresh.igc.professional()
    end = NOW + 6 * 86400
    for instant in (NOW, end):
        assert fresh.verify(card, at=instant).rpps == "99900000003"
    for instant in (NOW - 1, end + 1):
        assert why_unverifiable(fresh, at=instant) == "revocation: list not current"


@pytest.mark.spec("SV-09")
def test_a_newer_list_is_taken_up_and_an_older_one_never(fresh: Rig) -> None:
    card = fresh.igc.professional()
    assert fresh.verify(card).rpps == "99900000003"
    fresh.revoke(fresh.igc.fort_personnes, card.certificate.serial_number, number=101)
    assert fresh.verify(card, at=NOW + LOOKED_AT_SECONDS - 1).rpps == "99900000003"
    assert fresh.why_refused(card, at=NOW + LOOKED_AT_SECONDS) == "revocation: revoked"
    fresh.revoke(fresh.igc.fort_personnes, number=99)
    assert fresh.why_refused(card, at=NOW + 10 * LOOKED_AT_SECONDS) == "revocation: revoked"


@pytest.mark.spec("SV-09")
def test_a_stored_list_that_its_authority_did_not_sign_is_no_list(fresh: Rig) -> None:
    forged = fresh.igc.crl(fresh.igc.fort_personnes, number=100, signed_by=fresh.igc.standard_personnes)
    fresh.store.put(fresh.igc.fort_personnes, forged, 100)
    assert why_unverifiable(fresh) == "revocation: no list"


def built(rig: Rig, *, number: int | None = 7, critical: x509.ExtensionType | None = None, hashed: Any = None) -> bytes:
    key = rig.igc.fort_personnes.key
    assert isinstance(key, RSAPrivateKey)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(rig.igc.fort_personnes.certificate.subject)
        .last_update(START)
        .next_update(START + days(1))
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    if critical is not None:
        builder = builder.add_extension(critical, critical=True)
    return builder.sign(key, hashed or hashes.SHA256()).public_bytes(Encoding.DER)


def partial() -> x509.IssuingDistributionPoint:
    return x509.IssuingDistributionPoint(None, None, True, False, None, False, False)


@pytest.mark.spec("SV-09")
@pytest.mark.parametrize(
    ("bent", "reason"),
    [
        (lambda rig: rig.igc.crl(rig.igc.standard_personnes), "of another authority"),
        (lambda rig: rig.igc.crl(rig.igc.fort_personnes, signed_by=rig.igc.root), "signature"),
        (lambda rig: igc(keys="stranger").crl(igc(keys="stranger").fort_personnes), "signature"),
        (lambda rig: built(rig, number=None), "number"),
        (lambda rig: built(rig, number=2**63), "number"),
        (lambda rig: built(rig, critical=x509.DeltaCRLIndicator(1)), "partial, indirect or delta"),
        (lambda rig: built(rig, critical=partial()), "partial, indirect or delta"),
        (lambda rig: built(rig) + b"\x00", "unreadable"),
        (lambda rig: built(rig)[:-1], "unreadable"),
        (lambda rig: b"", "unreadable"),
        (lambda rig: b"<html>", "unreadable"),
    ],
)
def test_only_a_whole_list_of_the_pinned_authority_is_believed(
    rig: Rig, bent: Callable[[Rig], bytes], reason: str
) -> None:
    with pytest.raises(ListRefusedError, match=f"^{reason}$"):
        read_list(bent(rig), watched(rig))


@pytest.mark.spec("SV-09")
def test_a_list_is_read_with_its_number_its_dates_and_every_serial(rig: Rig) -> None:
    serials = [1, 2**127 + 1, 2**127 + 2]
    read = read_list(rig.igc.crl(rig.igc.fort_personnes, serials, number=1287), watched(rig))
    assert (read.number, read.serials) == (1287, frozenset(serials))
    assert (read.this_update, read.next_update) == (NOW, NOW + timedelta(days=6).total_seconds())
