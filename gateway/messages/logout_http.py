"""The back-channel call: POST of a form with one field, `logout_token` (Back-Channel Logout 1.0 §2.5); any 2xx is a yes.

The address comes from a reviewed file; no redirect is followed, no proxy, cookie or stored password of the machine is used.
The answer's body is not read, and nothing of the token is logged. An application that answers drop by drop is cut off: all
other messages wait for the end of a call.
"""

import requests

from gateway.signin.psc.bounded_answer import HurriedAdapter


class LogoutNotTakenError(OSError):
    """The application said no, or could not be reached; the caller tries again later."""


class HttpLogoutCaller:
    """`timeout` in seconds for connecting, and for the whole head of the answer."""

    def __init__(self, *, timeout: float = 3.0) -> None:
        self._timeout = timeout

    def call(self, uri: str, logout_token: str) -> None:
        try:
            with requests.Session() as http:
                http.trust_env = False
                http.mount("https://", HurriedAdapter())
                http.mount("http://", HurriedAdapter())
                with http.post(
                    uri,
                    data={"logout_token": logout_token},
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    status = answer.status_code
        except requests.RequestException as error:
            raise LogoutNotTakenError(type(error).__name__) from None
        if not 200 <= status < 300:
            raise LogoutNotTakenError(f"status {status}")
