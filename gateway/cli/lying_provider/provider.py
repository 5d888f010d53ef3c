"""The provider itself: discovery, keys, authorization, token, userinfo, sign-out; honest but for the lie of the moment.

One attempt is one login of the application; the provider writes down what it saw of it. It refuses only what a real one
would refuse before anything can be learnt: another client, a wrong secret, a code that nobody was given.
"""

import base64
import hashlib
import html
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlencode

from gateway.cli.lying_provider.lies import Lie
from gateway.cli.lying_provider.scene import Scene, half_hash
from gateway.clock import Clock
from gateway.randomness import base64url, opaque

LIFETIME = 300
HELD = "held by the test provider"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as the server received it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: str

    @property
    def fields(self) -> dict[str, str]:
        return dict(parse_qsl(self.body if self.method == "POST" else self.query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Told:
    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Attempt:
    """`held`: the browser is kept at the provider; `refused`: it is sent back with an error. What follows is what was seen."""

    lie: Lie | None = None
    held: bool = False
    refused: bool = False
    request: dict[str, str] = field(default_factory=dict)
    callback: tuple[str, dict[str, str]] | None = None
    """Where the answer goes, and what it says."""
    redemptions: int = 0
    redeemed_with: dict[str, str] = field(default_factory=dict)
    userinfo_asked: bool = False
    sid: str = ""
    trouble: str = ""
    """Why the provider itself refused."""

    @property
    def posts(self) -> bool:
        return self.request.get("response_mode") == "form_post"


class LyingProvider:
    def __init__(self, scene: Scene, clock: Clock) -> None:
        self.scene = scene
        self._clock = clock
        self._lock = threading.Lock()
        self._current = Attempt(held=True)
        self._codes: dict[str, Attempt] = {}
        self._access_tokens: dict[str, Attempt] = {}

    def attempt(self, lie: Lie | None = None, *, held: bool = False, refused: bool = False) -> Attempt:
        """The next authorization request belongs to this one."""
        with self._lock:
            self._current = Attempt(lie=lie, held=held, refused=refused)
            return self._current

    def answer(self, asked: Asked) -> Told:
        path = asked.path.removeprefix(self._path())
        doors = {
            "/.well-known/openid-configuration": self._discovery,
            "/jwks": lambda _: _json({"keys": [self.scene.key.public_jwk]}),
            "/authorize": self._authorize,
            "/token": self._token,
            "/userinfo": self._userinfo,
            "/logout": self._logout,
        }
        door = doors.get(path)
        with self._lock:
            return door(asked) if door is not None else Told(404, "not here")

    def logout_claims(self, attempt: Attempt) -> dict[str, Any]:
        now = int(self._clock.now())
        return {
            "iss": self.scene.issuer,
            "sub": self.scene.person["sub"],
            "aud": self.scene.client_id,
            "iat": now,
            "exp": now + 120,
            "jti": opaque(self.scene.randomness, 16),
            "sid": attempt.sid,
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }

    def _path(self) -> str:
        return "/" + self.scene.issuer.partition("://")[2].partition("/")[2] if self.scene.issuer.count("/") > 2 else ""

    def _discovery(self, _: Asked) -> Told:
        issuer, algorithm = self.scene.issuer, str(self.scene.key.algorithm)
        methods = ["client_secret_basic", "client_secret_post"] if self.scene.secret is not None else ["none"]
        return _json(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "jwks_uri": f"{issuer}/jwks",
                "end_session_endpoint": f"{issuer}/logout",
                "response_types_supported": ["code"],
                "response_modes_supported": ["query", "form_post"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [algorithm],
                "token_endpoint_auth_methods_supported": methods,
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid", "profile", "email"],
                "authorization_response_iss_parameter_supported": True,
                "backchannel_logout_supported": True,
                "backchannel_logout_session_supported": True,
            }
        )

    def _authorize(self, asked: Asked) -> Told:
        attempt, request = self._current, asked.fields
        attempt.request = request
        if request.get("client_id") != self.scene.client_id or not request.get("redirect_uri"):
            attempt.trouble = f"client_id={request.get('client_id')!r}, redirect_uri={request.get('redirect_uri')!r}"
            return Told(400, "unknown client, or no redirect_uri")
        if request.get("response_type") != "code":
            attempt.trouble = f"response_type={request.get('response_type')!r}: only code is spoken here"
            return Told(400, "response_type is not code")
        code = opaque(self.scene.randomness)
        attempt.sid = opaque(self.scene.randomness, 16)
        self._codes[code] = attempt
        fields: dict[str, Any] = {"error": "access_denied"} if attempt.refused else {"code": code}
        fields |= {"state": request["state"]} if "state" in request else {}
        fields["iss"] = self.scene.issuer
        if attempt.lie is not None:
            fields = attempt.lie.answer(fields, self.scene)
        attempt.callback = request["redirect_uri"], fields
        if attempt.held:
            return Told(200, HELD, {"content-type": "text/plain"})
        if attempt.posts:
            return Told(200, _form(request["redirect_uri"], fields), {"content-type": "text/html; charset=utf-8"})
        return Told(302, "", {"location": with_fields(request["redirect_uri"], fields)})

    def _token(self, asked: Asked) -> Told:
        form = asked.fields
        attempt = self._codes.get(form.get("code", ""))
        if attempt is None:
            return _json({"error": "invalid_grant"}, 400)
        attempt.redemptions += 1
        attempt.redeemed_with = form
        if not self._is_client(asked.headers.get("authorization", ""), form):
            attempt.trouble = "the application did not prove itself with this client id and secret"
            return _json({"error": "invalid_client"}, 401)
        if attempt.redemptions > 1:
            return _json({"error": "invalid_grant"}, 400)
        access_token = opaque(self.scene.randomness)
        self._access_tokens[access_token] = attempt
        lie, claims = attempt.lie, self._claims(attempt, access_token)
        id_token = self.scene.honest(claims) if lie is None else lie.seal(lie.claims(claims, self.scene), self.scene)
        tokens: dict[str, Any] = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": LIFETIME,
            "id_token": id_token,
            "scope": attempt.request.get("scope", "openid"),
        }
        return _json(tokens if lie is None else lie.tokens(tokens, self.scene))

    def _claims(self, attempt: Attempt, access_token: str) -> dict[str, Any]:
        now = int(self._clock.now())
        return {
            **self.scene.person,
            "iss": self.scene.issuer,
            "aud": self.scene.client_id,
            "iat": now,
            "exp": now + LIFETIME,
            "auth_time": now,
            "sid": attempt.sid,
            "at_hash": half_hash(access_token, self.scene.key.algorithm),
            **({"nonce": attempt.request["nonce"]} if "nonce" in attempt.request else {}),
        }

    def _userinfo(self, asked: Asked) -> Told:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        attempt = self._access_tokens.get(token or asked.fields.get("access_token", ""))
        if attempt is None or (token and scheme.lower() != "bearer"):
            return _json({"error": "invalid_token"}, 401)
        attempt.userinfo_asked = True
        claims = dict(self.scene.person)
        return _json(claims if attempt.lie is None else attempt.lie.userinfo(claims, self.scene))

    def _logout(self, asked: Asked) -> Told:
        fields = asked.fields
        back = fields.get("post_logout_redirect_uri")
        if back is None:
            return Told(200, "signed out", {"content-type": "text/plain"})
        state = {"state": fields["state"]} if "state" in fields else {}
        return Told(302, "", {"location": with_fields(back, state)})

    def _is_client(self, authorization: str, form: Mapping[str, str]) -> bool:
        """By Basic or in the body; a public client by its name alone. Many libraries forget to form-encode what they write in
        Basic (RFC 6749 §2.3.1), which is not what is tried here: both spellings are understood."""
        proofs = [(form.get("client_id", ""), form.get("client_secret", ""))]
        if authorization:
            try:
                written = base64.b64decode(authorization.partition(" ")[2], validate=True).decode()
            except ValueError:
                return False
            client_id, _, secret = written.partition(":")
            proofs = [(client_id, secret), (unquote_plus(client_id), unquote_plus(secret))]
        wanted = (self.scene.client_id, self.scene.secret or "")
        return wanted in proofs


def pkce_trouble(attempt: Attempt) -> str | None:
    """What is wrong with the proof that the code comes back from whoever asked for it; None when all is well."""
    challenge = attempt.request.get("code_challenge")
    if not challenge:
        return "no code_challenge"
    if attempt.request.get("code_challenge_method") != "S256":
        return f"code_challenge_method={attempt.request.get('code_challenge_method', 'plain')}"
    verifier = attempt.redeemed_with.get("code_verifier", "")
    if base64url(hashlib.sha256(verifier.encode()).digest()) != challenge:
        return "no code_verifier" if not verifier else "code_verifier is not the challenge's"
    return None


def with_fields(address: str, fields: Mapping[str, str]) -> str:
    if not fields:
        return address
    return f"{address}{'&' if '?' in address else '?'}{urlencode(fields)}"


def _form(action: str, fields: Mapping[str, str]) -> str:
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )
    return f'<form method="post" action="{html.escape(action)}">{hidden}<button>Continue</button></form>'


def _json(content: Mapping[str, Any], status: int = 200) -> Told:
    return Told(status, json.dumps(content), {"content-type": "application/json", "cache-control": "no-store"})
