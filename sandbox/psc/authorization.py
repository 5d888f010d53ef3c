"""The authorization request as the wallet judges it (dossier §2.1 and §8), and the one-time codes that answer it.

First what allows no way back: an unknown client, a redirect URI not declared character for character. Then what is told
to the client: `response_type`, scope, PKCE S256, `prompt`, `max_age`. A code lives 60 s, once, for one client, URI and
verifier; presented again, it ends the session it opened.
"""

import base64
import hashlib
import hmac
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.psc.client import RegisteredClient
from sandbox.psc.refusals import NoWayBack, OAuthError
from sandbox.psc.sessions import PscSession

CODE_LASTS = 60
CODES_KNOWN = 1_000
SCOPES = frozenset(
    [
        "openid",
        "scope_all",
        "identity",
        "rpps",
        "referentiel",
        "profile",
        "email",
        "phone",
        "address",
        "roles",
        "basic",
        "acr",
    ]
)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True)
class AuthorizationRequest:
    client_id: str
    redirect_uri: str
    scope: frozenset[str]
    state: str | None
    nonce: str | None
    code_challenge: str
    prompt: frozenset[str]
    max_age: int | None


@dataclass(frozen=True)
class WayBack:
    redirect_uri: str
    state: str | None


def way_back(parameters: Mapping[str, Sequence[str]], client: RegisteredClient) -> WayBack:
    """Where errors may be told. Raises NoWayBack."""
    if list(parameters.get("client_id", [])) != [client.client_id]:
        raise NoWayBack("Le service qui vous envoie n’est pas connu de Pro Santé Connect.")
    uris = parameters.get("redirect_uri", [])
    if len(uris) != 1 or uris[0] not in client.redirect_uris:
        raise NoWayBack("L’adresse de retour du service n’est pas déclarée.")
    states = parameters.get("state", [])
    return WayBack(uris[0], states[0] if states else None)


def accepted_request(parameters: Mapping[str, Sequence[str]], back: WayBack, client_id: str) -> AuthorizationRequest:
    """Raises OAuthError, to be told at `back`."""
    if any(len(values) != 1 for values in parameters.values()):
        raise OAuthError("invalid_request", "duplicated parameter")
    asked = {name: values[0] for name, values in parameters.items()}
    if "response_type" not in asked:
        raise OAuthError("invalid_request", "Missing parameter: response_type")
    if asked["response_type"] != "code":
        raise OAuthError("unsupported_response_type", "Client is not allowed to initiate browser login with it")
    if asked.get("response_mode", "query") != "query":
        raise OAuthError("invalid_request", "Invalid parameter: response_mode")
    scope = frozenset(asked.get("scope", "").split())
    if "openid" not in scope or not scope <= SCOPES:
        raise OAuthError("invalid_scope", f"Invalid scopes: {asked.get('scope', '')}")
    if asked.get("code_challenge_method") != "S256":
        raise OAuthError("invalid_request", "Missing parameter: code_challenge_method")
    if not _CHALLENGE.fullmatch(asked.get("code_challenge", "")):
        raise OAuthError("invalid_request", "Invalid parameter: code_challenge")
    prompt = frozenset(asked.get("prompt", "").split())
    if not prompt <= {"none", "login", "consent", "select_account"} or ("none" in prompt and len(prompt) > 1):
        raise OAuthError("invalid_request", "Invalid parameter: prompt")
    max_age = asked.get("max_age", "")
    if max_age and not (max_age.isascii() and max_age.isdigit()):
        raise OAuthError("invalid_request", "Invalid parameter: max_age")
    return AuthorizationRequest(
        client_id=client_id,
        redirect_uri=back.redirect_uri,
        scope=scope,
        state=back.state,
        nonce=asked.get("nonce"),
        code_challenge=asked["code_challenge"],
        prompt=prompt,
        max_age=int(max_age) if max_age else None,
    )


def session_is_enough(request: AuthorizationRequest, session: PscSession, now: float) -> bool:
    """Single sign-on, unless the client asks for the person to be there now."""
    if "login" in request.prompt:
        return False
    return request.max_age is None or now - session.auth_time <= request.max_age


@dataclass
class IssuedCode:
    request: AuthorizationRequest
    session: PscSession
    issued_at: float
    used: bool = False


class Codes:
    def __init__(self) -> None:
        self._codes: OrderedDict[str, IssuedCode] = OrderedDict()
        self._lock = threading.Lock()

    def issue(self, request: AuthorizationRequest, session: PscSession, now: float) -> str:
        # The shape of Keycloak's: a random part, the session, the client.
        code = f"{secrets.token_hex(16)}.{session.id}.{secrets.token_hex(8)}"
        with self._lock:
            self._codes[code] = IssuedCode(request, session, now)
            while len(self._codes) > CODES_KNOWN:
                self._codes.popitem(last=False)
        return code

    def redeem(self, code: str, *, redirect_uri: str, verifier: str, now: float) -> IssuedCode:
        """Once. Raises OAuthError `invalid_grant` in Keycloak's words."""
        with self._lock:
            issued = self._codes.get(code)
            if issued is None:
                raise OAuthError("invalid_grant", "Code not valid")
            if issued.used:
                issued.session.ended = True
                raise OAuthError("invalid_grant", "Code not valid")
            issued.used = True
        if now - issued.issued_at >= CODE_LASTS:
            raise OAuthError("invalid_grant", "Code is expired")
        if not issued.session.is_alive(now):
            raise OAuthError("invalid_grant", "Session not active")
        if redirect_uri != issued.request.redirect_uri:
            raise OAuthError("invalid_grant", "Incorrect redirect_uri")
        if not verifier:
            raise OAuthError("invalid_grant", "PKCE code verifier not specified")
        if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(_s256(verifier), issued.request.code_challenge):
            raise OAuthError("invalid_grant", "PKCE verification failed: Code mismatch")
        return issued


def _s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")
