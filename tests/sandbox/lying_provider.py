"""A small OpenID Provider of these tests, honest until told to lie in exactly one way.

A lie changes one thing: the authorization answer, the ID token's header or claims, its key, or userinfo.
"""

import base64
import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask import Flask, jsonify, redirect, request
from flask.typing import ResponseReturnValue

from sandbox.http_server import HttpServer
from sandbox.loopback import LoopbackAddress

CLIENT_ID = "orientation"
CLIENT_SECRET = "secret: à 100 % & +"
PERSON = {
    "sub": "a1b2c3",
    "name": "Camille Fictive",
    "given_name": "Camille",
    "family_name": "Fictive",
    "structure": {"id": "fineg:990000010", "name": "Foyer Les Tilleuls"},
    "roles": ["msph.notif"],
    "entitlements": ["tdb.nominatif", "notif.declare", "notif.repondre", "evaluation.read"],
    "structures": [
        {"id": "fineg:990000010", "name": "Foyer Les Tilleuls", "roles": ["msph.notif"], "end": "2028-03-01"},
        {"id": "fineg:990000028", "name": "ESAT du Canal", "roles": ["msph.stats"], "end": "2027-10-15"},
    ],
    "structures_total": 2,
    "structures_truncated": False,
    "roles_version": 1,
    "roles_as_of": "2026-11-02T08:00:00Z",
}


@dataclass
class Lies:
    answer: dict[str, str | None] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    access_claims: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    algorithm: str = "ES256"
    """Not a lie: the algorithm of the ID token."""


class LyingProvider:
    def __init__(self) -> None:
        self.keys: dict[str, Any] = {
            "ES256": ec.generate_private_key(ec.SECP256R1()),
            "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        }
        self.forger = ec.generate_private_key(ec.SECP256R1())
        self._server = HttpServer(LoopbackAddress("127.0.0.1", 0), "provider")
        self.issuer = self._server.url
        self.be_honest()

    def be_honest(self) -> None:
        self.lies = Lies()
        self.requests: list[dict[str, str]] = []
        self.logouts: list[dict[str, str]] = []
        self.tokens_given: list[str] = []
        self.sid = uuid.uuid4().hex
        """Of the session that the next sign-ins share."""
        self._codes: dict[str, dict[str, str]] = {}
        self.now = time.time

    def start(self) -> None:
        self._server.start(self._site())

    def stop(self) -> None:
        self._server.stop()

    def jwks(self) -> dict[str, Any]:
        keys = []
        for algorithm, key in self.keys.items():
            kind = jwt.get_algorithm_by_name(algorithm)
            keys.append(
                {**kind.to_jwk(key.public_key(), as_dict=True), "kid": algorithm, "use": "sig", "alg": algorithm}
            )
        return {"keys": keys}

    def _site(self) -> Flask:
        site = Flask("lying_provider")

        @site.get("/.well-known/openid-configuration")
        def metadata() -> ResponseReturnValue:
            return jsonify(
                {
                    "issuer": self.issuer,
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "userinfo_endpoint": f"{self.issuer}/userinfo",
                    "jwks_uri": f"{self.issuer}/jwks",
                    "end_session_endpoint": f"{self.issuer}/logout",
                    "authorization_response_iss_parameter_supported": True,
                    **self.lies.metadata,
                }
            )

        @site.get("/jwks")
        def jwks() -> ResponseReturnValue:
            return jsonify(self.jwks())

        @site.get("/authorize")
        def authorize() -> ResponseReturnValue:
            asked = request.args.to_dict()
            self.requests.append(asked)
            code = f"code-{len(self.requests)}"
            self._codes[code] = asked
            answer: dict[str, str | None] = {"code": code, "state": asked["state"], "iss": self.issuer}
            answer |= self.lies.answer
            said = {name: value for name, value in answer.items() if value is not None}
            return redirect(f"{asked['redirect_uri']}?{urlencode(said)}", 303)

        @site.post("/token")
        def token() -> ResponseReturnValue:
            scheme, _, credentials = request.headers["Authorization"].partition(" ")
            client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
            if scheme != "Basic" or (unquote_plus(client_id), unquote_plus(secret)) != (CLIENT_ID, CLIENT_SECRET):
                return jsonify(error="invalid_client"), 401
            asked = self._codes.pop(request.form["code"], None)
            if asked is None or request.form["redirect_uri"] != asked["redirect_uri"]:
                return jsonify(error="invalid_grant"), 400
            challenge = base64.urlsafe_b64encode(hashlib.sha256(request.form["code_verifier"].encode()).digest())
            if challenge.rstrip(b"=").decode() != asked["code_challenge"] or asked["code_challenge_method"] != "S256":
                return jsonify(error="invalid_grant"), 400
            return jsonify(self._tokens(asked))

        @site.get("/userinfo")
        def userinfo() -> ResponseReturnValue:
            return jsonify({**PERSON, **self.lies.userinfo})

        @site.get("/logout")
        def logout() -> ResponseReturnValue:
            asked = request.args.to_dict()
            self.logouts.append(asked)
            return redirect(f"{asked['post_logout_redirect_uri']}?{urlencode({'state': asked['state']})}", 303)

        return site

    def _tokens(self, asked: dict[str, str]) -> dict[str, Any]:
        now = int(self.now())
        common = {"iss": self.issuer, "sub": PERSON["sub"], "iat": now, "exp": now + 300}
        access = {
            **common,
            "aud": CLIENT_ID,
            "client_id": CLIENT_ID,
            "scope": asked["scope"],
            **self.lies.access_claims,
        }
        access_token = jwt.encode(access, self.keys["ES256"], "ES256", {"kid": "ES256", "typ": "at+jwt"})
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = {
            **common,
            "aud": CLIENT_ID,
            "nonce": asked["nonce"],
            "acr": "urn:passerelle:acr:pwd-otp-mail",
            "amr": ["pwd", "otp"],
            "auth_time": now,
            "sid": self.sid,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **self.lies.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"kid": self.lies.algorithm, "alg": self.lies.algorithm, **self.lies.header}
        id_token = (self.lies.sign or self.sign)(header, claims)
        self.tokens_given = [id_token, access_token]
        answer = {"access_token": access_token, "id_token": id_token, "token_type": "Bearer", "expires_in": 300}
        return answer | self.lies.token

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        return jwt.encode(claims, self.keys[header["alg"]], header["alg"], header)
