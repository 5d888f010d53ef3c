"""Tokens shaped like Keycloak's (dossier §3.1, §3.2 and the two shapes of §8): ID and access RS256, refresh HS512.

Legacy: `session_state` and `nonce` in every token. Modern: neither in them but `nonce` in the ID token of the code, and
`session_state` in the token answer only. The access token has no `aud`, so it proves a login to nobody.
"""

import hashlib
import uuid
from typing import Any

import jwt

from sandbox.psc import falsehoods
from sandbox.psc.authorization import AuthorizationRequest
from sandbox.psc.keys import base64url
from sandbox.psc.oddities import odd_id_claims
from sandbox.psc.quirks import Quirk
from sandbox.psc.realm import Realm
from sandbox.psc.sessions import PscSession
from sandbox.psc.token_store import GivenToken

ACCESS_LASTS = 120
REFRESH_LASTS = 1_800
SCOPE_GRANTED = "openid profile scope_all identity"


def token_answer(
    realm: Realm, session: PscSession, request: AuthorizationRequest, *, refreshed: bool = False
) -> dict[str, Any]:
    """The JSON of a successful token answer, lies included."""
    now = int(realm.now())
    conduct, keys = realm.conduct, realm.keys
    ahead = 10 if conduct.quirk is Quirk.IAT_SLIGHTLY_AHEAD else 0
    claims = _shared_claims(realm, session, request, now + ahead)
    nonce = {} if request.nonce is None or (refreshed and conduct.is_modern) else {"nonce": request.nonce}

    access_claims = {
        **claims,
        "jti": str(uuid.uuid4()),
        "typ": "Bearer",
        **({} if conduct.is_modern else {"nonce": ""}),
        "scope": _scope(realm, request),
        "otherIds": [dict(other) for other in session.persona.other_ids],
    }
    access = jwt.encode(access_claims, keys.signing.private, "RS256", headers={"kid": keys.signing.kid})
    realm.tokens.keep(access, GivenToken("access", access_claims, session, request))

    id_claims = {
        **claims,
        "jti": str(uuid.uuid4()),
        "aud": realm.client.client_id,
        "typ": "ID",
        **nonce,
        "at_hash": base64url(hashlib.sha256(access.encode("ascii")).digest()[:16]),
    }
    id_claims = odd_id_claims(conduct.quirk, id_claims)
    id_claims = falsehoods.id_token_claims(
        conduct.lie, id_claims, now=now, other=realm.personas.somebody_else(session.persona)
    )
    answer: dict[str, Any] = {
        "access_token": access,
        "expires_in": ACCESS_LASTS,
        "refresh_expires_in": REFRESH_LASTS,
        "refresh_token": _refresh_token(realm, session, request, now),
        "token_type": "Bearer",
        "id_token": falsehoods.sign_id_token(
            conduct.lie, id_claims, keys=keys, client_secret=realm.client.secret, issuer=realm.issuer
        ),
        "not-before-policy": 0,
        "session_state": session.id,
        "scope": access_claims["scope"],
    }
    if conduct.quirk is Quirk.NO_REFRESH_TOKEN:
        del answer["refresh_token"]
        answer["refresh_expires_in"] = 0
    return falsehoods.token_answer(conduct.lie, answer)


def logout_token(realm: Realm, session: PscSession) -> str:
    """OpenID Connect Back-Channel Logout §2.4."""
    now = int(realm.now())
    claims = {
        "iat": now,
        "exp": now + ACCESS_LASTS,
        "jti": str(uuid.uuid4()),
        "iss": realm.issuer,
        "aud": realm.client.client_id,
        "sub": realm.subject_of(session.persona),
        "typ": "Logout",
        "sid": session.id,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    headers = {"kid": realm.keys.signing.kid, "typ": "logout+jwt"}
    return jwt.encode(claims, realm.keys.signing.private, "RS256", headers=headers)


def hinted_session(realm: Realm, id_token_hint: str) -> PscSession | None:
    """The session an ID token was made for: its signature counts, its end does not (dossier §8)."""
    try:
        signer = realm.keys.signer_of(jwt.get_unverified_header(id_token_hint).get("kid"))
        if signer is None:
            return None
        unjudged: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "verify_aud": False}
        claims = jwt.decode(id_token_hint, signer.private.public_key(), algorithms=["RS256"], options=unjudged)
    except jwt.PyJWTError:
        return None
    return realm.sessions.get(claims.get("sid")) if claims.get("typ") == "ID" else None


def _shared_claims(realm: Realm, session: PscSession, request: AuthorizationRequest, now: int) -> dict[str, Any]:
    earlier = 478 if realm.conduct.quirk is Quirk.OLD_AUTH_TIME else 0
    return {
        "exp": now + ACCESS_LASTS,
        "iat": now,
        "auth_time": int(session.auth_time) - earlier,
        "iss": realm.issuer,
        "sub": realm.subject_of(session.persona),
        "azp": request.client_id,
        **({} if realm.conduct.is_modern else {"session_state": session.id}),
        "acr": realm.conduct.acr,
        "sid": session.id,
        "authMode": session.auth_mode,
        "preferred_username": session.persona.national_id,
    }


def _scope(realm: Realm, request: AuthorizationRequest) -> str:
    if "scope_all" not in request.scope:
        return "openid profile"
    return "openid profile email scope_all" if realm.conduct.quirk is Quirk.SCOPE_AS_IN_2021 else SCOPE_GRANTED


def _refresh_token(realm: Realm, session: PscSession, request: AuthorizationRequest, now: int) -> str:
    """As Keycloak's: signed with a secret of its own, for itself. Nobody else has a use for its inside."""
    claims = {
        "exp": now + REFRESH_LASTS,
        "iat": now,
        "jti": str(uuid.uuid4()),
        "iss": realm.issuer,
        "aud": realm.issuer,
        "sub": realm.subject_of(session.persona),
        "typ": "Refresh",
        "azp": request.client_id,
        "sid": session.id,
        "scope": _scope(realm, request),
    }
    text = jwt.encode(claims, realm.keys.refresh_secret, "HS512", headers={"kid": realm.storage_uuid})
    realm.tokens.keep(text, GivenToken("refresh", claims, session, request))
    return text
