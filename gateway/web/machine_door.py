"""The machine door: endpoints for programs, without page machinery (DECISIONS 17).

An endpoint is a coroutine from a `MachineRequest` to a `MachineResponse`, both plain values; `gateway/app.py` speaks ASGI.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

BODY_LIMIT = 64 * 1024
NO_CONTENT = 204
"""The one status of ours whose answer announces no length (RFC 9110 §8.6)."""


@dataclass(frozen=True, slots=True)
class MachineRequest:
    """`headers` have lower-case names (the last of a repeated one; `authorization` repeated is refused before this);
    `query` and `body` are raw."""

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes
    peer: str
    request_id: str


@dataclass(frozen=True, slots=True)
class MachineResponse:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


MachineEndpoint = Callable[[MachineRequest], Awaitable[MachineResponse]]
