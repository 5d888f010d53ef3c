"""SMS through a provider over HTTP: a POST of JSON whose shape the settings give, any 2xx is a yes (OTP-17, SMS-11).

A hospital or a region can put its own provider behind it. Of two live credentials the newest is tried first, and the other only
when the provider refuses to know it. Redirects are not followed; nothing of the message is logged, nor of the answer.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import requests

_FILLED = re.compile(r"\{(to|text)\}")
_LONGEST_ANSWER = 65_536
_ID_MEMBERS = ("id", "sid", "message_id", "messageId")
_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class SmsRefusedError(OSError):
    """The provider said no, or could not be reached; the caller retries or offers another way."""


class HttpSmsSender:
    """`secrets` gives the live credentials, newest first, at each message: they change without a restart. `timeout`, in
    seconds, for connecting and for each wait of reading."""

    def __init__(
        self,
        *,
        url: str,
        secrets: Callable[[], Sequence[str]],
        body: Mapping[str, Any] | None = None,
        authorization: Literal["bearer", "basic"] = "bearer",
        timeout: float = 3.0,
    ) -> None:
        self._url, self._secrets, self._timeout = url, secrets, timeout
        self._body = body or {"to": "{to}", "text": "{text}"}
        self._scheme = authorization

    def send(self, *, to: str, text: str) -> str | None:
        """The provider's own name of the message, when its answer has one."""
        document = _filled(self._body, {"to": to, "text": text})
        status, answer = 0, b""
        secrets: Sequence[str | None] = list(self._secrets()) or [None]
        for secret in secrets:
            status, answer = self._post(document, secret)
            if status not in {401, 403}:
                break
        if not 200 <= status < 300:
            raise SmsRefusedError(f"status {status}")
        return message_id(answer)

    def _post(self, document: Any, secret: str | None) -> tuple[int, bytes]:
        headers = {"Authorization": _credentials(self._scheme, secret)} if secret is not None else {}
        try:
            with requests.Session() as http:
                http.trust_env = False
                with http.post(
                    self._url,
                    json=document,
                    headers=headers,
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                ) as answer:
                    return answer.status_code, answer.raw.read(_LONGEST_ANSWER, decode_content=True)
        except (requests.RequestException, OSError) as error:
            raise SmsRefusedError(type(error).__name__) from None


def message_id(answer: bytes) -> str | None:
    """What the answer calls the message, if it is a JSON object that does."""
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    found = next((said[name] for name in _ID_MEMBERS if name in said), None) if isinstance(said, dict) else None
    written = str(found) if isinstance(found, str | int) else ""
    return written if _ID.fullmatch(written) else None


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    if isinstance(template, str):
        return _FILLED.sub(lambda found: values[found[1]], template)
    if isinstance(template, Mapping):
        return {name: _filled(member, values) for name, member in template.items()}
    if isinstance(template, list | tuple):
        return [_filled(member, values) for member in template]
    return template


def _credentials(scheme: str, secret: str) -> str:
    return f"Basic {base64.b64encode(secret.encode()).decode()}" if scheme == "basic" else f"Bearer {secret}"
