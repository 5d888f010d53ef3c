"""What the tests ask of an application, whichever library it is built on."""

from dataclasses import dataclass
from typing import Any, Protocol

SCOPE = "openid profile email"


class RefusedError(Exception):
    """The library does not accept what the provider, or somebody else, said."""


@dataclass(frozen=True)
class Registration:
    """What an application knows of itself and of its provider; `secret` is None for a public client."""

    issuer: str
    client_id: str
    secret: str | None
    method: str
    redirect_uri: str
    page: str
    private_jwk: dict[str, str] | None = None
    """Of private_key_jwt, with its `kid`."""
    fapi2: bool = False


@dataclass(frozen=True)
class SignedIn:
    """The ID token as received, and its claims as the library verified them."""

    id_token: str
    claims: dict[str, Any]


class RelyingParty(Protocol):
    """One sign-in of one person. Every method may raise RefusedError."""

    def begin(self) -> str:
        """Discovery, then the address of the authorization request, with PKCE S256, state and nonce."""

    def finish(self, address: str) -> SignedIn:
        """The authorization response (the address where the person came back), the code and the ID token."""

    def userinfo(self) -> dict[str, Any]: ...

    def logout(self, state: str) -> str:
        """The address of the logout request, with the ID token as hint and the application's page as the way back."""
