"""The identity that waits in a login transaction to be linked, and what a session keeps of its means.

It is sealed for its transaction: copied into another one it does not open (A6). Beside the seal stand only its means, its
instant and where the person is, which `Journey.next_step` reads without any key.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from gateway.accounts.identity_link import IdentityLink, LinkKind
from gateway.keys.envelope import Envelope, UnreadableError
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import Randomness, base64url
from gateway.signin.linking.identity import ProvedIdentity, Situation
from gateway.signin.session import Session
from gateway.signin.transaction import SigninTransaction

IDENTITY = "identity"
UPSTREAM = "upstream"
_CHOSEN, _ACTIVATION = "chosen", "activation"
_LINK = "link"
_ISSUER, _CERTIFICATE = "issuer", "certificate"
_SITUATIONS, _SITUATION = "situations", "situation"


@dataclass(frozen=True, slots=True)
class Pending:
    """What may be known of a waiting identity without opening it. `chosen`: the person said "I have an account";
    `activation`: an activation link stands for the credentials."""

    kind: LinkKind
    proved_at: float
    chosen: bool
    activation: bool


def pending(txn: SigninTransaction) -> Pending | None:
    held = txn.extra.get(IDENTITY)
    if held is None:
        return None
    activation = held[_ACTIVATION] is not None
    return Pending(LinkKind(held["kind"]), held["proved_at"], held[_CHOSEN], activation)


def pending_activation(txn: SigninTransaction) -> bool:
    """Whether an identity waits with an activation link in the place of credentials."""
    found = pending(txn)
    return found is not None and found.activation


def over(txn: SigninTransaction) -> bool:
    """Nothing waits, or can begin, in a journey that is complete or refused."""
    return txn.session_digest is not None or txn.refusal is not None


def activation_digest(txn: SigninTransaction) -> bytes | None:
    """The digest of the activation link's token that is to be consumed."""
    found = txn.extra.get(IDENTITY, {}).get(_ACTIVATION)
    return None if found is None else bytes.fromhex(found)


def kept_by_password(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """What outlives a password that stands by itself: the identity that waits for an account, nothing else."""
    return {IDENTITY: extra[IDENTITY]} if IDENTITY in extra else {}


def chosen(txn: SigninTransaction) -> Mapping[str, Any]:
    """`extra` once the person has said "I have an account"."""
    return {**txn.extra, IDENTITY: {**txn.extra[IDENTITY], _CHOSEN: True}}


def link_of_upstream(upstream: Mapping[str, Any] | None) -> str | None:
    """The identifier of the link by which the means signed its holder in."""
    return (upstream or {}).get(_LINK)


def certificate_of(upstream: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """The issuer, and the serial in hexadecimal, of the certificate by which its holder signed in; None without a card."""
    serial = (upstream or {}).get(_CERTIFICATE)
    return None if upstream is None or serial is None else (upstream[_ISSUER], serial)


def situations_of(upstream: Mapping[str, Any] | None) -> tuple[Situation, ...]:
    """All that the means told of where the person works."""
    return tuple(_situation(said) for said in (upstream or {}).get(_SITUATIONS, ()))


def situation_of(upstream: Mapping[str, Any] | None) -> Situation | None:
    """The one that the person chose, or the only one."""
    place = (upstream or {}).get(_SITUATION)
    return None if place is None else situations_of(upstream)[place]


def situation_open(txn: SigninTransaction) -> bool:
    """Whether the person has yet to say in which of several situations they act."""
    upstream = txn.extra.get(UPSTREAM)
    return len(situations_of(upstream)) > 1 and situation_of(upstream) is None


def with_situation(txn: SigninTransaction, place: int) -> Mapping[str, Any]:
    """`extra` once the person has chosen."""
    return {**txn.extra, UPSTREAM: {**txn.extra[UPSTREAM], _SITUATION: place}}


def _situation(said: Mapping[str, Any]) -> Situation:
    return Situation(**{**said, "structure_ids": tuple(said["structure_ids"])})


class IdentitySeal:
    def __init__(self, key: PurposeKey, randomness: Randomness) -> None:
        self._envelope = Envelope(key.for_purpose(Purpose.PENDING_IDENTITY))
        self._randomness = randomness

    def held(
        self, identity: ProvedIdentity, handle: str, *, chosen: bool = False, activation: bytes | None = None
    ) -> Mapping[str, Any]:
        """`extra` of the transaction `handle` with this identity waiting in it."""
        return {
            IDENTITY: {
                "kind": identity.kind.value,
                "proved_at": identity.proved_at,
                _CHOSEN: chosen,
                _ACTIVATION: None if activation is None else activation.hex(),
                "sealed": self._sealed(_content(identity), _place(handle)),
            }
        }

    def opened(self, txn: SigninTransaction) -> ProvedIdentity | None:
        """None when no identity waits here; one that was not sealed for this transaction is not one."""
        held = txn.extra.get(IDENTITY)
        if held is None:
            return None
        content = self._opened(held["sealed"], _place(txn.handle))
        if content is None:
            return None
        said = orjson.loads(content)
        said |= {
            "kind": LinkKind(said["kind"]),
            "upstream_amr": tuple(said["upstream_amr"]),
            "situations": tuple(_situation(one) for one in said["situations"]),
        }
        return ProvedIdentity(**said)

    def moved(self, txn: SigninTransaction, handle: str) -> Mapping[str, Any]:
        """`extra` of this transaction once it has another handle: the identity waits on, sealed for it. One that was not
        sealed for this transaction waits no more."""
        identity = self.opened(txn)
        if identity is None:
            return {name: value for name, value in txn.extra.items() if name != IDENTITY}
        held = txn.extra[IDENTITY]
        return {**txn.extra, IDENTITY: {**held, "sealed": self._sealed(_content(identity), _place(handle))}}

    def upstream(self, identity: ProvedIdentity, link: IdentityLink) -> Mapping[str, Any]:
        """`extra` of a transaction signed in by this identity through this link, for `Session.upstream`."""
        token = identity.id_token
        return {
            UPSTREAM: {
                _LINK: link.id,
                "kind": identity.kind.value,
                _ISSUER: identity.issuer,
                _CERTIFICATE: identity.certificate,
                "acr": identity.upstream_acr,
                "amr": list(identity.upstream_amr),
                "expires_at": identity.expires_at,
                "id_token": None if token is None else self._sealed(token.encode(), _token_place(link.account_id)),
                _SITUATIONS: [asdict(situation) for situation in identity.situations],
                _SITUATION: 0 if len(identity.situations) == 1 else None,
            }
        }

    def id_token(self, session: Session) -> str | None:
        """The upstream ID token of a session, for `id_token_hint` at the logout there."""
        sealed = (session.upstream or {}).get("id_token")
        content = self._opened(sealed, _token_place(session.account_id)) if sealed else None
        return None if content is None else content.decode()

    def _sealed(self, content: bytes, place: tuple[bytes, ...]) -> str:
        return base64url(self._envelope.seal(content, context=place, randomness=self._randomness))

    def _opened(self, sealed: str, place: tuple[bytes, ...]) -> bytes | None:
        try:
            return self._envelope.open(
                base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4)), expected_context=place
            )
        except (ValueError, UnreadableError):
            return None


def _content(identity: ProvedIdentity) -> bytes:
    return orjson.dumps(asdict(identity))


def _place(handle: str) -> tuple[bytes, ...]:
    return (b"pending identity", hashlib.sha256(handle.encode()).digest())


def _token_place(account_id: str) -> tuple[bytes, ...]:
    return (b"upstream id token", account_id.encode())
