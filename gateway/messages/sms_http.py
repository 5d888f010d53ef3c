"""SMS through a provider over HTTP: JSON `{"to": "+33…", "text": "…"}`, a bearer token, any 2xx is a yes.

A hospital or a region can put its own provider behind this shape. Redirects are not followed; nothing of the text is logged.
"""

import requests


class SmsRefusedError(OSError):
    """The provider said no, or could not be reached; the caller retries or offers another way."""


class HttpSmsSender:
    """`timeout` in seconds for connecting and for reading."""

    def __init__(self, *, url: str, token: str | None, timeout: float = 3.0) -> None:
        self._url, self._timeout = url, timeout
        self._http = requests.Session()
        self._http.trust_env = False
        if token:
            self._http.headers["Authorization"] = f"Bearer {token}"

    def send(self, *, to: str, text: str) -> None:
        try:
            answer = self._http.post(
                self._url, json={"to": to, "text": text}, timeout=self._timeout, allow_redirects=False
            )
        except requests.RequestException as error:
            raise SmsRefusedError(type(error).__name__) from None
        if not 200 <= answer.status_code < 300:
            raise SmsRefusedError(f"status {answer.status_code}")
