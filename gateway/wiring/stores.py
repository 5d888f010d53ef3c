"""Opens the stores and reads the reviewed files: what every process of a deployment begins with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlsplit, urlunsplit

from gateway.accounts.hashing_pool import HashingBusyError
from gateway.applications.registry import ClientRegistry
from gateway.clock import Clock, SystemClock
from gateway.habilitations.mapping_file import lint, read_mapping
from gateway.habilitations.role_mapping import RoleMapping
from gateway.keys.client_certificate import CertificateAuthorities
from gateway.keys.key_encryption_key import KeyEncryptionKey
from gateway.randomness import Randomness, system_randomness
from gateway.settings import ConfigurationError, Settings
from gateway.signin.assurance import AssuranceScale
from gateway.signin.card.environment import CardEnvironment, read_card_environment
from gateway.signin.psc.environment import PscEnvironment, read_psc_environment
from gateway.signin.psc.ways_back import CALLBACK, RETURN
from gateway.signin.shared_post.networks import DeclaredNetworks, read_networks
from gateway.storage.ephemeral import EphemeralStore, EphemeralStoreUnavailableError, open_ephemeral
from gateway.storage.sql.database import Database, StoreUnavailableError
from gateway.tenant import Tenant, read_ranking, read_tenant
from gateway.wiring.certificates import certificate_authorities
from gateway.wiring.phone_countries import sms_countries
from gateway.wiring.secret_file import secret_in

UNAVAILABLE = (EphemeralStoreUnavailableError, StoreUnavailableError, HashingBusyError)
"""What says that nobody is refused but that something does not answer now."""


@dataclass(frozen=True, slots=True)
class ReviewedConfig:
    """The files of idp_config, read whole or refused."""

    tenant: Tenant
    scale: AssuranceScale
    acr_values: Sequence[str]
    """Every level this deployment may say, weakest first."""
    clients: ClientRegistry
    mapping: RoleMapping
    networks: DeclaredNetworks
    psc: PscEnvironment | None
    """None where Pro Santé Connect is switched off."""
    card: CardEnvironment | None
    """None where the card is."""
    certificate_authorities: CertificateAuthorities | None
    """Whose certificates authenticate applications; None where the operator names none."""
    remarks: Sequence[str]


def read_idp_config(settings: Settings) -> ReviewedConfig:
    """Raises ConfigurationError: the sentences name file and key."""
    folder = settings.idp_config
    sms_countries(settings)
    tenant = read_tenant(folder / "tenant.yaml")
    host = urlsplit(settings.issuer).hostname
    if tenant.host != host:
        raise ConfigurationError(f"{folder / 'tenant.yaml'}: host is {tenant.host}, but the issuer's host is {host}")
    ranking = read_ranking(folder / "assurance.yaml")
    clients = ClientRegistry(settings.clients or folder / "clients", loopback_http=settings.profile == "demo")
    mapping = read_mapping(folder / "roles.yaml")
    networks = read_networks(folder / "networks.yaml")
    known = {level for levels in ranking for level in levels}
    for client in clients.all():
        if client.min_acr is not None and client.min_acr not in known:
            raise ConfigurationError(f"{client.client_id}: min_acr {client.min_acr} is not in assurance.yaml")
        for algorithm in (client.id_token_algorithm, client.userinfo_algorithm):
            if algorithm is not None and algorithm not in settings.signing_algorithms:
                raise ConfigurationError(
                    f"{client.client_id}: {algorithm} is not among signing_algorithms of the settings"
                )
        if "ror" in client.scopes and client.role_application not in mapping.applications:
            raise ConfigurationError(
                f"{client.client_id}: role_application {client.role_application} is not in roles.yaml"
            )
    remarks = lint(mapping, account_authority=tenant.account_authority, known_levels=known)
    acr_values = [level for levels in ranking for level in levels]
    psc = _psc_environment(settings) if "psc" in settings.means else None
    card = _card_environment(settings) if "card" in settings.means else None
    authorities = certificate_authorities(settings, clients.all())
    return ReviewedConfig(
        tenant, AssuranceScale(ranking), acr_values, clients, mapping, networks, psc, card, authorities, remarks
    )


def _card_environment(settings: Settings) -> CardEnvironment:
    if settings.card is None:
        raise ConfigurationError("card.certificates: name the folder of the authorities' certificates")
    file = settings.idp_config / "card.yaml"
    return read_card_environment(file, profile=settings.profile, certificates=settings.card.certificates)


def _psc_environment(settings: Settings) -> PscEnvironment:
    """The environment, whose ways back are ours to the character: another one would only fail at the first sign-in."""
    file = settings.idp_config / "psc.yaml"
    environment = read_psc_environment(file, profile=settings.profile)
    for key, declared, ours in (
        ("redirect_uri", (environment.redirect_uri,), f"{settings.issuer}{CALLBACK}"),
        ("post_logout_redirect_uris", environment.post_logout_redirect_uris, f"{settings.issuer}{RETURN}"),
    ):
        if ours not in declared:
            raise ConfigurationError(f"{file}: {key}: declare {ours}, here and to Pro Santé Connect")
    return environment


@dataclass(frozen=True, slots=True)
class Stores:
    """Both stores, opened; close them when done."""

    database: Database
    ephemeral: EphemeralStore
    clock: Clock
    randomness: Randomness

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ephemeral.close()
        self.database.close()


def clock_of(settings: Settings) -> SystemClock:
    """The machine's clock; in the demo, moved by the shared offset."""
    offset = settings.clock_offset_file
    return SystemClock(offset)


def open_stores(settings: Settings, *, node: str) -> Stores:
    """Opens, reads nothing: a store that is empty can still be migrated."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    kek = KeyEncryptionKey.load(Path(settings.located(settings.kek_file)))
    randomness = system_randomness
    database = Database(_database_address(settings), kek, randomness, node)
    file = settings.ephemeral.password_file
    password = secret_in(file) if file is not None else None
    try:
        ephemeral = open_ephemeral(settings.located(settings.ephemeral.url), randomness, password=password)
    except ValueError as error:
        raise ConfigurationError(f"ephemeral.url: {error}") from None
    return Stores(database, ephemeral, clock_of(settings), randomness)


def _database_address(settings: Settings) -> str:
    """The database's address with the password of its file, if it has one."""
    url, file = settings.located(settings.database.url), settings.database.password_file
    if file is None:
        return url
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(secret_in(file), safe='')}@{host}"))
