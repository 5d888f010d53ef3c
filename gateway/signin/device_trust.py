"""A device becomes trusted: with a code just given, the browser hands over the public half of a new key (DECISIONS 2)."""

from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec

from gateway.accounts.account import Account
from gateway.accounts.ports import TrustedDevices
from gateway.accounts.trusted_device import TrustedDevice
from gateway.journal.events import Outcome
from gateway.randomness import Randomness, digest, opaque
from gateway.signin.journal_lines import Lines

_POINT_OCTETS = 65
_LABEL_LENGTH = 64


def is_p256_point(octets: bytes) -> bool:
    """Whether this is an uncompressed point of the curve (SEC 1 §2.3.3), 65 bytes."""
    if len(octets) != _POINT_OCTETS:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), octets)
    except ValueError:
        return False
    return True


def trust_device(
    devices: TrustedDevices,
    account: Account,
    public_key: bytes,
    *,
    label: str,
    lines: Lines,
    randomness: Randomness,
) -> TrustedDevice | None:
    """The device, new or proved again; None for something that is not a key (the sign-in goes on without trust)."""
    if not is_p256_point(public_key):
        return None
    for device in devices.of(account.id):
        if device.public_key == public_key and device.revoked_at is None:
            devices.renew(device.id, used_at=lines.at, proved_at=lines.at)
            return replace(device, proved_at=lines.at, last_used_at=lines.at)
    device = TrustedDevice(
        id=opaque(randomness),
        account_id=account.id,
        public_key=public_key,
        label="".join(character for character in label if character.isprintable())[:_LABEL_LENGTH],
        proved_at=lines.at,
        created_at=lines.at,
        last_used_at=lines.at,
    )
    details = {"device": digest(device.id)}
    devices.trust(device, lines.said("signin.device_trusted", Outcome.SUCCESS, account.id, details=details))
    return device
