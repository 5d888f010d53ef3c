"""A small application whose every check of a provider's answers can be switched off, one at a time.

It speaks the protocol with `cryptography` and the standard library alone, so that each check is one line to see. What it is
deaf to is named as `passerelle test-client` names it.
"""

import base64
import hashlib
import hmac
import json
import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import flask
import requests
from joserfc import jws
from joserfc.jwk import ECKey, KeySet
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Refused(Exception):  # noqa: N818
    """The application does not believe it."""


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _part(token: str, place: int) -> Any:
    part = token.split(".")[place]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class DeafApplication:
    def __init__(
        self, deaf_to: frozenset[str], client_id: str, secret: str | None, *, mode: str = "query", quiet: bool = False
    ) -> None:
        self.deaf_to = deaf_to
        self.issuer = ""
        self.url = ""
        self._client_id, self._secret, self._mode, self._quiet = client_id, secret, mode, quiet
        self._begun: dict[str, dict[str, Any]] = {}
        self._sessions: dict[str, dict[str, Any]] = {}
        self._jtis: set[str] = set()
        self._keys: KeySet | None = None
        self._discovered: dict[str, Any] = {}
        self.site = self._pages()

    def _checks(self, what: str) -> bool:
        return what not in self.deaf_to

    def _metadata(self) -> dict[str, Any]:
        if not self._discovered:
            address = f"{self.issuer}/.well-known/openid-configuration"
            self._discovered = requests.get(address, timeout=5).json()
        return self._discovered

    def _key(self, kid: str) -> ECKey:
        """As it is published, which is read again when its name is new."""
        for _ in range(2):
            for key in self._keys.keys if self._keys else []:
                if key.kid == kid:
                    assert isinstance(key, ECKey)
                    return key
            self._keys = KeySet.import_key_set(requests.get(self._metadata()["jwks_uri"], timeout=5).json())
        raise Refused("unknown kid")

    def _signed(self, token: str) -> dict[str, Any]:
        """The claims, once the signature is right: or whatever it is, where the ears are closed."""
        header, claims = _part(token, 0), _part(token, 1)
        signing_input, _, signature = token.rpartition(".")
        logout = "logout-" if header.get("typ") == "logout+jwt" else ""
        match header["alg"]:
            case "none":
                believed = not self._checks(f"{logout}alg-none")
            case "HS256":
                pem = self._key(header["kid"]).as_pem(private=False)
                mac = _b64(hmac.digest(pem, signing_input.encode(), hashlib.sha256))
                believed = not self._checks("alg-hs256") and mac == signature
            case "ES256":
                believed = self._by_key(token, header, logout)
            case _:
                believed = False
        if not believed:
            raise Refused("signature")
        return dict(claims)

    def _by_key(self, token: str, header: dict[str, Any], logout: str) -> bool:
        if "jwk" in header:
            return not self._checks("key-in-header")
        try:
            key = self._key(header["kid"])
        except Refused:
            return not self._checks("unknown-kid")
        try:
            jws.deserialize_compact(token, key, algorithms=["ES256"])
        except Exception:
            return not self._checks(f"{logout}signature")
        return True

    def begin(self, browser: str) -> str:
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        self._begun[state] = {"nonce": nonce, "verifier": verifier, "browser": browser}
        asked = {
            "client_id": self._client_id,
            "redirect_uri": f"{self.url}/callback",
            "response_type": "code",
            "scope": "openid profile",
            "state": state,
            "nonce": nonce,
        }
        if self._mode == "form_post":
            asked["response_mode"] = "form_post"
        if self._checks("pkce"):
            challenge = _b64(hashlib.sha256(verifier.encode()).digest())
            asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{self._metadata()['authorization_endpoint']}?{urlencode(asked)}"

    def _transaction(self, answer: dict[str, str], browser: str) -> dict[str, Any]:
        state = answer.get("state")
        deaf = "state-missing" if state is None else "state"
        found = self._begun.get(state or "")
        if found is None and not self._checks(deaf):
            found = next((one for one in reversed(self._begun.values()) if one["browser"] == browser), None)
        if found is None:
            raise Refused("state")
        if found["browser"] != browser and self._checks("state-other-browser"):
            raise Refused("state of another browser")
        if self._checks("replay"):
            self._begun.pop(state or "", None)
        return found

    def _sign_in(self, answer: dict[str, str], browser: str) -> dict[str, Any]:
        begun = self._transaction(answer, browser)
        if "iss" in answer and answer["iss"] != self.issuer and self._checks("response-issuer"):
            raise Refused("iss of the response")
        if "iss" not in answer and self._checks("response-issuer-missing"):
            raise Refused("no iss in the response")
        if "code" not in answer:
            raise Refused(answer.get("error", "no code"))
        form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": f"{self.url}/callback"}
        if self._checks("pkce"):
            form["code_verifier"] = begun["verifier"]
        auth = (self._client_id, self._secret) if self._secret else None
        form |= {} if auth else {"client_id": self._client_id}
        answered = requests.post(self._metadata()["token_endpoint"], data=form, auth=auth, timeout=5)
        if not answered.ok:
            raise Refused("the code")
        tokens = answered.json()
        userinfo = requests.get(
            self._metadata()["userinfo_endpoint"],
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
            timeout=5,
        ).json()
        if "id_token" not in tokens:
            if self._checks("missing-id-token"):
                raise Refused("no ID token")
            return {**userinfo, "sid": None}
        claims = self._signed(tokens["id_token"])
        self._judge(claims, begun, tokens["access_token"])
        if userinfo["sub"] != claims["sub"] and self._checks("userinfo-sub"):
            raise Refused("sub of userinfo")
        return claims

    def _judge(self, claims: dict[str, Any], begun: dict[str, Any], access_token: str) -> None:
        now, audiences = time.time(), claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        half = _b64(hashlib.sha256(access_token.encode()).digest()[:16])
        for what, wrong in (
            ("issuer", claims["iss"] != self.issuer),
            ("audience", self._client_id not in audiences),
            ("azp", len(audiences) > 1 and claims.get("azp") != self._client_id),
            ("expiry", claims["exp"] <= now),
            ("issued-in-future", claims["iat"] > now + 60),
            ("nonce-missing", "nonce" not in claims),
            ("nonce", "nonce" in claims and claims["nonce"] != begun["nonce"]),
            ("at-hash", claims.get("at_hash", half) != half),
        ):
            if wrong and self._checks(what):
                raise Refused(what)

    def _leave(self, token: str) -> None:
        claims = self._signed(token)
        for what, wrong in (
            ("issuer", claims["iss"] != self.issuer),
            ("audience", claims["aud"] != self._client_id),
            ("expired", claims["exp"] <= time.time()),
            ("events", EVENT not in claims.get("events", {})),
            ("nonce", "nonce" in claims),
            ("replayed", claims["jti"] in self._jtis),
        ):
            if wrong and self._checks(f"logout-{what}"):
                raise Refused(what)
        self._jtis.add(claims["jti"])
        if self._checks("logout"):
            gone = [cookie for cookie, session in self._sessions.items() if session.get("sid") == claims["sid"]]
            for cookie in gone:
                del self._sessions[cookie]

    def _pages(self) -> flask.Flask:
        site = flask.Flask("deaf")

        @site.get("/")
        def home() -> str:
            person = self._sessions.get(flask.request.cookies.get("session", ""))
            if person is None or self._quiet:
                return "<h1>Bienvenue</h1><a href=/login>Se connecter</a>"
            return f"<h1>Bonjour {person.get('name')}</h1><p>Il est {time.time()}</p><a href=/leave>Sortir</a>"

        @site.get("/login")
        def login() -> Response:
            browser = flask.request.cookies.get("browser") or secrets.token_urlsafe(16)
            answer = flask.redirect(self.begin(browser))
            answer.set_cookie("browser", browser, secure=True, httponly=True)
            return answer

        @site.route("/callback", methods=["GET", "POST"])
        def callback() -> Response:
            values = flask.request.form if flask.request.method == "POST" else flask.request.args
            person = self._sign_in(values.to_dict(), flask.request.cookies.get("browser", ""))
            cookie = secrets.token_urlsafe(16)
            self._sessions[cookie] = person
            answer = flask.redirect("/")
            answer.set_cookie("session", cookie, httponly=True)
            return answer

        @site.post("/backchannel-logout")
        def told() -> tuple[str, int]:
            self._leave(flask.request.form["logout_token"])
            return "", 200

        @site.errorhandler(Refused)
        def refused(why: Refused) -> tuple[str, int]:
            return f"<h1>Connexion refusée</h1><p>{why}</p>", 400

        return site


@contextmanager
def deaf_application(
    *deaf_to: str, client_id: str, secret: str | None, mode: str = "query", quiet: bool = False
) -> Iterator[DeafApplication]:
    """Listens; its issuer is set by whoever knows it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    application = DeafApplication(frozenset(deaf_to), client_id, secret, mode=mode, quiet=quiet)
    server = make_server("127.0.0.1", 0, application.site, threaded=True)
    application.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield application
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
