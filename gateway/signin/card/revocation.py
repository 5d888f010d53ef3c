"""Whether a certificate is revoked, by lists that were fetched before anybody signs in (SV-09, §2.5).

A list is believed when the pinned authority signed it, whole (neither partial, indirect nor delta), with a number, and while
`thisUpdate` ≤ now ≤ `nextUpdate`. Serials are held as a set and compared in full: those of one authority share their first
eight bytes. Without a list that is good now nobody signs in by card; the issuing authority itself is looked for in its root's.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import SignatureAlgorithmOID

from gateway.signin.card.ports import RevocationListStore
from gateway.signin.card.refusals import CardRefused, CardUnverifiable
from gateway.signin.card.trust import Authority, CardTrust

_log = logging.getLogger("gateway.card")
LOOKED_AT_SECONDS = 5.0
"""How often a process asks the store whether a newer list is there."""
MAX_NUMBER = 2**63 - 1

SIGNATURES = frozenset(
    {
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
    }
)
"""What an authority of this hierarchy signs with; the retired ones used SHA-1 (§2.1)."""


class ListRefusedError(ValueError):
    """This is no list of that authority that may be used; says which rule."""


@dataclass(frozen=True, slots=True)
class RevocationList:
    """Instants are seconds since the epoch."""

    number: int
    this_update: float
    next_update: float
    serials: frozenset[int] = field(repr=False)

    def is_current(self, now: float) -> bool:
        return self.this_update <= now <= self.next_update


def read_list(unverified: bytes, authority: Authority) -> RevocationList:
    """A list that this authority signed; the caller judges its dates. Raises ListRefusedError."""
    try:
        return _read(x509.load_der_x509_crl(unverified), authority)
    except ListRefusedError:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion):
        raise ListRefusedError("unreadable") from None


def _read(crl: x509.CertificateRevocationList, authority: Authority) -> RevocationList:
    if crl.issuer != authority.certificate.subject:
        raise ListRefusedError("of another authority")
    key = authority.certificate.public_key()
    if crl.signature_algorithm_oid not in SIGNATURES or not crl.is_signature_valid(key):  # type: ignore[arg-type]
        raise ListRefusedError("signature")
    numbers = [one.value.crl_number for one in crl.extensions if isinstance(one.value, x509.CRLNumber)]
    if len(numbers) != 1 or not 0 <= numbers[0] <= MAX_NUMBER:
        raise ListRefusedError("number")
    if any(one.critical for one in crl.extensions):
        raise ListRefusedError("partial, indirect or delta")
    if crl.next_update_utc is None:
        raise ListRefusedError("without end")
    return RevocationList(
        number=numbers[0],
        this_update=crl.last_update_utc.timestamp(),
        next_update=crl.next_update_utc.timestamp(),
        serials=frozenset(entry.serial_number for entry in crl),
    )


class RevocationLists:
    """The lists in this process's memory, read again when the stored number has grown."""

    def __init__(self, store: RevocationListStore, trust: CardTrust) -> None:
        self._store = store
        self._watched = {authority.fingerprint: authority for authority in trust.watched}
        self._lists: dict[str, RevocationList] = {}
        self._lock = threading.Lock()
        self._looked_at = float("-inf")

    def refuse_revoked(self, serial: int, issuer: Authority, now: float) -> None:
        """Raises CardRefused for a revoked certificate or issuer, CardUnverifiable when nobody can tell."""
        self._look(now)
        if serial in self._current(issuer, now).serials:
            raise CardRefused("revocation: revoked")
        if issuer.parent is None or issuer.certificate.serial_number in self._current(issuer.parent, now).serials:
            raise CardRefused("revocation: issuer revoked")

    def numbers(self, now: float) -> Mapping[str, int]:
        """By authority, the number of the list that is judged by."""
        self._look(now)
        return {fingerprint: held.number for fingerprint, held in self._lists.items()}

    def is_revoked(self, serial: int, issuer: Authority, now: float) -> bool:
        """Whether a list that is good now says so. Without one nobody can tell, and who is signed in stays so."""
        try:
            self.refuse_revoked(serial, issuer, now)
        except CardUnverifiable:
            return False
        except CardRefused:
            return True
        return False

    def _current(self, authority: Authority, now: float) -> RevocationList:
        found = self._lists.get(authority.fingerprint)
        if found is None:
            raise CardUnverifiable("revocation: no list")
        if not found.is_current(now):
            raise CardUnverifiable("revocation: list not current")
        return found

    def _look(self, now: float) -> None:
        with self._lock:
            if 0 <= now - self._looked_at < LOOKED_AT_SECONDS:
                return
            for fingerprint, number in self._store.numbers().items():
                authority = self._watched.get(fingerprint)
                held = self._lists.get(fingerprint)
                if authority is not None and (held is None or number > held.number):
                    self._load(authority)
            self._looked_at = now

    def _load(self, authority: Authority) -> None:
        """Verified again: what lies in a store is believed no more than what came over the network."""
        stored = self._store.find(authority.fingerprint)
        try:
            if stored is not None:
                self._lists[authority.fingerprint] = read_list(stored.der, authority)
        except ListRefusedError as error:
            _log.error("the stored revocation list of %s is not used: %s", authority.name, error)
