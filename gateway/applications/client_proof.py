"""How an application's file says what proves it, and what its tokens are bound to (RFC 8705 §2, RFC 9449 §5.2; OID-05, OID-08).

A key of the file that its method does not read is refused, and so is a method without what it needs. The FAPI 2.0 Security
Profile is one line, `profile: fapi2`: it sets what the file leaves out and refuses what contradicts it (OID-18).
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from gateway.applications.client import BY_CERTIFICATE, ClientAuthenticationMethod, SenderConstraint
from gateway.applications.client_key import ClientKey
from gateway.applications.declared_file import Declared
from gateway.keys.client_certificate import declared_name

NAME_KINDS = ("subject_dn", "san_dns", "san_uri", "san_ip", "san_email")
_BY_KEY = frozenset(
    {ClientAuthenticationMethod.PRIVATE_KEY_JWT, ClientAuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH}
)
FAPI2_METHODS = frozenset({ClientAuthenticationMethod.PRIVATE_KEY_JWT, *BY_CERTIFICATE})
FAPI2_ALGORITHMS = frozenset({"PS256", "ES256", "EdDSA"})
_Name = Annotated[str | None, Field(default=None, min_length=1, max_length=400)]


class ProvesItself(Declared):
    """The part of an application's file that is about its proofs."""

    authentication_method: ClientAuthenticationMethod = ClientAuthenticationMethod.CLIENT_SECRET_BASIC
    tls_client_auth_subject_dn: _Name
    tls_client_auth_san_dns: _Name
    tls_client_auth_san_uri: _Name
    tls_client_auth_san_ip: _Name
    tls_client_auth_san_email: _Name
    certificate_thumbprints: tuple[str, ...] = Field(default=(), max_length=10)
    sender_constraint: SenderConstraint | None = None
    profile: Literal["fapi2"] | None = None

    @property
    def constraint(self) -> SenderConstraint:
        if self.sender_constraint is not None:
            return self.sender_constraint
        if self.profile is None:
            return SenderConstraint.NONE
        return SenderConstraint.MTLS if self.authentication_method in BY_CERTIFICATE else SenderConstraint.DPOP

    @property
    def certificate_name(self) -> tuple[str, str] | None:
        """The one name that it declares."""
        declared = self._names()
        return (declared[0][0], declared_name(*declared[0])) if declared else None

    def _names(self) -> list[tuple[str, str]]:
        declared: list[tuple[str, Any]] = [(kind, getattr(self, f"tls_client_auth_{kind}")) for kind in NAME_KINDS]
        return [(kind, value) for kind, value in declared if value is not None]

    @model_validator(mode="after")
    def _names_its_certificate(self) -> Self:
        method, names = self.authentication_method, self._names()
        if method is ClientAuthenticationMethod.TLS_CLIENT_AUTH and len(names) != 1:
            raise ValueError(
                "tls_client_auth_subject_dn: name the certificate by this key, or by one tls_client_auth_san_… key"
            )
        if names and method is not ClientAuthenticationMethod.TLS_CLIENT_AUTH:
            raise ValueError(f"tls_client_auth_{names[0][0]}: only authentication_method: tls_client_auth reads it")
        for kind, value in names:
            try:
                declared_name(kind, value)
            except ValueError:
                raise ValueError(
                    f"tls_client_auth_{kind}: write it as certificates do (RFC 4514, an address)"
                ) from None
        if self.certificate_thumbprints and method is not ClientAuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH:
            raise ValueError(
                "certificate_thumbprints: only authentication_method: self_signed_tls_client_auth reads it"
            )
        if not all(re.fullmatch(r"[A-Za-z0-9_-]{43}", one) for one in self.certificate_thumbprints):
            raise ValueError(
                "certificate_thumbprints: write each as base64url of its SHA-256 (x5t#S256), 43 characters"
            )
        return self


def missing_keys(declared: ProvesItself, keys: Sequence[ClientKey]) -> str | None:
    """A sentence when the method has no key to verify with."""
    method = declared.authentication_method
    if method not in _BY_KEY or keys or declared.certificate_thumbprints:
        return None
    if method is ClientAuthenticationMethod.PRIVATE_KEY_JWT:
        return "jwks: private_key_jwt needs the client's public keys"
    return "certificate_thumbprints: write them, or the keys of its certificates under jwks"


def against_fapi2(
    declared: ProvesItself,
    keys: Sequence[ClientKey],
    *,
    with_pkce: bool,
    pushes: bool,
    id_token_algorithm: str,
    userinfo_algorithm: str | None,
) -> str | None:
    """A sentence on the first thing that the FAPI 2.0 Security Profile (§5.3.2) does not allow."""
    if declared.profile is None:
        return None
    if declared.authentication_method not in FAPI2_METHODS:
        return (
            f"authentication_method: {declared.authentication_method} is not of the FAPI 2.0 profile; write private_key_jwt,"
            " tls_client_auth or self_signed_tls_client_auth"
        )
    if declared.constraint is SenderConstraint.NONE:
        return "sender_constraint: the FAPI 2.0 profile binds tokens to a key; write dpop or mtls, or remove the line"
    if not with_pkce:
        return "legacy_no_pkce: the FAPI 2.0 profile has PKCE always; remove it"
    if not pushes:
        return "require_pushed_authorization_requests: the FAPI 2.0 profile pushes every request; remove the line"
    if id_token_algorithm not in FAPI2_ALGORITHMS:
        return f"id_token_algorithm: {id_token_algorithm} is not of the FAPI 2.0 profile; remove the line"
    if userinfo_algorithm is not None and userinfo_algorithm not in FAPI2_ALGORITHMS:
        return f"userinfo_signed_response_alg: {userinfo_algorithm} is not of the FAPI 2.0 profile; use ES256"
    for number, key in enumerate(keys):
        if key.algorithm not in FAPI2_ALGORITHMS:
            return f"jwks.{number}: {key.algorithm} is not of the FAPI 2.0 profile; use PS256, ES256 or EdDSA"
    return None
