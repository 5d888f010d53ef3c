"""How a request is refused, by place: a page, a redirect to the application, a JSON answer.

`UnusableRequest`: client or redirect URI are not known good, so a page of ours and never a redirect (OID-02, OID-15).
`RefusedRequest`: told to the application through its redirect URI (RFC 6749 §4.1.2.1). `TokenProblem`: told as JSON
(RFC 6749 §5.2). `BearerProblem`: told by `WWW-Authenticate` (RFC 6750 §3).
"""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.refusal import Refusal


class UnusableRequest(Refusal):
    code = "unusable_authorization_request"
    text = "oidc.unusable_request"


class RefusedRequest(Refusal):
    """`error` and `description` are public: fixed sentences in ASCII, never anything that was typed."""

    code = "authorization_refused"
    text = "oidc.refused_request"

    def __init__(self, error: str, description: str, *, detail: str | None = None) -> None:
        super().__init__(f"{error}: {detail or description}")
        self.error = error
        self.description = description


class TokenProblem(Refusal):
    """`journaled`: the store already holds its journal line, written with what it changed. `detail` is for that line alone."""

    code = "token_refused"

    def __init__(
        self, error: str, description: str, *, status: int = 400, journaled: bool = False, detail: str | None = None
    ) -> None:
        super().__init__(f"{error}: {detail or description}")
        self.error = error
        self.description = description
        self.status = status
        self.journaled = journaled


class InvalidClient(TokenProblem):
    """`basic`: the client tried HTTP Basic, so the answer carries a challenge (RFC 6749 §5.2). `client_id`: the registered
    client that was named, for the journal."""

    def __init__(self, detail: str, *, basic: bool = False, client_id: str | None = None) -> None:
        super().__init__("invalid_client", "Client authentication failed.", status=401)
        self.detail = detail
        self.basic = basic
        self.client_id = client_id


class BearerProblem(Refusal):
    """`error` empty: no token was presented at all. `dpop`: the token came, or must come, with a DPoP proof (RFC 9449 §7.1).
    `demand`: more of the challenge, such as the sign-in that would do (RFC 9470 §3)."""

    code = "bearer_refused"

    def __init__(
        self,
        error: str,
        detail: str,
        *,
        status: int = 401,
        dpop: bool = False,
        demand: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail)
        self.error = error
        self.status = status
        self.dpop = dpop
        self.demand = demand
