"""A person who signs in with a password, as far as the page that asks for a code: the real pages, spoken to as a browser does.

Every person comes from an address of their own, which a trusted proxy tells, so that no throttle answers in the password's
place. A sign-in counts when the code page is there; whatever else is said raises Unmeasurable.
"""

import asyncio
import itertools
import re
from collections.abc import Sequence
from urllib.parse import urlencode, urlsplit

from tests.bench.machine.operations import CLIENT_ID, CODE_CHALLENGE, REDIRECT_URI
from tests.bench.measure import Unmeasurable

PASSWORD = "un autre héron gris traverse la Loire"
PROXY = "127.0.0.1"
_FORM = re.compile(r'action="(/signin/[^"]+/password)".*?name="form_token" value="([^"]+)"', re.DOTALL)
_MOST_REDIRECTS = 8


class SignIns:
    """`usernames`: whose turn it is, again and again; a person is sent five codes in an hour at most."""

    def __init__(self, port: int, usernames: Sequence[str]) -> None:
        self._port, self._usernames = port, itertools.cycle(usernames)
        self._addresses = (f"198.18.{number >> 8 & 255}.{number & 255}" for number in itertools.count(1))
        self.done = 0

    async def one(self) -> None:
        browser = _Browser(self._port, next(self._addresses))
        try:
            await browser.open()
            query = {
                "client_id": CLIENT_ID, "response_type": "code", "redirect_uri": REDIRECT_URI, "scope": "openid",
                "code_challenge": CODE_CHALLENGE, "code_challenge_method": "S256", "state": "s", "nonce": "n",
            }  # fmt: skip
            path, page = await browser.visit(f"/authorize?{urlencode(query)}")
            form = _FORM.search(page)
            if form is None:
                raise Unmeasurable(f"no password form at {_kind(path)}")
            fields = {"form_token": form[2], "identifier": next(self._usernames), "password": PASSWORD}
            path, _ = await browser.visit(form[1], urlencode(fields))
            if not path.endswith("/code"):
                raise Unmeasurable(f"after the password: {_kind(path)}")
        finally:
            browser.close()
        self.done += 1


class _Browser:
    """One connection, cookies, redirects of our own site."""

    def __init__(self, port: int, address: str) -> None:
        self._port, self._address, self._cookies = port, address, dict[str, str]()
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    async def visit(self, path: str, form: str | None = None) -> tuple[str, str]:
        """The path and the page where the redirects end; Unmeasurable when that is no page."""
        for _ in range(_MOST_REDIRECTS):
            status, location, page = await self._ask(path, form)
            if status == 200:
                return urlsplit(path).path, page
            if status not in {302, 303} or not location.startswith("/"):
                break
            path, form = location, None
        raise Unmeasurable(f"{status} at {_kind(path)}")

    async def _ask(self, path: str, form: str | None) -> tuple[int, str, str]:
        lines = [
            f"{'GET' if form is None else 'POST'} {path} HTTP/1.1",
            f"Host: localhost:{self._port}",
            f"X-Forwarded-For: {self._address}",
            "Accept: text/html",
        ]
        if self._cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self._cookies.items()))
        if form is not None:
            lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(form)}"]
        assert self._writer is not None
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n" + (form or "")).encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        fields = [line.partition(": ")[::2] for line in head.split("\r\n")[1:]]
        said = {name.lower(): value for name, value in fields}
        page = await self._reader.readexactly(int(said["content-length"]))
        for name, value in fields:
            if name.lower() == "set-cookie":
                cookie, _, attributes = value.partition(";")
                key, _, worth = cookie.partition("=")
                if "max-age=0" in attributes.lower().replace(" ", ""):
                    self._cookies.pop(key, None)
                else:
                    self._cookies[key] = worth
        return int(head.split(" ", 2)[1]), said.get("location", ""), page.decode()


def _kind(path: str) -> str:
    """Without what names one journey: the same failure is told once."""
    return re.sub(r"/signin/[^/]+", "/signin/…", urlsplit(path).path)
