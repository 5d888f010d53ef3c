"""One person at a browser without scripts, or one application, each request from a loopback address of its own.

The address makes every line of the journal traceable to the request that caused it, without asking the gateway anything.
`Ledger` keeps what was asked and what was acknowledged.
"""

import base64
import hashlib
import itertools
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.faults.deployment import AFTER_LOGOUT, REDIRECT_URI, SECRET

VERIFIER = "a-verifier-that-is-long-enough-for-rfc-7636-and-no-secret"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
FORM = "application/x-www-form-urlencoded"
BASIC = "Basic " + base64.b64encode(f"orientation:{SECRET}".encode()).decode()


_addresses = itertools.count(1)


@dataclass
class Act:
    """`expected`: the lines that this request causes when it succeeds."""

    expected: tuple[str, ...]
    acknowledged: bool = False
    refused: bool = False
    """Answered, but not as hoped: its lines are others."""


@dataclass
class Ledger:
    """Every request by its source address."""

    acts: dict[str, Act] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def ask(self, expected: tuple[str, ...]) -> str:
        with self._changed:
            number = next(_addresses)
            source = f"127.{16 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
            self.acts[source] = Act(expected)
            self._changed.notify_all()
        return source

    def answered(self, source: str, *, as_hoped: bool) -> None:
        act = self.acts[source]
        act.acknowledged, act.refused = as_hoped, not as_hoped

    def happened(self, source: str) -> None:
        """It was cut, but what it asked for is seen to have been done: its lines must be there."""
        self.acts[source].acknowledged = True

    def wait_for(self, number_of_requests: int) -> bool:
        """Until so many requests were begun."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.acts) >= number_of_requests, timeout=30)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    source: str

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.location).query).items()}


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, dict[str, str]] = {}
        self._fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "form":
            self._fields = self.forms.setdefault(said.get("action") or "", {})
        elif tag == "input" and said.get("name"):
            self._fields[str(said["name"])] = said.get("value") or ""


def forms_of(page: str) -> dict[str, dict[str, str]]:
    """The fields of each form of a page, by its action."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms


class Visitor:
    """Follows the pages to the letter: it posts the fields that the forms hold."""

    def __init__(self, port: int, ledger: Ledger | None = None) -> None:
        self.port = port
        self.ledger = ledger or Ledger()
        self.cookies: dict[str, str] = {}
        self.source = ""
        """The address of the last request."""

    def ask(
        self,
        method: str,
        path: str,
        *,
        fields: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        expected: tuple[str, ...] = (),
        hoped: Callable[[Answer], bool] = lambda answer: answer.status in {200, 303},
        timeout: float = 30.0,
    ) -> Answer:
        """One request on a connection of its own. `expected`: the journal's lines if the answer is as `hoped`."""
        source = self.source = self.ledger.ask(expected)
        connection = HTTPConnection("127.0.0.1", self.port, timeout=timeout, source_address=(source, 0))
        sent = {"Host": f"localhost:{self.port}", **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if fields is not None:
            body, sent["Content-Type"] = urlencode(fields), FORM
        try:
            connection.request(method, path, body=body, headers=sent)
            response = connection.getresponse()
            answer = Answer(
                response.status,
                {name.lower(): value for name, value in response.getheaders() if name.lower() != "set-cookie"},
                response.read(),
                source,
            )
            for line in response.headers.get_all("Set-Cookie", []):
                self._keep(line)
        finally:
            connection.close()
        self.ledger.answered(source, as_hoped=hoped(answer))
        return answer

    def _keep(self, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value

    # ── the sign-in, step by step ──

    def authorize(self, *, expected: tuple[str, ...] = (), **more: str) -> Answer:
        request = {
            "client_id": "orientation",
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": "openid profile email",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "state": "s",
            "nonce": "n",
            **more,
        }
        return self.ask(
            "GET",
            f"/authorize?{urlencode(request)}",
            expected=expected,
            hoped=lambda answer: not expected or "code" in answer.query(),
        )

    def open_journey(self, **more: str) -> str:
        """The path of a journey that an application opened."""
        return self.authorize(**more).location

    def form(self, path: str, *, expected: tuple[str, ...] = ()) -> dict[str, str]:
        """The fields of the page's own form."""
        page = self.ask("GET", path, expected=expected, hoped=lambda answer: answer.status == 200)
        found = forms_of(page.text).get(path)
        if found is None:
            raise Moved(f"{page.status} {page.location}")
        return found

    def give_password(self, journey: str, username: str, password: str) -> Answer:
        fields = self.form(f"{journey}/password") | {"identifier": username, "password": password}
        return self.ask("POST", f"{journey}/password", fields=fields, expected=("signin.password",), hoped=_moved_on)

    def ask_for_code(self, journey: str) -> dict[str, str]:
        """The code page's form; asking for the page sends the code."""
        return self.form(f"{journey}/code", expected=("signin.code_sent",))

    def give_code(self, journey: str, fields: dict[str, str], code: str) -> Answer:
        return self.ask(
            "POST", f"{journey}/code", fields=fields | {"code": code}, expected=("signin.code",), hoped=_moved_on
        )

    def finish(self, journey: str) -> Answer:
        """The dispatcher's last answer: the session, and the way back to the application."""
        return self.ask(
            "GET",
            journey,
            expected=("signin.completed", "session.started"),
            hoped=lambda answer: answer.location.startswith("/authorize/resume/"),
        )

    def resume(self, address: str) -> Answer:
        return self.ask(
            "GET", address, expected=("authorization.granted",), hoped=lambda answer: "code" in answer.query()
        )

    # ── the application ──

    def redeem(self, code: str) -> Answer:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        return self.ask(
            "POST",
            "/token",
            fields=fields,
            headers={"Authorization": BASIC},
            expected=("token.issued",),
            hoped=lambda answer: answer.status == 200,
        )

    def userinfo(self, access_token: str) -> Answer:
        return self.ask(
            "GET",
            "/userinfo",
            headers={"Authorization": f"Bearer {access_token}"},
            expected=("userinfo.read",),
            hoped=lambda answer: answer.status == 200,
        )

    def logout(self, id_token: str) -> Answer:
        query = urlencode({"id_token_hint": id_token, "post_logout_redirect_uri": AFTER_LOGOUT})
        return self.ask("GET", f"/logout?{query}", expected=("logout.requested", "session.ended"), hoped=_moved_on)

    def silently(self) -> str | None:
        """A code for the session this browser has, if any."""
        return self.authorize(expected=("authorization.granted",), prompt="none").query().get("code")


class Moved(Exception):  # noqa: N818 -- a turn of the path
    """The page asked for is not the current step."""


def _moved_on(answer: Answer) -> bool:
    return answer.status == 303


def code_in(mail_text: str) -> str:
    found = re.search(r"\b(\d[\d ]{6,12}\d)\b", mail_text)
    assert found, mail_text
    return found[1].replace(" ", "")
