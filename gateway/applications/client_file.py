"""One application's file, `idp_config/clients/<client_id>.yaml`, as a Client (OID-10, OID-11, DECISIONS 8, 9).

Refuses unknown keys, any secret, an address that `web_address` refuses, a client without PKCE that is public or gives no
reason, a native one that is not public, and a file whose name is not its client_id.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StrictBool, StrictInt, model_validator

from gateway.applications.client import Client, ClientAuthenticationMethod, ResponseMode
from gateway.applications.client_key import ClientKey, read_client_keys
from gateway.applications.client_proof import ProvesItself, against_fapi2, missing_keys
from gateway.applications.declared_file import Declared, read_declared
from gateway.applications.web_address import check_redirect_address, check_web_address
from gateway.settings import ConfigurationError

DAY = 86400
_HOST = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"


def _scope(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
        raise ValueError("a scope is a word in lower case")
    return value


def _printable(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("write some text, without control characters")
    return value


Text = Annotated[str, Field(max_length=200), AfterValidator(_printable)]
Address = Annotated[str, Field(max_length=400)]


class _Exchange(Declared):
    audience: Text
    scopes: tuple[Annotated[str, AfterValidator(_scope)], ...] = Field(min_length=1, max_length=20)


class _KeySet(Declared):
    """A JWK Set in the file itself (RFC 7517 §5), so that a key is reviewed like the rest."""

    keys: tuple[Mapping[str, Any], ...] = Field(min_length=1, max_length=10)


class _ClientFile(ProvesItself):
    client_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    name: Mapping[Literal["fr", "en"], Text]
    application_type: Literal["web", "native"] = "web"
    redirect_uris: tuple[Address, ...] = Field(default=(), max_length=20)
    post_logout_redirect_uris: tuple[Address, ...] = Field(default=(), max_length=20)
    home_url: Address | None = None
    backchannel_logout_uri: Address | None = None
    scopes: tuple[Annotated[str, AfterValidator(_scope)], ...] = Field(default=(), max_length=20)
    audience: Text
    role_application: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    min_acr: Text | None = None
    max_authentication_age_seconds: StrictInt | None = Field(default=None, ge=60, le=DAY)
    id_token_algorithm: Literal["ES256", "RS256", "PS256", "EdDSA"] = "ES256"
    subject_type: Literal["public", "pairwise"] = "public"
    sector_identifier: str | None = Field(default=None, max_length=253, pattern=_HOST)
    userinfo_signed_response_alg: Literal["ES256", "RS256", "PS256", "EdDSA"] | None = None
    refresh_tokens: StrictBool = False
    service_scopes: tuple[Annotated[str, AfterValidator(_scope)], ...] = Field(default=(), max_length=20)
    token_exchange: tuple[_Exchange, ...] = Field(default=(), max_length=20)
    may_act: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    legacy_no_pkce: StrictBool = False
    legacy_no_pkce_reason: Text | None = None
    jwks: _KeySet | None = None
    response_modes: tuple[ResponseMode, ...] = Field(default=(ResponseMode.QUERY,), min_length=1, max_length=2)
    require_pushed_authorization_requests: StrictBool = False
    require_signed_request_object: StrictBool = False
    consent: StrictBool = False
    max_structures: StrictInt = Field(default=40, ge=1, le=40)
    otp_interval_seconds: StrictInt | None = Field(default=None, ge=0, le=30 * DAY)
    contacts: Mapping[str, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if "fr" not in self.name:
            raise ValueError("name: write at least the French name, under `fr`")
        if self.service_scopes and self.authentication_method is ClientAuthenticationMethod.NONE:
            raise ValueError("service_scopes: a service proves who it is; give it an authentication_method")
        if not self.redirect_uris and not self.service_scopes and not self.token_exchange:
            raise ValueError(
                "redirect_uris: this key is missing, and so are service_scopes and token_exchange: nobody could use this"
                " client"
            )
        if self.redirect_uris and "openid" not in self.scopes:
            raise ValueError("scopes: `openid` is missing")
        for_people = (
            self.scopes
            or self.refresh_tokens
            or self.post_logout_redirect_uris
            or self.may_act
            or self.require_pushed_authorization_requests
            or self.require_signed_request_object
            or self.consent
            or self.userinfo_signed_response_alg
        )
        if not self.redirect_uris and for_people:
            raise ValueError("redirect_uris: without one, no person signs in: remove what is meant for people")
        for key, values in (
            ("redirect_uris", self.redirect_uris),
            ("post_logout_redirect_uris", self.post_logout_redirect_uris),
            ("scopes", self.scopes),
            ("response_modes", self.response_modes),
        ):
            if len(set(values)) < len(values):
                raise ValueError(f"{key}: the same value is written twice")
        if ResponseMode.FORM_POST in self.response_modes and any("[" in uri for uri in self.redirect_uris):
            raise ValueError("response_modes: browsers let no page post to an address in brackets; remove form_post")
        if self.require_signed_request_object and self.jwks is None:
            raise ValueError("require_signed_request_object: write the keys that it signs with, under jwks")
        if self.legacy_no_pkce and not self.legacy_no_pkce_reason:
            raise ValueError("legacy_no_pkce: say why in legacy_no_pkce_reason, or remove it and use PKCE")
        if self.legacy_no_pkce_reason and not self.legacy_no_pkce:
            raise ValueError("legacy_no_pkce_reason: there is no `legacy_no_pkce: true` to explain")
        if self.legacy_no_pkce and self.authentication_method is ClientAuthenticationMethod.NONE:
            raise ValueError("legacy_no_pkce: only a client with a secret may do without PKCE")
        return self

    @property
    def native(self) -> bool:
        return self.application_type == "native"

    @model_validator(mode="after")
    def _keeps_no_secret_on_devices(self) -> Self:
        """RFC 8252 §8.5: what is in every copy of a program is no secret."""
        if self.native and self.authentication_method is not ClientAuthenticationMethod.NONE:
            raise ValueError(
                "application_type: what runs on people's devices keeps no secret: authentication_method: none"
            )
        return self

    @model_validator(mode="after")
    def _of_one_sector(self) -> Self:
        if self.sector_identifier is not None and self.subject_type != "pairwise":
            raise ValueError("sector_identifier: it is for `subject_type: pairwise` alone")
        if self.subject_type == "pairwise" and self.sector is None:
            raise ValueError("sector_identifier: name the host; the redirect_uris are not all of one that is its own")
        return self

    @property
    def sector(self) -> str | None:
        """OpenID Connect Core §8.1. No document is fetched to prove a declared one: this file is reviewed. A loopback address
        is everybody's."""
        if self.subject_type == "public" or self.sector_identifier is not None:
            return self.sector_identifier
        if self.native and any(uri.startswith("http:") for uri in self.redirect_uris):
            return None
        hosts = {urlsplit(uri).hostname for uri in self.redirect_uris}
        return hosts.pop() if len(hosts) == 1 else None

    @model_validator(mode="after")
    def _exchanges_coherently(self) -> Self:
        if self.token_exchange and self.authentication_method is ClientAuthenticationMethod.NONE:
            raise ValueError("token_exchange: who acts for people proves who it is; give it an authentication_method")
        if self.audience in (audiences := [item.audience for item in self.token_exchange]):
            raise ValueError("token_exchange: its own audience needs no exchange")
        if len(set(audiences)) < len(audiences):
            raise ValueError("token_exchange: the same audience is written twice")
        return self


