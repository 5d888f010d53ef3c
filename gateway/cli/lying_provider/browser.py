"""A browser without scripts: follows redirects, keeps cookies, and presses the one button of the provider's form_post page.

As browsers do, it lets Secure cookies travel over plain http to this machine's own names.
"""

import html
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import IO
from urllib.parse import urlencode, urljoin, urlsplit

from gateway.settings import is_loopback

MAX_REDIRECTS = 20
LARGEST_PAGE = 2_000_000
_FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')
_ACTION = re.compile(r'<form method="post" action="([^"]*)">')
_REFRESH = re.compile(
    r"<meta[^>]+http-equiv=[\"']?refresh[\"']?[^>]+content=[\"']\s*0?\s*;\s*url=([^\"']+)", re.IGNORECASE
)


class NoAnswerError(Exception):
    """Nobody answers at that address, or not as a web server; the sentence says which."""


@dataclass(frozen=True, slots=True)
class Page:
    """Where the browser ended."""

    url: str
    status: int
    text: str


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


class _AsBrowsersDo(DefaultCookiePolicy):
    def return_ok_secure(self, cookie: object, request: urllib.request.Request) -> bool:
        if getattr(cookie, "secure", False) and request.type == "http":
            return is_loopback(urlsplit(request.full_url).hostname)
        return True


class Browser:
    def __init__(self, issuer: str, ca_file: str | None = None) -> None:
        self._issuer = issuer
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca_file)),
            urllib.request.HTTPCookieProcessor(CookieJar(_AsBrowsersDo())),
            _Stay(),
        )

    def open(self, url: str, form: Mapping[str, str] | None = None) -> Page:
        """Raises NoAnswerError."""
        for _ in range(MAX_REDIRECTS):
            if not url.startswith(("http://", "https://")):
                raise NoAnswerError(f"a redirect leads to {url.partition(':')[0]}:, which is no web address")
            page, location = self._exchange(url, form)
            if location is not None:
                form = form if page.status in {307, 308} else None
                url = urljoin(url, location)
            elif (next_form := self._form_post(page)) is not None:
                url, form = next_form
            elif (refresh := _REFRESH.search(page.text)) is not None:
                url, form = urljoin(url, html.unescape(refresh.group(1))), None
            else:
                return page
        raise NoAnswerError(f"more than {MAX_REDIRECTS} redirects, the last to {url}")

    def _form_post(self, page: Page) -> tuple[str, Mapping[str, str]] | None:
        action = _ACTION.search(page.text) if page.url.startswith(self._issuer) else None
        if action is None:
            return None
        fields = {html.unescape(name): html.unescape(value) for name, value in _FIELD.findall(page.text)}
        return html.unescape(action.group(1)), fields

    def _exchange(self, url: str, form: Mapping[str, str] | None) -> tuple[Page, str | None]:
        body = urlencode(form).encode() if form is not None else None
        headers = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "fr,en", "User-Agent": "passerelle test-client"}
        request = urllib.request.Request(url.partition("#")[0], body, headers)  # noqa: S310 -- http(s), checked above
        try:
            try:
                answer = self._opener.open(request, timeout=20)
            except urllib.error.HTTPError as not_ok:
                answer = not_ok
            with answer:
                text = answer.read(LARGEST_PAGE).decode("utf-8", "replace")
                return Page(url, answer.status, text), answer.headers.get(
                    "location"
                ) if 300 <= answer.status < 400 else None
        except (OSError, HTTPException) as failure:
            reason = getattr(failure, "reason", None) or failure
            raise NoAnswerError(f"{url}: {reason}") from None
