"""What browsers are asked, and whether their answer is to be believed (WebAuthn Level 3 §7.1 and §7.2).

The only file that knows python-fido2, whose gaps are closed here (LIB-03): origins are compared whole against a list, frames of
other sites are refused (FID-05), user verification is demanded and looked at (FID-06), a copied passkey says that it may be
copied (FID-08), algorithms are those that were offered. Attestation is not asked, nor read. Whatever is malformed is refused,
and nothing of it is logged.
"""

import base64
import binascii
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from fido2 import cbor
from fido2.cose import ES256, RS256, CoseKey, EdDSA
from fido2.rpid import verify_rp_id
from fido2.server import Fido2Server
from fido2.webauthn import (
    Aaguid,
    AttestationConveyancePreference,
    AttestedCredentialData,
    AuthenticationResponse,
    AuthenticatorData,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from gateway.accounts.authenticator import Passkey
from gateway.randomness import base64url
from gateway.signin.passkey.refusals import PasskeyRefused
from gateway.signin.psc.json_object import read_object

logging.getLogger("fido2").setLevel(logging.WARNING)
logging.getLogger("fido2.server").setLevel(logging.WARNING)  # below, it writes credential identifiers

ALGORITHMS = (ES256.ALGORITHM, EdDSA.ALGORITHM, RS256.ALGORITHM)
TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})
_LONGEST_CREDENTIAL_ID = 1023
_LONGEST_TEXT = 8192
_SHORTEST_RSA_OCTETS = 256
_REQUIRED = UserVerificationRequirement.REQUIRED

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What an authenticator has just made, verified. `public_key` is COSE, as CBOR."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: str
    backup_eligible: bool
    backed_up: bool
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unverified:
    """What an answer says of itself, before anything of it is believed; `user_handle` None when it names nobody."""

    challenge: bytes
    credential_id: bytes
    user_handle: bytes | None


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    sign_count: int
    backed_up: bool


class RelyingParty:
    """`rp_id` is what passkeys are made for; `origins` are those whose pages may use them, as browsers write them."""

    def __init__(self, *, rp_id: str, name: str, origins: Sequence[str]) -> None:
        allowed = frozenset(origins)
        self._server = Fido2Server(
            PublicKeyCredentialRpEntity(name=name, id=rp_id),
            attestation=AttestationConveyancePreference.NONE,
            verify_origin=lambda origin: origin in allowed,
        )
        self._server.allowed_algorithms = [
            PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=alg) for alg in ALGORITHMS
        ]

    def creation_options(
        self,
        challenge: bytes,
        *,
        account_id: str,
        username: str,
        display_name: str,
        exclude: Sequence[Passkey],
        timeout_seconds: int,
    ) -> Mapping[str, Any]:
        """PublicKeyCredentialCreationOptionsJSON: a discoverable credential, with user verification."""
        user = PublicKeyCredentialUserEntity(name=username, id=user_handle(account_id), display_name=display_name)
        options, _ = self._server.register_begin(
            user,
            credentials=[
                PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=one.credential_id)
                for one in exclude
            ],
            resident_key_requirement=ResidentKeyRequirement.REQUIRED,
            user_verification=_REQUIRED,
            challenge=challenge,
        )
        return {**dict(options)["publicKey"], "timeout": timeout_seconds * 1000}

    def request_options(self, challenge: bytes, *, timeout_seconds: int) -> Mapping[str, Any]:
        """PublicKeyCredentialRequestOptionsJSON: any discoverable credential; nobody is named (FID-09)."""
        options, _ = self._server.authenticate_begin(user_verification=_REQUIRED, challenge=challenge)
        return {**dict(options)["publicKey"], "timeout": timeout_seconds * 1000}

    def new_credential(self, answer: object, *, expected_challenge: bytes) -> NewCredential:
        """Raises PasskeyRefused."""
        return _believed(lambda: self._new_credential(_object(answer), expected_challenge))

    def assertion(self, answer: object, *, expected_challenge: bytes, expected: Passkey) -> VerifiedAssertion:
        """An assertion by this very passkey. Whether its counter went forward is judged where it is stored (FID-07). Raises
        PasskeyRefused."""
        return _believed(lambda: self._assertion(_object(answer), expected_challenge, expected))

    def _new_credential(self, answer: Mapping[str, Any], challenge: bytes) -> NewCredential:
        response = _object(answer["response"])
        _refuse_foreign_frames(response)
        registration = RegistrationResponse.from_dict(_credential(answer, "clientDataJSON", "attestationObject"))
        data = self._server.register_complete(_state(challenge), registration)
        credential = data.credential_data
        if credential is None or credential.credential_id != _octets(answer["rawId"]):
            raise PasskeyRefused("credential")
        if not 1 <= len(credential.credential_id) <= _LONGEST_CREDENTIAL_ID:
            raise PasskeyRefused("credential_id")
        _check_flags(data)
        _check_key(credential.public_key)
        said = response.get("transports", [])
        return NewCredential(
            credential_id=bytes(credential.credential_id),
            public_key=cbor.encode(dict(credential.public_key)),
            sign_count=data.counter,
            aaguid=str(uuid.UUID(bytes=bytes(credential.aaguid))),
            backup_eligible=data.is_backup_eligible(),
            backed_up=data.is_backed_up(),
            transports=tuple(sorted(TRANSPORTS.intersection(said))) if isinstance(said, list) else (),
        )

    def _assertion(self, answer: Mapping[str, Any], challenge: bytes, passkey: Passkey) -> VerifiedAssertion:
        _refuse_foreign_frames(_object(answer["response"]))
        members = _credential(answer, "clientDataJSON", "authenticatorData", "signature")
        authentication = AuthenticationResponse.from_dict(members)
        known = AttestedCredentialData.create(
            Aaguid.NONE, passkey.credential_id, CoseKey.parse(_cose(passkey.public_key))
        )
        self._server.authenticate_complete(_state(challenge), [known], authentication)
        data = authentication.response.authenticator_data
        _check_flags(data)
        if data.is_backup_eligible() != passkey.backup_eligible:
            raise PasskeyRefused("backup_eligibility")
        return VerifiedAssertion(sign_count=data.counter, backed_up=data.is_backed_up())


