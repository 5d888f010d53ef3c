"""The four operations compared, as an application asks for them, and what an answer must show before it is believed."""

import base64
import hashlib
import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from tests.bench.measure import Unmeasurable

CLIENT_ID, CLIENT_SECRET = "bench", "bench-secret-of-a-fictitious-application-0"
AUTHORIZATION = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
REDIRECT_URI = "https://bench.example.test/callback"
CODE_VERIFIER = "a-code-verifier-of-the-bench-that-is-long-enough"
CODE_CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(CODE_VERIFIER.encode()).digest()).rstrip(b"=").decode()


@dataclass(frozen=True)
class Operation:
    """`parameter` takes one of a pool of values: each in turn (`cycle`), what its answer gave (`rotate`), or each once."""

    name: str
    form: str
    parameter: str | None = None
    mode: Literal["cycle", "rotate", "once"] = "cycle"
    pool: int = 0


CLIENT_CREDENTIALS = Operation("client_credentials", "grant_type=client_credentials")
REFRESH = Operation("refresh", "grant_type=refresh_token", "refresh_token", "rotate", 64)
INTROSPECTION = Operation("introspection", "", "token", "cycle", 256)
CODE = Operation(
    "code",
    f"grant_type=authorization_code&redirect_uri={REDIRECT_URI}&code_verifier={CODE_VERIFIER}",
    "code",
    "once",
    3500,
)
OPERATIONS = (CLIENT_CREDENTIALS, REFRESH, INTROSPECTION, CODE)


class Contender(Protocol):
    """A server under comparison. `pool` makes fresh values for one window; it is not measured."""

    @property
    def name(self) -> str: ...

    @property
    def pid(self) -> int: ...

    def url(self, operation: Operation) -> str: ...

    def pool(self, operation: Operation, count: int) -> Sequence[str]: ...


def believed(operation: Operation, body: bytes, presented: str | None) -> dict[str, Any]:
    """The answer, when it is worth what the operation promises."""
    answer: dict[str, Any] = json.loads(body)
    if operation is INTROSPECTION:
        good = answer.get("active") is True
    else:
        good = token_header(answer["access_token"])["alg"] == "ES256"
    if operation in {REFRESH, CODE}:
        good = good and token_header(answer["id_token"])["alg"] == "ES256"
        good = good and answer["refresh_token"] != presented
    if not good:
        raise Unmeasurable(f"{operation.name}: {answer}")
    return answer


def asked(url: str, operation: Operation, value: str | None) -> dict[str, Any]:
    """One request, outside the windows, and its answer once believed."""
    fields = [operation.form] if operation.form else []
    if value is not None:
        fields.append(f"{operation.parameter}={value}")
    request = urllib.request.Request(url, "&".join(fields).encode(), {"Authorization": AUTHORIZATION})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return believed(operation, answer.read(), value)


def asked_in_turn(url: str, operation: Operation, values: Sequence[str]) -> list[dict[str, Any]]:
    """The same for many values, on one connection."""
    address, answers = urlsplit(url), []
    connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
    headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/x-www-form-urlencoded"}
    prefix = f"{operation.form}&" if operation.form else ""
    try:
        for value in values:
            connection.request("POST", address.path, f"{prefix}{operation.parameter}={value}", headers)
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                raise Unmeasurable(f"{operation.name}: {response.status} {body[:200]!r}")
            answers.append(believed(operation, body, value))
    except HTTPException as error:
        raise Unmeasurable(f"{operation.name}: {type(error).__name__}") from error
    finally:
        connection.close()
    return answers


def token_header(token: str) -> dict[str, Any]:
    return _segment(token, 0)


def token_claims(token: str) -> dict[str, Any]:
    return _segment(token, 1)


def _segment(token: str, number: int) -> dict[str, Any]:
    raw = token.split(".")[number]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
    return decoded
