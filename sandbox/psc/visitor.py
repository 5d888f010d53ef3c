"""A person with an ordinary browser and a phone, for tests that need no real browser: walks the wallet to the way back.

Stops before opening the client's own address: what it returns is the address the browser would open next.
"""

from typing import TYPE_CHECKING, Literal
from urllib.parse import urljoin, urlsplit

import requests

if TYPE_CHECKING:
    from sandbox.psc.running import RunningPsc

_TIMEOUT_SECONDS = 10
_MOST_REDIRECTS = 10


class StayedOnWallet(AssertionError):  # noqa: N818 -- what a test wants to read
    """The wallet showed a page instead of going back: the message says which."""


class Visitor:
    """One browser: its cookies stay from one visit to the next, as single sign-on wants."""

    def __init__(self, psc: "RunningPsc") -> None:
        self._psc = psc
        self._http = requests.Session()
        self._http.trust_env = False

    def sign_in(
        self,
        authorization_url: str,
        persona: str = "nadia",
        *,
        means: Literal["ecps", "card"] = "ecps",
        decision: Literal["approve", "refuse", "wait"] = "approve",
    ) -> str:
        """The client's address with the answer. Raises StayedOnWallet when the wallet keeps the person."""
        page = self._follow("GET", authorization_url)
        if isinstance(page, str):
            return page  # single sign-on, or an error told at once
        if page.status_code != 200 or "/login-page/" not in page.url:
            raise StayedOnWallet(f"HTTP {page.status_code} at {page.url}")
        person = self._psc.persona(persona)
        if means == "card":
            self._post(f"{page.url}/carte", {"carte": person.typed_id})
            return self._way_back(f"{page.url}/retour")
        self._post(f"{page.url}/e-cps", {"identifiant": person.typed_id})
        if decision == "approve":
            self._psc.approve()
        elif decision == "refuse":
            self._psc.refuse()
        return self._way_back(f"{page.url}/attente")

    def follow(self, url: str) -> str:
        """For a logout: the client's address that the browser ends at."""
        return self._way_back(url)

    def _post(self, url: str, form: dict[str, str]) -> None:
        answer = self._http.post(url, data=form, timeout=_TIMEOUT_SECONDS)
        if answer.status_code != 200:
            raise StayedOnWallet(f"HTTP {answer.status_code} at {url}")

    def _way_back(self, url: str) -> str:
        page = self._follow("GET", url)
        if isinstance(page, str):
            return page
        raise StayedOnWallet(f"HTTP {page.status_code} at {page.url}")

    def _follow(self, method: str, url: str) -> requests.Response | str:
        own = {urlsplit(self._psc.issuer).netloc, urlsplit(self._psc.wallet_url).netloc}
        for _ in range(_MOST_REDIRECTS):
            answer = self._http.request(method, url, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
            if not answer.is_redirect:
                return answer
            url = urljoin(url, answer.headers["Location"])
            if urlsplit(url).netloc not in own:
                return url
        raise StayedOnWallet(f"more than {_MOST_REDIRECTS} redirects, the last to {url}")
