"""What the rules need from Pro Santé Connect over the network."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class UnverifiedTokens:
    """The token answer's two members that we use; the refresh token is not even read (§2.4)."""

    id_token: str = field(repr=False)
    access_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UnverifiedUserinfo:
    content_type: str
    body: bytes = field(repr=False)


class PscProvider(Protocol):
    """Every call raises PscUnavailable when there is no usable answer, PscRefused when the answer is a no."""

    def redeem(self, code: str, code_verifier: str) -> UnverifiedTokens: ...

    def userinfo(self, access_token: str) -> UnverifiedUserinfo: ...

    def keys(self) -> bytes:
        """The key set (RFC 7517), as text."""
        ...
