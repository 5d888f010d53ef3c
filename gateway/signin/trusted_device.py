"""Sign-in from a trusted device: a signature over a fresh challenge, beside the password (LOA-07, DECISIONS 2).

The browser signs with a key it cannot give away; the cookie that names the device is worth nothing alone. The challenge
serves once. A signature that does not verify is not an error page: the person is asked for a code.
"""

from dataclasses import replace

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from gateway.accounts.account import Account
from gateway.accounts.ports import Accounts, TrustedDevices
from gateway.accounts.trusted_device import TrustedDevice
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS
from gateway.journal.events import Outcome
from gateway.randomness import Randomness, digest, opaque
from gateway.signin.assurance import AssuranceScale
from gateway.signin.demands import Demands
from gateway.signin.evidence import Evidence, Means
from gateway.signin.factors import EnrolledFactors
from gateway.signin.first_factor import proved_person
from gateway.signin.gone import saved
from gateway.signin.journal_lines import Lines
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import SigninTransactions
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction

_SIGNATURE_OCTETS = 64
_LABEL = b"passerelle-device:1\n"


def signed_message(origin: str, challenge: str) -> bytes:
    """What the browser signs: the name of the protocol, our origin, the challenge."""
    return _LABEL + origin.encode() + b"\n" + challenge.encode()


def signature_ok(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """ECDSA over P-256 with SHA-256; `signature` is r‖s as WebCrypto gives it, `public_key` an uncompressed point."""
    if len(signature) != _SIGNATURE_OCTETS:
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
        key.verify(utils.encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True


class DeviceSignin:
    """`origin` is the gateway's own, such as `https://connexion.exemple.fr`."""

    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        accounts: Accounts,
        devices: TrustedDevices,
        factors: EnrolledFactors,
        scale: AssuranceScale,
        policy: SigninPolicy,
        origin: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._transactions = transactions
        self._accounts = accounts
        self._devices = devices
        self._demands = Demands(scale, policy, factors)
        self._origin = origin
        self._clock = clock
        self._randomness = randomness

    def challenge(self, txn: SigninTransaction, device_id: str) -> tuple[SigninTransaction, str]:
        """The challenge to sign. It belongs to the transaction; any device may try it, only a trusted one succeeds."""
        del device_id  # judged with the signature: nothing is learnt here of a device that is not trusted
        self._person(txn)
        if txn.device_challenge is not None:
            return txn, txn.device_challenge
        challenge = opaque(self._randomness)
        txn = saved(self._transactions, replace(txn, device_challenge=challenge), self._clock.now(), NO_EFFECTS)
        return txn, challenge

    def submit(
        self, txn: SigninTransaction, device_id: str, signature: bytes, context: RequestContext
    ) -> SigninTransaction:
        """The transaction with this proof, or with the device step skipped. The challenge is spent either way."""
        now = self._clock.now()
        account = self._person(txn)
        device = self._devices.find(device_id)
        accepted = self._accepted(txn, account, device, signature, now)
        said = Lines(now, context, txn.demand.client_id, "trusted_device").said(
            "signin.device",
            Outcome.SUCCESS if accepted else Outcome.REFUSED,
            account.id,
            reason=None if accepted else "not_proved",
            details={"device": digest(device_id)},
        )
        if not accepted:
            return saved(self._transactions, replace(txn, device_challenge=None, device_skipped=True), now, said)
        evidence = (*txn.evidence, Evidence(Means.TRUSTED_DEVICE, now))
        txn = saved(self._transactions, replace(txn, device_challenge=None, evidence=evidence), now, said)
        self._devices.renew(device_id, used_at=now)
        return txn

    def skip(self, txn: SigninTransaction) -> SigninTransaction:
        """No JavaScript, or no key left in this browser: the code is asked."""
        self._person(txn)
        skipped = replace(txn, device_challenge=None, device_skipped=True)
        return saved(self._transactions, skipped, self._clock.now(), NO_EFFECTS)

    def _accepted(
        self, txn: SigninTransaction, account: Account, device: TrustedDevice | None, signature: bytes, now: float
    ) -> bool:
        if device is None or txn.device_challenge is None:
            return False
        return self._demands.trusts(device, account, txn.demand, now) and signature_ok(
            device.public_key, signature, signed_message(self._origin, txn.device_challenge)
        )

    def _person(self, txn: SigninTransaction) -> Account:
        return proved_person(self._accounts, self._demands, txn)
