"""The settings of one deployment: a profile, where things are, and the parameters that may move within bounds.

Read from one YAML file (`--config`, or PASSERELLE_CONFIG), never from a secret in the environment: secrets are named by files.
An unknown key, a parameter out of its bound, or anything that only the local demo may do (plain http, clear-text stores, a
shared clock) refuses to start and names the key (DECISIONS 1, OPS-03).
"""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from urllib.parse import parse_qs, urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from gateway.parameters import Parameters, parameters_for

Profile = Literal["demo", "standard", "regulated"]


class ConfigurationError(Exception):
    """A sentence for the administrator: what is wrong, in which key, and what would be right."""


def is_loopback(host: str | None) -> bool:
    """`localhost` or an address of 127.0.0.0/8 or ::1."""
    if host is None:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError("write addresses or networks, such as 10.0.0.0/24") from None
    return value


class Database(_Section):
    """`url`: sqlite:///path or postgresql://user@host/name?sslmode=verify-full (the password stands in a file)."""

    url: str = "sqlite:///{data}/passerelle.db"
    password_file: Path | None = None


class Ephemeral(_Section):
    """`url`: sqlite:///path, rediss://host:port/0 or unix:///path."""

    url: str = "sqlite:///{data}/ephemeral.db"
    password_file: Path | None = None


class Smtp(_Section):
    host: str
    port: int = Field(default=587, ge=1, le=65535)
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    """An authority that the system does not know."""
    sender: str = Field(pattern=r"^[^\r\n<>]+@[^\r\n<>]+$")


class SmsBudget(_Section):
    """`daily`: so many messages between two midnights in Paris; there is no default (SMS-04)."""

    daily: int = Field(ge=1, le=1_000_000)


class TwilioAccount(_Section):
    """`sender`: a number in E.164, or the identifier of a messaging service (MG…). `edge`, `region`: where requests enter and
    are treated. `sim_changes`: whether the account may ask when a SIM changed (Lookup, SMS-08)."""

    account_sid: str = Field(pattern=r"^AC[0-9a-f]{32}$")
    sender: str = Field(pattern=r"^(\+[1-9][0-9]{6,14}|MG[0-9a-f]{32})$")
    edge: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$")
    region: str | None = Field(default=None, pattern=r"^[a-z0-9-]+$")
    sim_changes: bool = False