def may_be_made_for(rp_id: str, origin: str) -> bool:
    """Whether browsers let pages of this origin use passkeys of this domain: the host, or a parent of it that is not a public
    suffix such as `gouv.fr`, which strangers share."""
    return verify_rp_id(rp_id, origin)


def user_handle(account_id: str) -> bytes:
    """The 16 octets of the account's identifier: what authenticators keep of whose passkey it is."""
    return uuid.UUID(account_id).bytes


def unverified(answer: object) -> Unverified:
    """Raises PasskeyRefused."""

    def read() -> Unverified:
        members = _object(answer)
        response = _object(members["response"])
        challenge = read_object(_octets(response["clientDataJSON"]))["challenge"]
        handle = response.get("userHandle")
        return Unverified(
            challenge=_octets(challenge),
            credential_id=_octets(members["rawId"]),
            user_handle=None if handle is None else _octets(handle),
        )

    return _believed(read)


def _believed(read: Callable[[], T]) -> T:
    """Strangers wrote the answer, and a library reads it: whatever it stumbles over is a refusal."""
    try:
        return read()
    except PasskeyRefused:
        raise
    except Exception as error:
        raise PasskeyRefused(_REASONS.get(str(error), "malformed")) from None


_REASONS = {
    "Incorrect type in CollectedClientData.": "type",
    "Invalid origin in CollectedClientData.": "origin",
    "Wrong challenge in response.": "challenge",
    "Wrong RP ID hash in response.": "rp_id",
    "User Present flag not set.": "user_presence",
    "User verification required, but User Verified flag not set.": "user_verification",
    "User verification required, but user verified flag not set.": "user_verification",
    "Invalid signature.": "signature",
    "Unknown credential ID.": "credential",
}
"""What the library says, in our words; what it says otherwise one day is only `malformed` in the journal."""


def _state(challenge: bytes) -> dict[str, object]:
    return {"challenge": base64url(challenge), "user_verification": _REQUIRED}


def _credential(answer: Mapping[str, Any], *members: str) -> dict[str, object]:
    """The members that are read, and no other."""
    response = answer["response"]
    if answer["type"] != PublicKeyCredentialType.PUBLIC_KEY.value or answer["id"] != answer["rawId"]:
        raise PasskeyRefused("credential")
    _octets(answer["rawId"])
    for name in members:
        _octets(response[name])
    kept = {name: response[name] for name in members}
    return {"id": answer["id"], "rawId": answer["rawId"], "type": answer["type"], "response": kept}


def _refuse_foreign_frames(response: Mapping[str, Any]) -> None:
    """FID-05: our pages stand in nobody's frame."""
    said = read_object(_octets(response["clientDataJSON"]))
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise PasskeyRefused("cross_origin")


def _check_flags(data: AuthenticatorData) -> None:
    if not data.is_user_present():
        raise PasskeyRefused("user_presence")
    if not data.is_user_verified():
        raise PasskeyRefused("user_verification")
    if data.is_backed_up() and not data.is_backup_eligible():
        raise PasskeyRefused("backup_state")


def _check_key(key: CoseKey) -> None:
    """Of an algorithm that was offered, and a key that can verify something."""
    if key.get(3) not in ALGORITHMS:
        raise PasskeyRefused("algorithm")
    if key[3] == RS256.ALGORITHM and len(key[-1].lstrip(b"\0")) < _SHORTEST_RSA_OCTETS:
        raise PasskeyRefused("algorithm")
    try:
        key.verify(b"", b"")
    except InvalidSignature:
        return
    raise PasskeyRefused("algorithm")


def _cose(encoded: bytes) -> Mapping[int, Any]:
    decoded = cbor.decode(encoded)
    if not isinstance(decoded, Mapping):
        raise PasskeyRefused("key")
    return decoded


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PasskeyRefused("malformed")
    return value


def _octets(value: object) -> bytes:
    """Unpadded base64url, one way to write each value."""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise PasskeyRefused("malformed")
    try:
        octets = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise PasskeyRefused("malformed") from None
    if base64url(octets) != value:
        raise PasskeyRefused("malformed")
    return octets
