"""A look-alike hierarchy, its verifier, and an honest bridge to bend: what the tests of card sign-in begin with."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.journal.effects import Effects
from gateway.signin.card.assertion import UnverifiedAssertion
from gateway.signin.card.environment import Anchor, CardEnvironment
from gateway.signin.card.identity import VerifiedCardAssertion
from gateway.signin.card.ports import StoredList
from gateway.signin.card.refusals import CardRefused
from gateway.signin.card.revocation import RevocationLists
from gateway.signin.card.signed_value import nonce_digest, signed_value
from gateway.signin.card.trust import CardTrust, read_trust
from gateway.signin.card.verification import CardVerifier, Expected
from sandbox.card.holder_certificate import CardCertificate
from sandbox.card.igc_sante import Authority, LookAlikeIgc

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NOW = START.timestamp()
ORIGIN = "https://connexion.exemple.fr"
NONCE = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"


@cache
def igc(*, test: bool = True, keys: str = "") -> LookAlikeIgc:
    return LookAlikeIgc(START, test=test, keys=keys)


def sign(key: Any, value: bytes) -> bytes:
    assert isinstance(key, RSAPrivateKey)
    return key.sign(value, padding.PKCS1v15(), hashes.SHA256())


def message(card: CardCertificate, *, origin: str = ORIGIN, nonce: str = NONCE, **changed: Any) -> dict[str, Any]:
    """What an honest bridge answers (§3.6, message 6)."""
    value = signed_value(origin=origin, nonce_digest=nonce_digest(nonce), purpose="login")
    return {
        "format": "cps-bridge:1",
        "certificate": base64.b64encode(card.der).decode(),
        "algorithm": "RS256",
        "signature": base64.urlsafe_b64encode(sign(card.private_key, value)).rstrip(b"=").decode(),
        "card": {"family": "cps3", "interface": "contact"},
        "bridge_version": "1.4.0",
    } | changed


class KeptLists:
    """The durable store's port, in a dictionary."""

    def __init__(self) -> None:
        self.lists: dict[str, StoredList] = {}
        self.effects: list[Effects] = []

    def numbers(self) -> Mapping[str, int]:
        return {authority: kept.number for authority, kept in self.lists.items()}

    def find(self, authority: str) -> StoredList | None:
        return self.lists.get(authority)

    def keep(self, fetched: StoredList, effects: Effects) -> bool:
        held = self.lists.get(fetched.authority)
        if held is not None and held.number >= fetched.number:
            return False
        self.lists[fetched.authority] = fetched
        self.effects.append(effects)
        return True

    def put(self, authority: Authority, der: bytes, number: int, *, days: int = 6) -> None:
        fingerprint = authority.fingerprint.lower()
        self.lists[fingerprint] = StoredList(fingerprint, number, NOW, NOW + days * 86400, der)


def anchors_of(hierarchy: LookAlikeIgc) -> tuple[Anchor, ...]:
    return tuple(
        Anchor(
            file=f"{authority.file}.pem",
            sha256=authority.fingerprint,
            role="root" if authority.is_root else "issuing",
            crl=f"{authority.file}.crl",
        )
        for authority in hierarchy.authorities
    )


def environment(hierarchy: LookAlikeIgc | None = None, **changed: Any) -> CardEnvironment:
    hierarchy = hierarchy or igc()
    said = {"name": "test" if hierarchy.test else "production", "anchors": anchors_of(hierarchy)} | changed
    return CardEnvironment.model_validate(said)


class Rig:
    """A verifier over a folder of anchors, and lists that can be changed."""

    def __init__(self, folder: Path, hierarchy: LookAlikeIgc | None = None, **changed: Any) -> None:
        self.igc = hierarchy or igc()
        self.igc.write(folder)
        self.environment = environment(self.igc, **changed)
        self.trust: CardTrust = read_trust(self.environment, folder)
        self.store = KeptLists()
        self.revoke(self.igc.fort_personnes)
        self.revoke(self.igc.root)
        self.lists = RevocationLists(self.store, self.trust)
        self.verifier = CardVerifier(self.environment, self.trust, self.lists)

    def revoke(self, authority: Authority, *serials: int, number: int = 100, **dates: Any) -> None:
        self.store.put(authority, self.igc.crl(authority, serials, number=number, **dates), number)

    def verify(
        self,
        card: CardCertificate,
        *,
        signature: bytes | None = None,
        origin: str = ORIGIN,
        nonce: str = NONCE,
        purpose: str = "login",
        at: float = NOW,
    ) -> VerifiedCardAssertion:
        """The gateway expects `origin`, `nonce`, `purpose`; the card has signed the usual ones unless told otherwise."""
        if signature is None:
            value = signed_value(origin=ORIGIN, nonce_digest=nonce_digest(NONCE), purpose="login")
            signature = sign(card.private_key, value)
        expected = Expected(origin, nonce_digest(nonce), purpose, at)
        return self.verifier.verify(UnverifiedAssertion(card.der, signature, "1.4.0"), expected=expected)

    def why_refused(self, card: CardCertificate, **expected: Any) -> str:
        with pytest.raises(CardRefused) as refusal:
            self.verify(card, **expected)
        assert refusal.value.code == "card_refused"
        return refusal.value.detail


def days(number: float) -> timedelta:
    return timedelta(days=number)
