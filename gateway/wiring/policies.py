"""The numbers of each room, from the parameter table as this deployment has it."""

from collections.abc import Iterable
from pathlib import Path

from gateway.accounts.account import Account
from gateway.accounts.breached_passwords import BreachedPasswords, UnreadableSetError
from gateway.accounts.common_passwords import common_passwords
from gateway.accounts.password_hash import Argon2Parameters
from gateway.accounts.password_policy import PasswordPolicy, Strength
from gateway.habilitations.ports import Habilitations
from gateway.keys.rotation import RotationRules
from gateway.keys.signing_key import Algorithm
from gateway.oidc.policy import ProviderPolicy
from gateway.parameters import Parameters
from gateway.settings import ConfigurationError, Settings
from gateway.signin.assurance import ACR_PSC
from gateway.signin.evidence import Means
from gateway.signin.policy import DAY, HOUR, SigninPolicy, Window
from gateway.wiring.stores import ReviewedConfig


def signin_policy(settings: Settings) -> SigninPolicy:
    values = settings.values
    return SigninPolicy(
        means=frozenset(Means(name) for name in settings.means),
        administrators_passkeys_stay=settings.webauthn.administrators_on_one_device,
        minimum_acr=ACR_PSC if settings.profile == "regulated" else None,
        sms_available=settings.sms is not None,
        session_idle_seconds=values["idp.session.idle"],
        session_idle_shared_seconds=values["idp.session.idle.shared"],
        session_absolute_seconds=values["idp.session.absolute"],
        sessions_at_once=values["idp.session.at_once"],
        transaction_ttl_seconds=values["oidc.txn.ttl"],
        otp_interval_seconds=values.otp_interval,
        code_digits_email=values["otp.digits.email"],
        code_digits_sms=values["otp.digits.sms"],
        code_ttl_email_seconds=values["otp.ttl.email"],
        code_ttl_sms_seconds=values["otp.ttl.sms"],
        code_attempts=values["otp.max_attempts"],
        code_resend_min_interval_seconds=values["otp.resend_min_interval"],
        code_sends_per_challenge=values["otp.max_sends_per_challenge"],
        code_sends_per_account=(
            Window(values["otp.sends.account.hour"], HOUR),
            Window(values["otp.sends.account.day"], DAY),
        ),
        link_ttl_seconds=values["link.reset.ttl"],
        password_failures=Window(values["login.max_failures_24h"], DAY),
        password_disabled_after=values["login.disable_password_after"],
        administrator_password_seconds=values["pwd.administrator_max_age"],
        spray_identifiers=values["login.spray.identifiers"],
        spray_identifiers_declared=values["login.spray.identifiers.declared"],
    )


def provider_policy(settings: Settings) -> ProviderPolicy:
    values = settings.values
    return ProviderPolicy(
        issuer=settings.issuer,
        code_ttl_seconds=values["oidc.code.ttl"],
        par_ttl_seconds=values["oidc.par.ttl"],
        access_token_ttl_seconds=values["oidc.at.ttl"],
        id_token_ttl_seconds=values["oidc.id_token.ttl"],
        refresh_idle_seconds=values["oidc.rt.idle"],
    )


def rotation_rules(settings: Settings) -> RotationRules:
    values = settings.values
    return RotationRules(
        algorithms=tuple(map(Algorithm, settings.signing_algorithms)),
        publish_lead=values["key.sign.publish_lead"],
        retain=values["key.sign.retain"],
        rsa_bits=values["key.sign.rsa_bits"],
    )


def argon2_parameters(values: Parameters) -> Argon2Parameters:
    return Argon2Parameters(memory=values["argon2id.memory_kib"], passes=values["argon2id.iterations"])


def password_policy(settings: Settings, reviewed: ReviewedConfig, habilitations: Habilitations) -> PasswordPolicy:
    """Refuses also what names the tenant, an application or an establishment of the person (PWD-03)."""
    values = settings.values
    tenant = reviewed.tenant
    names = [*tenant.name.values(), tenant.contact_name, tenant.host.partition(".")[0]]
    products = [name for client in reviewed.clients.all() for name in (client.client_id, *client.name.values())]

    def establishments(account: Account) -> Iterable[str]:
        return [structure.name for _, structure in habilitations.of(account.id)]

    return PasswordPolicy(
        common_passwords(),
        ["passerelle", *names, *products],
        words_of=establishments,
        breached=breached_passwords(settings) or frozenset(),
        everybody=Strength(values["pwd.min_length"], values["pwd.min_entropy"]),
    )


def breached_passwords(settings: Settings) -> BreachedPasswords | None:
    """The set that the operator mirrors here; None without one. Raises ConfigurationError."""
    if settings.breached_passwords_file is None:
        return None
    try:
        return BreachedPasswords(Path(settings.located(settings.breached_passwords_file)))
    except UnreadableSetError as error:
        raise ConfigurationError(f"breached_passwords_file: {error}") from None
