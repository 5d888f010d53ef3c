"""A browser that knows HTML and nothing else: it follows redirects, keeps cookies, reads forms and submits them.

For tests that walk through the people's pages over plain HTTP. It is strict where browsers are: a `__Host-` cookie that is
not Secure, has a Domain or another path is dropped (RFC 6265bis §4.1.3), a Secure cookie travels over http to loopback
names only, a form posted to another site carries no Lax cookie. Cookies live until `Max-Age` 0 or the end of the test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from ipaddress import ip_address
from urllib.parse import urldefrag, urlencode, urljoin, urlsplit

import requests

MAX_REDIRECTS = 20


@dataclass
class Form:
    """A form as a person finds it. `fields` are the values that it would send now, hidden ones included; `fillable` the
    names of the controls that a person can change."""

    action: str
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)
    fillable: set[str] = field(default_factory=set)


class HtmlOnlyBrowser:
    """`stops_at`: addresses that start so are not opened when a redirect leads there: they belong to an application that
    the test plays itself."""

    def __init__(self, *, stops_at: Sequence[str] = (), language: str = "fr") -> None:
        self.url = ""
        self.status: int | None = None
        self.html = ""
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self._stops_at = tuple(stops_at)
        self._language = language
        self._cookies: dict[tuple[str, str], str] = {}

    def open(self, url: str) -> str:
        """Types an address. Returns where the browser is after all redirects."""
        return self._visit("GET", url, None, sends_cookies=True)

    def follow(self, text: str) -> str:
        """Clicks the link whose text contains `text`."""
        found = [address for label, address in self.links.items() if text in label]
        assert found, f"no link says {text!r} at {self.url}: {list(self.links)}"
        return self.open(found[0])

    def form(self, *controls: str) -> Form:
        """The only form of the page that has these controls."""
        found = [form for form in self.forms if form.fillable.issuperset(controls)]
        assert len(found) == 1, f"{len(found)} forms have {controls} at {self.url} ({self.status}): {self.forms}"
        return found[0]

    def submit(self, form: Form, **filled: str) -> str:
        """Fills controls by name and submits. Returns where the browser is after all redirects."""
        assert form.fillable.issuperset(filled), f"nobody can fill {set(filled) - form.fillable} in {form}"
        sent = {**form.fields, **filled}
        if form.method == "get":
            return self.open(f"{form.action.partition('?')[0]}?{urlencode(sent)}")
        same_site = _host(form.action) == _host(self.url)
        return self._visit("POST", form.action, sent, sends_cookies=same_site)

    def cookie(self, name: str, host: str = "localhost") -> str | None:
        return self._cookies.get((host, name))

    def _visit(self, method: str, url: str, body: Mapping[str, str] | None, *, sends_cookies: bool) -> str:
        for _ in range(MAX_REDIRECTS):
            url = urldefrag(url).url
            headers = {"Accept": "text/html", "Accept-Language": self._language}
            if sends_cookies and (cookies := self._cookies_for(url)):
                headers["Cookie"] = cookies
            answer = self._exchange(method, url, body, headers)
            self._keep_cookies(url, answer.raw.headers.getlist("Set-Cookie"))
            if not (300 <= answer.status_code < 400 and "Location" in answer.headers):
                return self._show(url, answer)
            url = urljoin(url, answer.headers["Location"])
            if url.startswith(self._stops_at or ("\0",)):
                return self._leave(url)
            if answer.status_code not in {307, 308}:
                method, body = "GET", None
        raise AssertionError(f"more than {MAX_REDIRECTS} redirects, the last to {url}")

    @staticmethod
    def _exchange(
        method: str, url: str, body: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> requests.Response:
        """One request, on a session of its own: `requests` keeps cookies by other rules than ours."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, url, data=body, headers=headers, allow_redirects=False, timeout=20)

    def _show(self, url: str, answer: requests.Response) -> str:
        reader = _PageReader(url)
        self.url, self.status, self.html = url, answer.status_code, answer.text
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            reader.feed(answer.text)
        self.forms, self.links = reader.forms, reader.links
        return url

    def _leave(self, url: str) -> str:
        self.url, self.status, self.html, self.forms, self.links = url, None, "", [], {}
        return url

    def _keep_cookies(self, url: str, lines: Sequence[str]) -> None:
        for line in lines:
            pair, *attributes = (part.strip() for part in line.split(";"))
            name, _, value = pair.partition("=")
            said = {key.lower(): worth for key, _, worth in (part.partition("=") for part in attributes)}
            if "secure" in said and not _is_trustworthy(url):
                continue
            if name.startswith("__Host-") and ("secure" not in said or "domain" in said or said.get("path") != "/"):
                continue
            if said.get("max-age") == "0":
                self._cookies.pop((_host(url), name), None)
            else:
                self._cookies[_host(url), name] = value

    def _cookies_for(self, url: str) -> str:
        return "; ".join(f"{name}={value}" for (host, name), value in self._cookies.items() if host == _host(url))


class _PageReader(HTMLParser):
    """Collects forms and links. Scripts do not run, so what they would show or add is not there."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self._url = url
        self._form: Form | None = None
        self._link: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            action = urljoin(self._url, said.get("action") or self._url)
            self._form = Form(action, said.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag in {"input", "button", "select", "textarea"} and self._form is not None:
            self._control(self._form, tag, said)
        elif tag == "a" and "href" in said:
            self._link = ("", urljoin(self._url, said["href"]))

    def handle_data(self, data: str) -> None:
        if self._link is not None:
            self._link = (self._link[0] + data, self._link[1])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "a" and self._link is not None:
            self.links[" ".join(self._link[0].split())] = self._link[1]
            self._link = None

    @staticmethod
    def _control(form: Form, tag: str, said: Mapping[str, str]) -> None:
        name, kind = said.get("name", ""), said.get("type", "text" if tag == "input" else "")
        if not name or "disabled" in said or tag == "button" or kind in {"submit", "button", "image", "reset"}:
            return
        if kind != "hidden" and "readonly" not in said:
            form.fillable.add(name)
        if kind in {"checkbox", "radio"}:
            if "checked" in said:
                form.fields[name] = said.get("value", "on")
        else:
            form.fields[name] = said.get("value", "")


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _is_trustworthy(url: str) -> bool:
    """Whether browsers let Secure cookies travel to it: https, and over http the loopback names and addresses."""
    parts = urlsplit(url)
    if parts.scheme == "https" or _host(url) == "localhost":
        return True
    try:
        return ip_address(_host(url)).is_loopback
    except ValueError:
        return False
