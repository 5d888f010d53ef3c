"""One environment of Pro Santé Connect as `idp_config/psc.yaml` declares it: issuer, pinned endpoints, our registration there,
what we accept from it (PSC-02, PSC-R1, REG-03, DECISIONS 3).

Refuses plain http outside the demo's loopback, a real environment on a host that is not the agency's, back-channel endpoints
elsewhere than at the issuer's, levels below `eidas2` in the regulated profile, and any number beyond its bound. The secret
stands in a file of its own, named by the settings.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StrictBool, StrictInt, model_validator

from gateway.applications.declared_file import Declared, read_declared
from gateway.applications.web_address import check_web_address
from gateway.settings import ConfigurationError, Profile

Acr = Literal["eidas1", "eidas2", "eidas3"]
Algorithm = Literal["RS256", "PS256", "ES256"]
"""Asymmetric ones only: with HS256 our own secret would sign in our place (§2.3)."""
Claim = Annotated[str, Field(pattern=r"^[A-Za-z_]{1,60}$")]
Address = Annotated[str, Field(max_length=400)]
KIBIBYTE = 1024
OFFICIAL_DOMAIN = ".esante.gouv.fr"
DEFAULT_ACR: tuple[Acr, ...] = ("eidas1", "eidas2", "eidas3")
SUBSTANTIAL_ACR: tuple[Acr, ...] = ("eidas2", "eidas3")
DEFAULT_CLAIMS = (
    "SubjectNameID",
    "preferred_username",
    "given_name",
    "family_name",
    "otherIds",
    "SubjectRefPro",
)


class Limits(Declared):
    """Octets of an answer, seconds of a call, numbers of the key cache (PSC-06, PSC-08)."""

    token_answer: StrictInt = Field(default=64 * KIBIBYTE, ge=KIBIBYTE, le=256 * KIBIBYTE)
    userinfo: StrictInt = Field(default=256 * KIBIBYTE, ge=KIBIBYTE, le=KIBIBYTE * KIBIBYTE)
    keys: StrictInt = Field(default=64 * KIBIBYTE, ge=KIBIBYTE, le=256 * KIBIBYTE)
    connect_seconds: StrictInt = Field(default=3, ge=1, le=5)
    answer_seconds: StrictInt = Field(default=5, ge=1, le=5)
    clock_skew_seconds: StrictInt = Field(default=30, ge=0, le=30)
    attempt_seconds: StrictInt = Field(default=600, ge=60, le=600)
    session_seconds: StrictInt = Field(default=4 * 3600, ge=300, le=4 * 3600)
    """From `auth_time`: what Pro Santé Connect's own session lives, and so ours (§2.4)."""
    keys_fresh_seconds: StrictInt = Field(default=3600, ge=60, le=24 * 3600)
    keys_stale_seconds: StrictInt = Field(default=24 * 3600, ge=3600, le=24 * 3600)
    keys_refresh_seconds: StrictInt = Field(default=60, ge=60, le=600)


class PscEnvironment(Declared):
    """`name` says which world this is: `simulator` is for the demo's loopback, the two others for the agency's hosts."""

    name: Literal["production", "bas", "simulator"]
    issuer: Address
    authorization_endpoint: Address
    token_endpoint: Address
    userinfo_endpoint: Address
    jwks_uri: Address
    end_session_endpoint: Address
    metadata_address: Address | None = None
    """Where the provider describes itself, for the administrators' check; nothing is taken from it."""
    iss_parameter: StrictBool = False
    """The provider announces RFC 9207: an answer without `iss` is then refused. One with `iss` is always checked."""
    client_id: str = Field(pattern=r"^[A-Za-z0-9._~-]{1,128}$")
    authentication_method: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"
    redirect_uri: Address
    post_logout_redirect_uris: tuple[Address, ...] = Field(min_length=1, max_length=10)
    scopes: tuple[Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")], ...] = ("openid", "scope_all")
    requested_acr: Acr = "eidas1"
    accepted_acr: tuple[Acr, ...] = Field(default=DEFAULT_ACR, min_length=1)
    id_token_algorithms: tuple[Algorithm, ...] = Field(default=("RS256",), min_length=1)
    claims: tuple[Claim, ...] = DEFAULT_CLAIMS
    """What is kept of userinfo; the rest is dropped before anything else sees it (PSC-04)."""
    test_identities: StrictBool | None = None
    """Whether the agency's test range (RPPS 997…) may sign in; by default everywhere but in production (PSC-R13)."""
    limits: Limits = Limits()

    @property
    def refuses_test_identities(self) -> bool:
        return not (self.name != "production" if self.test_identities is None else self.test_identities)

    def addresses(self) -> Iterator[tuple[str, str]]:
        """Every address of this file, by its key."""
        for key in ("issuer", *self.back_channel_keys(), "authorization_endpoint", "end_session_endpoint"):
            yield key, getattr(self, key)
        yield "redirect_uri", self.redirect_uri
        yield from ((f"post_logout_redirect_uris.{n}", uri) for n, uri in enumerate(self.post_logout_redirect_uris))
        if self.metadata_address is not None:
            yield "metadata_address", self.metadata_address

    @staticmethod
    def back_channel_keys() -> tuple[str, ...]:
        return ("token_endpoint", "userinfo_endpoint", "jwks_uri")

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes: `openid` is missing")
        for key in (*self.back_channel_keys(), "metadata_address"):
            address = getattr(self, key)
            if address is not None and origin(address) != origin(self.issuer):
                raise ValueError(f"{key}: the gateway calls Pro Santé Connect at its issuer's own host only")
        if self.name != "simulator":
            for key in (*self.back_channel_keys(), "issuer", "authorization_endpoint", "end_session_endpoint"):
                if not (urlsplit(getattr(self, key)).hostname or "").endswith(OFFICIAL_DOMAIN):
                    raise ValueError(f"{key}: a real environment stands under {OFFICIAL_DOMAIN[1:]}")
        return self


def origin(address: str) -> str:
    """Scheme, host and port, as written."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def read_psc_environment(path: Path, *, profile: Profile) -> PscEnvironment:
    """The environment in `path`; ConfigurationError says what to change."""
    environment, _ = read_declared(path, PscEnvironment)
    demo, regulated = profile == "demo", profile == "regulated"
    if environment.name == "simulator" and not demo:
        raise ConfigurationError(f"{path}: name: the simulator is for the demo profile only")
    for key, address in environment.addresses():
        try:
            check_web_address(address, loopback_http=demo)
        except ValueError as error:
            raise ConfigurationError(f"{path}: {key}: {error}") from None
    if regulated and "accepted_acr" not in environment.model_fields_set:
        return environment.model_copy(update={"accepted_acr": SUBSTANTIAL_ACR})
    if regulated and not set(environment.accepted_acr) <= set(SUBSTANTIAL_ACR):
        raise ConfigurationError(f"{path}: accepted_acr: the regulated profile accepts eidas2 or better (REG-03)")
    return environment
