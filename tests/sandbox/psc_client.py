"""A careful relying party in a few lines, for the tests of the simulated Pro Santé Connect: it asks, redeems, reads."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import requests

from sandbox.psc import RunningPsc

CLIENT_ID = "gateway-test"
CLIENT_SECRET = "secret: à 100 % & +"
REDIRECT_URI = "http://127.0.0.1:8080/callback"
LEFT_URI = "http://127.0.0.1:8080/left"


@dataclass
class Client:
    psc: RunningPsc
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def url(self, **changes: str | None) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": REDIRECT_URI,
            "scope": "openid scope_all",
            "acr_values": "eidas1",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        given = {name: value for name, value in (asked | changes).items() if value is not None}
        return f"{self.psc.wallet_url}/auth?{urlencode(given)}"

    def endpoint(self, name: str) -> str:
        return f"{self.psc.issuer}/protocol/openid-connect/{name}"

    def post(self, name: str, form: dict[str, str], *, auth: Any = "basic", **options: Any) -> requests.Response:
        headers = {}
        if auth == "basic":
            pair = urlencode({"": CLIENT_ID})[1:] + ":" + urlencode({"": CLIENT_SECRET})[1:]
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        return requests.post(self.endpoint(name), data=form, headers=headers, timeout=20, **options)

    def redeem(self, callback: str, **changes: str) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": answer(callback)["code"],
            "redirect_uri": REDIRECT_URI,
            "code_verifier": self.verifier,
        }
        return self.post("token", form | changes, allow_redirects=False)

    def tokens(self, callback: str) -> dict[str, Any]:
        response = self.redeem(callback)
        assert response.status_code == 200, response.text
        return response.json()

    def userinfo(self, access_token: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return requests.get(self.endpoint("userinfo"), headers=headers, timeout=20, allow_redirects=False)


def answer(callback: str) -> dict[str, str]:
    assert callback.startswith(REDIRECT_URI), callback
    parameters = parse_qs(urlsplit(callback).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in parameters.values()), parameters
    return {name: values[0] for name, values in parameters.items()}


def header(token: str) -> dict[str, Any]:
    return _part(token, 0)


def claims(token: str) -> dict[str, Any]:
    return _part(token, 1)


def _part(token: str, index: int) -> dict[str, Any]:
    text = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def verified(psc: RunningPsc, token: str, *, algorithms: tuple[str, ...] = ("RS256",)) -> dict[str, Any]:
    """Signature by the published key of the header's `kid`; nothing else."""
    published = requests.get(f"{psc.issuer}/protocol/openid-connect/certs", timeout=20).json()["keys"]
    (key,) = [one for one in published if one["kid"] == jwt.get_unverified_header(token)["kid"] and one["use"] == "sig"]
    unjudged: Any = dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss"), False)
    return jwt.decode(token, jwt.PyJWK(key), algorithms=list(algorithms), options=unjudged)
