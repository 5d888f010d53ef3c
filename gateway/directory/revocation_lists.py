"""Where revocation lists come from: the address where the authority publishes them, or a file beside its certificate.

The lists are signed, so plain http is enough (RFC 5280 §8); what arrives is judged by the card's rules. No redirect, no proxy
or password of the machine, an answer bounded in size and time. LDAP addresses and delta lists are not for us (§2.5).
"""

from pathlib import Path

import requests

from gateway.signin.card.environment import Anchor
from gateway.signin.card.ports import ListUnavailableError
from gateway.signin.psc.bounded_answer import BoundedAdapter

MAX_OCTETS = 20 * 1024 * 1024
CONNECT_SECONDS, ANSWER_SECONDS = 5, 30


class PublishedLists:
    """`folder` holds the files that anchors name; a list in a file is read before any address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._adapter = BoundedAdapter(MAX_OCTETS, ANSWER_SECONDS)

    def fetch(self, anchor: Anchor) -> bytes:
        if anchor.crl is not None:
            return self._read(self._folder / anchor.crl)
        if anchor.crl_url is not None:
            return self._get(anchor.crl_url)
        raise ListUnavailableError("nowhere to look")

    @staticmethod
    def _read(file: Path) -> bytes:
        try:
            with file.open("rb") as opened:
                octets = opened.read(MAX_OCTETS + 1)
        except OSError as error:
            raise ListUnavailableError(f"file: {error.strerror}") from None
        if len(octets) > MAX_OCTETS:
            raise ListUnavailableError("file: too large")
        return octets

    def _get(self, address: str) -> bytes:
        try:
            with requests.Session() as http:
                http.trust_env = False
                http.adapters.clear()
                for scheme in ("http://", "https://"):
                    http.mount(scheme, self._adapter)
                answer = http.get(address, timeout=(CONNECT_SECONDS, ANSWER_SECONDS), allow_redirects=False)
        except requests.RequestException as error:
            raise ListUnavailableError(type(error).__name__) from None
        if answer.status_code != requests.codes.ok:
            raise ListUnavailableError(f"status {answer.status_code}")
        return answer.content
