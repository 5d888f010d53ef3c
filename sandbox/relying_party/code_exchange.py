"""A code becomes tokens (RFC 6749 §4.1.3) and the tokens become a person: ID token, userinfo (OpenID Connect Core §5.3).

The client authenticates with HTTP Basic, id and secret form-encoded first (RFC 6749 §2.3.1). Refuses a token answer
that is not Bearer, and a userinfo answer about somebody else than the ID token.
"""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from sandbox.relying_party.access_token import AccessTokenReading, read_as_own_api
from sandbox.relying_party.authorization import Transaction
from sandbox.relying_party.configuration import ClientConfiguration
from sandbox.relying_party.failures import ProviderError, ResponseRefused
from sandbox.relying_party.id_token import verify_id_token
from sandbox.relying_party.provider import Provider, fetch_json
from sandbox.relying_party.session_activity import Tokens, tokens_of


@dataclass(frozen=True)
class SignedIn:
    """`id_token` is kept whole only as the hint of a later logout; it is never shown, nor are `tokens`."""

    id_token: str
    id_claims: dict[str, Any]
    userinfo: dict[str, Any]
    access_token: AccessTokenReading
    at: datetime
    asked_acr_values: tuple[str, ...]
    tokens: Tokens


def sign_in_with_code(
    code: str, *, client: ClientConfiguration, provider: Provider, transaction: Transaction, now: datetime
) -> SignedIn:
    tokens = _redeem(code, client=client, provider=provider, transaction=transaction)
    id_claims = verify_id_token(
        tokens["id_token"],
        key_for=provider.signing_key,
        expected_issuer=provider.issuer,
        expected_client_id=client.client_id,
        expected_nonce=transaction.nonce,
        access_token=tokens["access_token"],
        now=now,
    )
    return SignedIn(
        id_token=tokens["id_token"],
        id_claims=id_claims,
        userinfo=_userinfo(provider, tokens["access_token"], expected_subject=id_claims["sub"]),
        access_token=read_as_own_api(
            tokens["access_token"],
            key_for=provider.signing_key,
            expected_issuer=provider.issuer,
            own_audiences=client.own_audiences,
            now=now,
        ),
        at=now,
        asked_acr_values=transaction.asked_acr_values,
        tokens=tokens_of(tokens, now),
    )


def _redeem(code: str, *, client: ClientConfiguration, provider: Provider, transaction: Transaction) -> dict[str, Any]:
    try:
        secret = client.client_secret()
    except OSError as failure:
        raise ProviderError("invalid_client", "le fichier du secret de l’application ne peut pas être lu") from failure
    credentials = f"{quote_plus(client.client_id)}:{quote_plus(secret)}".encode()
    status, body = fetch_json(
        "POST",
        provider.metadata().token_endpoint,
        headers={"Authorization": f"Basic {base64.b64encode(credentials).decode('ascii')}"},
        form={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": transaction.code_verifier,
        },
    )
    if status != 200:
        raise ProviderError(str(body.get("error", "server_error")), str(body.get("error_description", "")))
    if str(body.get("token_type", "")).lower() != "bearer":
        raise ResponseRefused("wrong_token_type")
    if not isinstance(body.get("id_token"), str) or not isinstance(body.get("access_token"), str):
        raise ResponseRefused("missing_token")
    return body


def _userinfo(provider: Provider, access_token: str, *, expected_subject: str) -> dict[str, Any]:
    status, claims = fetch_json(
        "GET", provider.metadata().userinfo_endpoint, headers={"Authorization": f"Bearer {access_token}"}
    )
    if status != 200:
        raise ProviderError("server_error", f"userinfo : HTTP {status}")
    if claims.get("sub") != expected_subject:
        raise ResponseRefused("userinfo_of_somebody_else")
    return claims
