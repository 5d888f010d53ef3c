"""A registered application, as its file in `idp_config/clients/` describes it (OID-10, OID-11)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from gateway.applications.client_key import ClientKey


class ClientAuthenticationMethod(StrEnum):
    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS_CLIENT_AUTH = "tls_client_auth"
    SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"
    NONE = "none"


BY_SECRET = frozenset({ClientAuthenticationMethod.CLIENT_SECRET_BASIC, ClientAuthenticationMethod.CLIENT_SECRET_POST})
BY_CERTIFICATE = frozenset(
    {ClientAuthenticationMethod.TLS_CLIENT_AUTH, ClientAuthenticationMethod.SELF_SIGNED_TLS_CLIENT_AUTH}
)


class SenderConstraint(StrEnum):
    """To what the tokens of a client must be bound. `NONE`: a client that proves a key nevertheless gets bound ones."""

    NONE = "none"
    DPOP = "dpop"
    MTLS = "mtls"


class ResponseMode(StrEnum):
    """How the answer of an authorization request travels; a fragment is for flows that do not exist here."""

    QUERY = "query"
    FORM_POST = "form_post"


@dataclass(frozen=True, slots=True)
class Client:
    """`name` is by language ("fr", "en"); redirect URIs are compared as exact strings, but for the port of a native one's
    loopback addresses; `audience` is the resource server that its access tokens are for; `min_acr` the lowest level it
    accepts."""

    client_id: str
    name: Mapping[str, str]
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    authentication_method: ClientAuthenticationMethod
    scopes: frozenset[str]
    audience: str
    role_application: str
    """The application's name in roles.yaml."""
    min_acr: str | None = None
    max_authentication_age_seconds: int | None = None
    """The oldest sign-in that it accepts: a request that names no `max_age`, or a longer one, is held to it, and so are the
    tokens that come back at our own resources."""
    id_token_algorithm: str = "ES256"
    legacy_no_pkce_reason: str | None = None
    sector: str | None = None
    """The host whose applications know a person by one name, that nobody else knows (OpenID Connect Core §8.1); None: they
    know her by the account's identifier, as all public ones do."""
    userinfo_algorithm: str | None = None
    """With which its userinfo is signed; None: it is plain JSON."""
    refresh_tokens: bool = False
    rotates_refresh_tokens: bool = True
    """False only for a FAPI 2.0 client, whose tokens are bound to its key (DECISIONS 8)."""
    service_scopes: frozenset[str] = frozenset()
    """What it may do for itself, without a person (client_credentials); empty: it is no service."""
    exchanges: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """The audiences for which it may exchange access tokens made for its own resource server, and the scopes they may get
    (RFC 8693); empty: none."""
    native: bool = False
    """It is installed on people's own devices (RFC 8252): it keeps no secret, and may be answered on a port of theirs."""
    may_act: str | None = None
    """The client that may exchange the access tokens issued to this one: their `may_act` (RFC 8693 §4.4)."""
    keys: tuple[ClientKey, ...] = ()
    """Its public keys: what it signs (request objects) is verified with these and no others."""
    response_modes: tuple[ResponseMode, ...] = (ResponseMode.QUERY,)
    """The first one carries the refusal of a request that asks for another."""
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    consent: bool = False
    """The person is asked before this application learns anything, once a session (decision record 0004)."""
    certificate_name: tuple[str, str] | None = None
    """Of tls_client_auth: the kind of name (subject_dn, san_dns, san_uri, san_ip, san_email) and the name."""
    certificate_thumbprints: frozenset[str] = frozenset()
    """Of self_signed_tls_client_auth, beside `keys`: `x5t#S256` of its certificates."""
    sender_constraint: SenderConstraint = SenderConstraint.NONE
    fapi2: bool = False
    """The FAPI 2.0 Security Profile: its file keeps to it, and its requests are held to it."""
    max_structures: int = 40
    otp_interval_seconds: int | None = None
    home_url: str | None = None
    backchannel_logout_uri: str | None = None
    """Told when a session it took part in ends (Back-Channel Logout 1.0 §2.2); None: never told."""
    contacts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def has_secret(self) -> bool:
        return self.authentication_method in BY_SECRET
