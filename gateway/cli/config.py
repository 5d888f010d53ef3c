"""`passerelle config check`: everything that would stop the gateway from working, said before it is tried.

Refuses what is wrong in the settings or in a file of idp_config, one sentence each; warns of what is lawful but surely not
meant, such as an application whose minimum level no switched-on means reaches.
"""

from collections.abc import Iterator

import click

from gateway.cli.administration import check_clock
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused
from gateway.oidc.claims import SCOPE_CLAIMS
from gateway.settings import Settings, read_settings
from gateway.signin.card.trust import read_trust
from gateway.signin.evidence import STRONG, Evidence, Means
from gateway.signin.psc.client_secret import read_client_secret
from gateway.wiring.passkeys import check_passkey_domain
from gateway.wiring.policies import breached_passwords
from gateway.wiring.secret_file import secret_in
from gateway.wiring.stores import ReviewedConfig, read_idp_config


@click.group()
def config() -> None:
    """Settings and the reviewed files of idp_config."""


@config.command(short_help="Reads the settings and every file of idp_config, and says what is wrong.")
@click.pass_obj
def check(invocation: Invocation) -> None:
    """Reads the settings and every file of idp_config, and says what is wrong.

    Needs no database: it may run where the files are reviewed. Exit code 1 when something is wrong; warnings leave it 0.
    """
    settings = read_settings(invocation.config)
    reviewed = read_idp_config(settings)
    check_clock(settings)
    breached_passwords(settings)
    check_passkey_domain(settings)
    if reviewed.psc is not None and settings.psc is not None:
        read_client_secret(settings.psc.client_secret_file, reviewed.psc)
    if reviewed.card is not None and settings.card is not None:
        read_trust(reviewed.card, settings.card.certificates)
    if errors := [*_unknown_scopes(reviewed), *_empty_secrets(settings)]:
        raise CommandRefused("\n".join(errors))
    warnings = [*warnings_of(settings, reviewed)]
    clients = [client.client_id for client in reviewed.clients.all()]
    said = (
        f"The settings are good: profile {settings.profile}, issuer {settings.issuer}, "
        f"{len(clients)} application(s): {', '.join(clients) or 'none'}."
    )
    invocation.output.say(
        "\n".join([said, *(f"Warning: {warning}" for warning in warnings)]),
        profile=settings.profile,
        issuer=settings.issuer,
        clients=clients,
        warnings=warnings,
        parameters=dict(settings.values.as_mapping()),
        breached_passwords=str(settings.breached_passwords_file) if settings.breached_passwords_file else None,
    )


def warnings_of(settings: Settings, reviewed: ReviewedConfig) -> Iterator[str]:
    """What the gateway accepts and a person should look at."""
    for remark in reviewed.remarks:
        yield f"roles.yaml: {remark}"
    best = best_level(settings, reviewed)
    for client in reviewed.clients.all():
        if client.min_acr is not None and (best is None or not reviewed.scale.satisfies(best, client.min_acr)):
            yield (
                f"{client.client_id}: nobody can reach its min_acr {client.min_acr}: the means that are switched on give "
                f"{best or 'nothing'} at most"
            )
    for key, file in (
        ("directory.structures_file", settings.directory.structures_file),
        ("directory.roles_file", settings.directory.roles_file),
    ):
        if file is not None and not file.is_file():
            yield f"{key}: {file} is not there yet; roles come when the regional module drops it"
    if settings.breached_passwords_file is None and "password" in settings.means and settings.profile != "demo":
        yield (
            "breached_passwords_file: none is named, so that passwords made public by breaches are accepted; "
            "docs/operations/passwords.md says how to mirror them"
        )
    if (settings.directory.structures_file is None) != (settings.directory.roles_file is None):
        yield "directory: structures_file and roles_file go together; one of them is not named"


def best_level(settings: Settings, reviewed: ReviewedConfig) -> str | None:
    """The highest level that a person can prove with the means that are switched on; None without any."""
    codes = [Means.EMAIL_CODE, *([Means.SMS_CODE] if settings.sms is not None else [])]
    proofs = [[Means.PASSWORD, code] for code in codes] if "password" in settings.means else []
    proofs += [[Means(name)] for name in settings.means if Means(name) in STRONG]
    levels = [reviewed.scale.level_of([Evidence(means, 0.0) for means in proof]).acr for proof in proofs]
    return max(levels, key=reviewed.acr_values.index) if levels else None


def _unknown_scopes(reviewed: ReviewedConfig) -> Iterator[str]:
    for client in reviewed.clients.all():
        if unknown := sorted(client.scopes - SCOPE_CLAIMS.keys()):
            yield (
                f"{client.client_id}: scopes: this gateway does not know {', '.join(unknown)}; it knows "
                f"{', '.join(SCOPE_CLAIMS)}"
            )


def _empty_secrets(settings: Settings) -> Iterator[str]:
    """Files of passwords that cannot serve; one that cannot be read raises ConfigurationError."""
    for key, file in (
        ("database.password_file", settings.database.password_file),
        ("ephemeral.password_file", settings.ephemeral.password_file),
        ("smtp.password_file", settings.smtp.password_file),
        ("sms.secret_file", settings.sms.secret_file if settings.sms is not None else None),
        ("psc.client_secret_file", settings.psc.client_secret_file if settings.psc is not None else None),
    ):
        if file is not None and not secret_in(file):
            yield f"{key}: {file} is empty; write the secret in it, on one line"
