"""Tokens that the running gateway gave: an ordinary sign-in of a person of the demo, without any library."""

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
import yaml

from tests.connect.connected import CLIENTS, Connected
from tests.connect.page_blocks import PAGES, blocks
from tests.html_only_browser import HtmlOnlyBrowser
from tests.interoperability.person import Person

VERIFIER = "v" * 43


@dataclass(frozen=True)
class Tokens:
    access_token: str
    id_token: str
    refresh_token: str

    @property
    def header(self) -> dict[str, Any]:
        """Of the access token."""
        return self._part(0)

    @property
    def claims(self) -> dict[str, Any]:
        return self._part(1)

    def _part(self, number: int) -> dict[str, Any]:
        segment = self.access_token.split(".")[number]
        members: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
        return members


def tokens_of(connected: Connected, client_id: str, username: str) -> Tokens:
    redirect_uri = _client(connected, client_id)["redirect_uris"][0]
    browser = HtmlOnlyBrowser(stops_at=[redirect_uri])
    asked = {
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "response_type": "code",
        "scope": "openid profile ror",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    came_back = Person(username, connected.demo, browser).signs_in(f"{connected.issuer}/authorize?{urlencode(asked)}")
    (code,) = parse_qs(urlsplit(came_back).query)["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": VERIFIER}
    secret = connected.folder / f"{client_id}.secret"
    if secret.exists():
        auth = (client_id, secret.read_text("utf-8").strip())
        answer = requests.post(f"{connected.issuer}/token", data=form, auth=auth, timeout=10)
    else:
        answer = requests.post(f"{connected.issuer}/token", data={**form, "client_id": client_id}, timeout=10)
    assert answer.ok, answer.text
    said = answer.json()
    return Tokens(said["access_token"], said["id_token"], said["refresh_token"])


def _client(connected: Connected, client_id: str) -> dict[str, Any]:
    for page in PAGES.glob("*.md"):
        for name, text in blocks(page.name):
            if name == f"{CLIENTS}{client_id}.yaml":
                for example, own in connected.places.items():
                    text = text.replace(example, own)  # noqa: PLW2901
                declared: dict[str, Any] = yaml.safe_load(text)
                return declared
    raise AssertionError(f"no page has the file of {client_id}")