def read_client(path: Path, *, loopback_http: bool) -> Client:
    """The client in `path`; `loopback_http` in the demo profile only. ConfigurationError says what to change."""
    declared, _ = read_declared(path, _ClientFile)
    if path.stem != declared.client_id:
        raise ConfigurationError(
            f"{path}: client_id: the file of {declared.client_id} is named {declared.client_id}.yaml"
        )
    for number, address in enumerate(declared.redirect_uris):
        try:
            check_redirect_address(address, native=declared.native, loopback_http=loopback_http)
        except ValueError as error:
            raise ConfigurationError(f"{path}: redirect_uris.{number}: {error}") from None
    addresses = [
        *((f"post_logout_redirect_uris.{n}", address) for n, address in enumerate(declared.post_logout_redirect_uris)),
        *([("home_url", declared.home_url)] if declared.home_url else []),
        *([("backchannel_logout_uri", declared.backchannel_logout_uri)] if declared.backchannel_logout_uri else []),
    ]
    for key, address in addresses:
        try:
            check_web_address(address, loopback_http=loopback_http)
        except ValueError as error:
            raise ConfigurationError(f"{path}: {key}: {error}") from None
    keys = _keys(path, declared)
    pushed = declared.profile is not None and bool(declared.redirect_uris)
    wrong = missing_keys(declared, keys) or against_fapi2(
        declared,
        keys,
        with_pkce=not declared.legacy_no_pkce,
        pushes=declared.require_pushed_authorization_requests
        or "require_pushed_authorization_requests" not in declared.model_fields_set,
        id_token_algorithm=declared.id_token_algorithm,
        userinfo_algorithm=declared.userinfo_signed_response_alg,
    )
    if wrong is not None:
        raise ConfigurationError(f"{path}: {wrong}")
    return Client(
        client_id=declared.client_id,
        keys=keys,
        certificate_name=declared.certificate_name,
        certificate_thumbprints=frozenset(declared.certificate_thumbprints),
        sender_constraint=declared.constraint,
        fapi2=declared.profile is not None,
        rotates_refresh_tokens=declared.profile is None,
        response_modes=declared.response_modes,
        require_pushed_authorization_requests=pushed or declared.require_pushed_authorization_requests,
        require_signed_request_object=declared.require_signed_request_object,
        consent=declared.consent,
        native=declared.native,
        name=MappingProxyType({str(language): name for language, name in declared.name.items()}),
        redirect_uris=declared.redirect_uris,
        post_logout_redirect_uris=declared.post_logout_redirect_uris,
        authentication_method=declared.authentication_method,
        scopes=frozenset(declared.scopes),
        audience=declared.audience,
        role_application=declared.role_application,
        min_acr=declared.min_acr,
        max_authentication_age_seconds=declared.max_authentication_age_seconds,
        id_token_algorithm=declared.id_token_algorithm,
        legacy_no_pkce_reason=declared.legacy_no_pkce_reason,
        sector=declared.sector,
        userinfo_algorithm=declared.userinfo_signed_response_alg,
        refresh_tokens=declared.refresh_tokens,
        service_scopes=frozenset(declared.service_scopes),
        exchanges=MappingProxyType({item.audience: frozenset(item.scopes) for item in declared.token_exchange}),
        may_act=declared.may_act,
        max_structures=declared.max_structures,
        otp_interval_seconds=declared.otp_interval_seconds,
        home_url=declared.home_url,
        backchannel_logout_uri=declared.backchannel_logout_uri,
        contacts=MappingProxyType(dict(declared.contacts)),
    )


def _keys(path: Path, declared: _ClientFile) -> tuple[ClientKey, ...]:
    if declared.jwks is None:
        return ()
    try:
        return read_client_keys(declared.jwks.keys)
    except ValueError as error:
        raise ConfigurationError(f"{path}: jwks: {error}") from None