class Sms(_Section):
    """`provider` http: a POST of `body` (JSON, where {to} and {text} are filled in) to `url`. `secret_file`: one or two lines,
    the newest first, both accepted (SMS-11): a token, `user:password` (`authorization: basic`), or `SK…:secret` at Twilio.
    `countries`: those whose mobile numbers are served; France and its overseas by default (SMS-03)."""

    provider: Literal["http", "twilio"] = "http"
    budget: SmsBudget
    countries: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}$")], ...] | None = Field(default=None, min_length=1)
    secret_file: Path | None = None
    url: str = ""
    authorization: Literal["bearer", "basic"] = "bearer"
    body: Mapping[str, Any] = Field(default_factory=lambda: {"to": "{to}", "text": "{text}"})
    twilio: TwilioAccount | None = None

    @model_validator(mode="before")
    @classmethod
    def _budget_is_named(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and not (isinstance(given.get("budget"), Mapping) and "daily" in given["budget"]):
            raise ValueError("budget.daily: say how many messages a day may leave; there is no default (SMS-04)")
        return given

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.provider == "twilio":
            if self.twilio is None:
                raise ValueError("twilio.account_sid: name the account")
            if self.secret_file is None:
                raise ValueError("secret_file: name the file of the API keys, `SK…:secret`, one or two lines")
        elif not self.url:
            raise ValueError("url: where the provider takes messages")
        text = str(self.body)
        if self.provider == "http" and not ("{to}" in text and "{text}" in text):
            raise ValueError("body: {to} and {text} must both stand in it")
        return self


class Psc(_Section):
    """Our account at Pro Santé Connect; the environment stands in idp_config/psc.yaml. `ca_file`: an authority that the system
    does not know."""

    client_secret_file: Path
    ca_file: Path | None = None


class Card(_Section):
    """`certificates`: the folder of the authorities' files that idp_config/card.yaml pins by fingerprint."""

    certificates: Path


class Webauthn(_Section):
    """`rp_id`: the domain that passkeys are made for, the gateway's host or a parent of it; the host by default. Changing it
    makes every passkey useless. `administrators_on_one_device`: an administrator's passkey may not be one that its maker copies
    to other devices (FID-08)."""

    rp_id: str | None = Field(default=None, pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$")
    administrators_on_one_device: bool = False


class ClientCertificates(_Section):
    """Applications with TLS certificates (RFC 8705). `proxies`: addresses or networks of those that end the connection and hand
    the certificate on as RFC 9440 says; `secret_file`: what they write in `Client-Cert-Secret`, 32 characters at least;
    `authorities_file`: PEM, those that may vouch for a `tls_client_auth` client."""

    proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(min_length=1)
    secret_file: Path
    authorities_file: Path | None = None


class Directory(_Section):
    """Files that the regional account module drops; absent: nothing is imported."""

    structures_file: Path | None = None
    roles_file: Path | None = None
    source: str = "ror"


UnattendedProofs = Literal["password+email", "password+sms", "psc", "card"]


class Unattended(_Section):
    """Of the demo alone: this person signs in at every request of an application, as if by these proofs, without a page."""

    username: str
    proofs: UnattendedProofs = "password+email"


Section = TypeVar("Section", bound=_Section)


def _endpoint(value: Any) -> Any:
    if isinstance(value, str) and not re.fullmatch(r"(\[[0-9a-f:]+\]|[^:\s]+):\d{1,5}", value):
        raise ValueError("write an address and a port, such as 127.0.0.1:8080")
    return value


class Settings(_Section):
    profile: Profile = "standard"
    issuer: str
    listen: Annotated[str, BeforeValidator(_endpoint)] = "127.0.0.1:8080"
    workers: int = Field(default=1, ge=1, le=64)
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks whose X-Forwarded-For is believed (WEB-06)."""
    idp_config: Path = Path("idp_config")
    clients: Path | None = None
    """The folder of the applications' files; `clients` inside `idp_config` by default."""
    data: Path = Path("var")
    kek_file: Path = Path("{data}/kek.key")
    database: Database = Database()
    ephemeral: Ephemeral = Ephemeral()
    smtp: Smtp
    sms: Sms | None = None
    operator_email: str | None = Field(default=None, pattern=r"^[^\r\n<>@\s]+@[^\r\n<>@\s]+$")
    """Who is told what the gateway decides by itself (SMS-04); the tenant's contact by default."""
    psc: Psc | None = None
    card: Card | None = None
    webauthn: Webauthn = Webauthn()
    client_certificates: ClientCertificates | None = None
    directory: Directory = Directory()
    breached_passwords_file: Path | None = None
    """Passwords that breaches made public, mirrored here: sorted lines of `SHA-1:count`, or what `passerelle passwords index`
    makes of them (PWD-04). It is read where it lies; nothing is asked of anybody."""
    clock_offset_file: Path | None = None
    unattended: Unattended | None = None
    node: str = "gateway-1"
    means: tuple[Literal["password", "passkey", "psc", "card"], ...] = ("password",)
    """Switched-on means of sign-in; what is not here is off at every door (DECISIONS 4)."""
    signing_algorithms: tuple[Literal["ES256", "RS256", "PS256", "EdDSA"], ...] = ("ES256", "RS256")
    """What applications may have their ID tokens signed with; ES256 and RS256 always. A key of a new one signs a day after
    `passerelle rotate signing-keys` has published it (DECISIONS 8)."""
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    """Values of the parameter table, by their dotted names; the rest keeps the profile's default."""

    @property
    def values(self) -> Parameters:
        """The whole parameter table as this deployment has it."""
        return parameters_for(self.profile, self.parameters)

    @property
    def rp_id(self) -> str:
        """What passkeys are made for."""
        return self.webauthn.rp_id or urlsplit(self.issuer).hostname or ""

    def located(self, path: Path | str) -> str:
        """`path` with `{data}` filled in."""
        return str(path).replace("{data}", str(self.data))

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        _check_transport(self)
        _ = self.values  # out-of-bound parameters are refused here, by name
        if not {"ES256", "RS256"} <= set(self.signing_algorithms):
            raise ValueError("signing_algorithms: ES256 and RS256 are always among them (OpenID Connect Core §15.1)")
        if "psc" in self.means and self.psc is None:
            raise ValueError("psc.client_secret_file: name the file that holds our secret at Pro Santé Connect")
        if "card" in self.means and self.card is None:
            raise ValueError("card.certificates: name the folder of the authorities' certificates")
        if "passkey" in self.means:
            _check_rp_id(self)
        if self.profile == "regulated" and "psc" not in self.means:
            raise ValueError(
                "means: the regulated profile opens no session from a password and a mailed code alone (REG-01, REG-02): add "
                "psc; a password then only serves to link an account, once"
            )
        return self


def _check_rp_id(settings: Settings) -> None:
    """Browsers make passkeys for names alone, and only for the page's host or a parent of it that somebody can own."""
    host, rp_id = urlsplit(settings.issuer).hostname or "", settings.rp_id
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        raise ValueError("means: passkeys need a host name, and the issuer is an address; use localhost in the demo")
    if rp_id != host and not host.endswith(f".{rp_id}"):
        raise ValueError(f"webauthn.rp_id: write {host}, or a parent of it")
    if "." not in rp_id and not (settings.profile == "demo" and rp_id == "localhost"):
        raise ValueError("webauthn.rp_id: a whole top-level domain is nobody's; write the host's own domain")
    if rp_id != host and settings.profile == "regulated":
        raise ValueError(f"webauthn.rp_id: in the regulated profile, {host} itself: no sibling may use its passkeys")


def _check_transport(settings: Settings) -> None:
    """In `demo`, clear text is for loopback; elsewhere it is for nobody (CRY-06, DECISIONS 1)."""
    demo = settings.profile == "demo"

    def clear_text(key: str, host: str | None, way_out: str) -> None:
        if not demo:
            raise ValueError(f"{key}: clear text is for the demo profile only; {way_out}")
        if not is_loopback(host):
            raise ValueError(f"{key}: even in the demo, clear text stays on loopback addresses; {way_out}")

    issuer = urlsplit(settings.issuer)
    if issuer.scheme not in {"http", "https"} or not issuer.hostname or issuer.query or issuer.fragment:
        raise ValueError("issuer: write an https address without query or fragment")
    if issuer.path or settings.issuer.endswith("/"):
        raise ValueError("issuer: write scheme and host only (and no final slash); cookies need the whole host")
    if issuer.scheme == "http":
        clear_text("issuer", issuer.hostname, "use https")
    if settings.smtp.tls == "none":
        clear_text("smtp.tls", settings.smtp.host, "use starttls or implicit")
    if settings.sms is not None and settings.sms.provider == "http" and urlsplit(settings.sms.url).scheme != "https":
        clear_text("sms.url", urlsplit(settings.sms.url).hostname, "use https")
    ephemeral = urlsplit(settings.ephemeral.url)
    if ephemeral.scheme == "redis":
        clear_text("ephemeral.url", ephemeral.hostname, "use rediss:// or a Unix socket")
    elif ephemeral.scheme not in {"sqlite", "rediss", "unix"}:
        raise ValueError("ephemeral.url: write sqlite:///path, rediss://host:port/0 or unix:///path")
    database = urlsplit(settings.database.url)
    if database.scheme == "postgresql":
        _check_postgresql(database.hostname, parse_qs(database.query), clear_text)
    elif database.scheme != "sqlite":
        raise ValueError("database.url: write sqlite:///path or postgresql://user@host/name")
    for key, url in (("database.url", database), ("ephemeral.url", ephemeral)):
        if url.password:
            raise ValueError(
                f"{key}: no password in an address; put it in a file and name it in {key[:-4]}.password_file"
            )
    _check_demo_alone(settings)


def _check_demo_alone(settings: Settings) -> None:
    if settings.profile == "demo":
        return
    if settings.clock_offset_file is not None:
        raise ValueError("clock_offset_file: only the demo profile may move its clock")
    if settings.unattended is not None:
        raise ValueError("unattended: only the demo profile signs anybody in without asking; remove this key")


def _check_postgresql(host: str | None, query: Mapping[str, list[str]], clear_text: Any) -> None:
    socket = host is None and query.get("host", [""])[0].startswith("/")
    if not socket and query.get("sslmode", [""])[0] != "verify-full":
        clear_text("database.url", host or query.get("host", [None])[0], "add sslmode=verify-full or use a Unix socket")


def where_yaml_breaks(error: Exception) -> str:
    """The problem and its line; never the line itself, which may hold a secret (CLI-06)."""
    problem = getattr(error, "problem", None) or "it cannot be read"
    mark = getattr(error, "problem_mark", None)
    return f"{problem} (line {mark.line + 1})" if mark is not None else str(problem)


def read_settings(path: Path) -> Settings:
    """The settings in `path`; ConfigurationError says what to change. Relative paths are relative to the file's folder."""
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be read ({error.strerror}); name the settings file with --config"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: is not YAML: {where_yaml_breaks(error)}") from None
    if not isinstance(raw, dict):
        raise ConfigurationError(f"{path}: write a list of `key: value`, such as `issuer: https://…`")
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise ConfigurationError("\n".join(f"{path}: {_sentence(item)}" for item in error.errors())) from None
    base = path.resolve().parent
    located = _from(base, settings)
    return located.model_copy(update={"clients": located.clients or located.idp_config / "clients"})


def _from(base: Path, section: Section) -> Section:
    """The section with its relative paths made relative to `base`; what begins with `{data}` waits for `located`."""
    moved: dict[str, Any] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, _Section):
            moved[name] = _from(base, value)
        elif isinstance(value, Path) and not str(value).startswith("{data}"):
            moved[name] = base / value
    return section.model_copy(update=moved)


def _sentence(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{key}: {message}" if key else message
