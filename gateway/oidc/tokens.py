"""Makes ID tokens and access tokens (OpenID Connect Core §2, RFC 9068; TOK-03, TOK-04, TOK-08).

They differ by `typ` and by audience: an ID token is for the client, an access token for the one resource server that the
client is registered with. `acr`, `amr` and `auth_time` are the grant's, that is the session's evidence. A token longer
than the limit is made again with fewer rights in it and says so; userinfo gives the rest.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.applications.client import Client
from gateway.keys.signer import Signer
from gateway.keys.signing_key import Algorithm
from gateway.oidc.authorization_request import ID_TOKEN_TYP
from gateway.oidc.claims import Rights, rights_claims
from gateway.oidc.policy import ProviderPolicy
from gateway.oidc.ports import Grant, RefreshState
from gateway.oidc.refresh_tokens import PresentedRefreshToken
from gateway.oidc.sender_proofs import UNBOUND, Binding
from gateway.oidc.subjects import Subjects
from gateway.randomness import PARTITIONS, Randomness, base64url, handle, opaque

ACCESS_TOKEN_TYP = "at+jwt"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
"""Its name in a token exchange (RFC 8693 §3)."""


@dataclass(frozen=True, slots=True)
class Issuance:
    """What one token response says of a person. `scope` is the grant's, or less; `rights` None: it does not ask for them.
    `refresh` is what the store keeps of `refresh_token`."""

    grant: Grant
    client: Client
    scope: tuple[str, ...]
    jti: str
    now: float
    nonce: str | None
    identity: Mapping[str, Any]
    rights: Rights | None
    refresh_token: str | None = field(default=None, repr=False)
    refresh: RefreshState | None = None
    presented: PresentedRefreshToken | None = field(default=None, repr=False)
    """The refresh token that it is given for."""
    binding: Binding = UNBOUND


@dataclass(frozen=True, slots=True)
class ServiceIssuance:
    """What one token response says of a client that acts for itself."""

    client: Client
    scope: tuple[str, ...]
    jti: str
    now: float
    binding: Binding = UNBOUND


@dataclass(frozen=True, slots=True)
class ExchangeIssuance:
    """What one token response says of a person to another service, for `client` that acts for her (RFC 8693). `ends_at` is
    the end of the token that it is made from; `rights` are those in `structure`; `sector` says by which name the service
    knows her."""

    grant: Grant
    client: Client
    audience: str
    sector: str | None
    scope: tuple[str, ...]
    jti: str
    now: float
    ends_at: float
    structure: str | None
    rights: Rights | None
    binding: Binding = UNBOUND


def session_life(grant: Grant) -> dict[str, str | int]:
    """What applications are told of the session (DECISIONS 11): when it ends unless it is used, and when it ends anyhow, in
    seconds since the epoch, as all instants of tokens."""
    return {
        "session_idle_at": int(grant.session_idle_at),
        "session_expires_at": int(grant.session_ends_at),
    }


class TokenMint:
    def __init__(self, signer: Signer, policy: ProviderPolicy, subjects: Subjects, randomness: Randomness) -> None:
        self._subjects = subjects
        self._signer = signer
        self._policy = policy
        self._randomness = randomness

    def new_jti(self, grant_id: str) -> str:
        """Names the token, and its grant before the dot: a revoked grant silences its tokens."""
        return f"{grant_id}.{opaque(self._randomness, 12)}"

    def new_service_jti(self) -> str:
        """Of a token without grant. The first character names a partition, so that it can be silenced."""
        return handle(self._randomness, self._randomness(1)[0] % PARTITIONS)

    def answer(self, issuance: Issuance | ServiceIssuance | ExchangeIssuance) -> bytes:
        """The body of the token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3, RFC 8693 §2.2.1)."""
        if isinstance(issuance, ServiceIssuance):
            return self._body(self._service_token(issuance), issuance.scope, issuance.binding)
        if isinstance(issuance, ExchangeIssuance):
            lives = self._end_of_exchanged(issuance) - int(issuance.now)
            token = self._exchanged_token(issuance)
            return self._body(
                token, issuance.scope, issuance.binding, expires_in=lives, issued_token_type=ACCESS_TOKEN_TYPE
            )
        access_token = self._access_token(issuance)
        members: dict[str, str | int] = {
            "id_token": self._id_token(issuance, access_token),
            **session_life(issuance.grant),
        }
        if issuance.refresh_token is not None:
            members["refresh_token"] = issuance.refresh_token
        return self._body(access_token, issuance.scope, issuance.binding, **members)

    def _body(self, access_token: str, scope: tuple[str, ...], binding: Binding, **members: str | int) -> bytes:
        return orjson.dumps(
            {
                "access_token": access_token,
                "token_type": binding.token_type,
                "expires_in": self._policy.access_token_ttl_seconds,
                "scope": " ".join(scope),
                **members,
            }
        )

    def _service_token(self, issuance: ServiceIssuance) -> str:
        client, now = issuance.client, int(issuance.now)
        claims = {
            "iss": self._policy.issuer,
            "sub": client.client_id,
            "aud": client.audience,
            "client_id": client.client_id,
            "iat": now,
            "exp": now + self._policy.access_token_ttl_seconds,
            "jti": issuance.jti,
            "scope": " ".join(issuance.scope),
            **issuance.binding.confirmation,
        }
        return self._signer.sign(claims, typ=ACCESS_TOKEN_TYP, algorithm=Algorithm.ES256)

    def _access_token(self, issuance: Issuance) -> str:
        claims = {
            **self._base(issuance, issuance.client.sector, self._policy.access_token_ttl_seconds),
            "aud": issuance.client.audience,
            "client_id": issuance.client.client_id,
            "jti": issuance.jti,
            "scope": " ".join(issuance.scope),
            **issuance.binding.confirmation,
        }
        if issuance.client.may_act is not None:
            claims["may_act"] = {"sub": issuance.client.may_act}
        return self._fitting(claims, issuance, typ=ACCESS_TOKEN_TYP, algorithm=Algorithm.ES256)

    def _exchanged_token(self, issuance: ExchangeIssuance) -> str:
        """Without `may_act`: it cannot be exchanged again."""
        claims = {
            **self._base(issuance, issuance.sector, 0),
            "exp": self._end_of_exchanged(issuance),
            "aud": issuance.audience,
            "client_id": issuance.client.client_id,
            "jti": issuance.jti,
            "scope": " ".join(issuance.scope),
            "act": {"sub": issuance.client.client_id},
            **issuance.binding.confirmation,
        }
        if issuance.structure is not None:
            claims["structure"] = {"id": issuance.structure}
        return self._fitting(claims, issuance, typ=ACCESS_TOKEN_TYP, algorithm=Algorithm.ES256)

    def _end_of_exchanged(self, issuance: ExchangeIssuance) -> int:
        return min(int(issuance.now) + self._policy.access_token_ttl_seconds, int(issuance.ends_at))

    def _id_token(self, issuance: Issuance, access_token: str) -> str:
        algorithm = Algorithm(issuance.client.id_token_algorithm)
        claims = {
            **issuance.identity,
            **self._base(issuance, issuance.client.sector, self._policy.id_token_ttl_seconds),
            "aud": issuance.client.client_id,
            "at_hash": _at_hash(access_token, algorithm),
        }
        if issuance.nonce is not None:
            claims["nonce"] = issuance.nonce
        return self._fitting(claims, issuance, typ=ID_TOKEN_TYP, algorithm=algorithm)

    def _base(self, issuance: Issuance | ExchangeIssuance, sector: str | None, ttl: int) -> dict[str, Any]:
        grant, now = issuance.grant, int(issuance.now)
        return {
            "iss": self._policy.issuer,
            "sub": self._subjects.sub(grant.account_id, sector),
            "iat": now,
            "exp": now + ttl,
            "auth_time": int(grant.auth_time),
            "acr": grant.acr,
            "amr": list(grant.amr),
            "sid": self._subjects.sid(grant.sid, sector),
        }

    def _fitting(
        self, claims: Mapping[str, Any], issuance: Issuance | ExchangeIssuance, *, typ: str, algorithm: Algorithm
    ) -> str:
        """With all the rights the client wants; else with the active structure alone; else without, saying so."""
        rights = issuance.rights
        if rights is None:
            return self._signer.sign(claims, typ=typ, algorithm=algorithm)
        for limit in (issuance.client.max_structures, 1):
            said = rights_claims(rights, limit=limit, named=typ == ID_TOKEN_TYP)
            token = self._signer.sign({**claims, **said}, typ=typ, algorithm=algorithm)
            if len(token) <= self._policy.token_size_limit:
                return token
        without = {**claims, "roles_overflow": True, "structures_total": len(rights.structures)}
        return self._signer.sign(without, typ=typ, algorithm=algorithm)


def _at_hash(access_token: str, algorithm: Algorithm) -> str:
    """The left half of the hash that goes with the ID token's algorithm (OpenID Connect Core §3.1.3.6); Ed25519 hashes with
    SHA-512, the others of ours with SHA-256."""
    digest = hashlib.sha512 if algorithm is Algorithm.EDDSA else hashlib.sha256
    hashed = digest(access_token.encode("ascii")).digest()
    return base64url(hashed[: len(hashed) // 2])
