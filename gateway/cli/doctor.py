"""`passerelle doctor`: says in words what is wrong, and what to do. Exit code 1 when something is (CLI-07)."""

import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from gateway.applications.client import ClientAuthenticationMethod
from gateway.cli.administration import Administration, administration
from gateway.cli.clients import live_secrets
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused
from gateway.clock import iso_utc
from gateway.keys.signing_key import KeyState
from gateway.settings import read_settings


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` is empty when all is well."""

    subject: str
    state: str
    advice: str = ""


@click.command()
@click.pass_obj
def doctor(invocation: Invocation) -> int:
    """Looks at the settings, the stores, the keys, the applications and the mail server."""
    findings: list[Finding] = []
    settings = read_settings(invocation.config)
    findings.append(Finding("settings", f"profile {settings.profile}, issuer {settings.issuer}"))
    findings.append(_space(settings.data))
    findings.append(_mail(settings.smtp.host, settings.smtp.port))
    try:
        with administration(invocation) as administering:
            for look in (_stores, _keys, _applications, _mapping, _backlog):
                findings.extend(_safely(look, administering))
    except CommandRefused as refusal:
        findings.append(Finding("stores", "not usable", refusal.message))
    invocation.output.table(
        ["", "subject", "state", "advice"],
        [
            {"": "✗" if item.advice else "✓", "subject": item.subject, "state": item.state, "advice": item.advice}
            for item in findings
        ],
    )
    return 1 if any(item.advice for item in findings) else 0


def _safely(look: Callable[[Administration], Iterator[Finding]], administering: Administration) -> Iterator[Finding]:
    try:
        yield from look(administering)
    except Exception as error:
        yield Finding(
            look.__name__.strip("_"), f"could not be looked at ({type(error).__name__})", "See the line above."
        )


def _space(data: Path) -> Finding:
    try:
        free = shutil.disk_usage(data if data.exists() else data.parent).free
    except OSError as error:
        return Finding("disk", str(error.strerror), f"Create {data} and give it to the gateway's user.")
    state = f"{free // 2**20} MiB free in {data}"
    return Finding(
        "disk", state, "Make room: under 200 MiB nothing can be written safely." if free < 200 * 2**20 else ""
    )


def _mail(host: str, port: int) -> Finding:
    try:
        with socket.create_connection((host, port), timeout=3):
            return Finding("mail server", f"{host}:{port} answers")
    except OSError as error:
        return Finding(
            "mail server", f"{host}:{port}: {error.strerror or error}", "No code can be sent: check smtp.host."
        )


def _stores(administering: Administration) -> Iterator[Finding]:
    database = administering.stores.database
    if database.pending():
        yield Finding("database", "its tables are older than this version", "Run `passerelle init` (it only adds).")
    else:
        yield Finding("database", "answers, tables up to date")
    administering.stores.ephemeral.health()
    yield Finding("ephemeral store", "answers")


def _keys(administering: Administration) -> Iterator[Finding]:
    now, rules = administering.stores.clock.now(), administering.rotation_rules()
    keys = administering.stores.database.signing_keys.all()
    for algorithm in rules.algorithms:
        active = next((key for key in keys if key.algorithm is algorithm and key.state is KeyState.ACTIVE), None)
        if active is None:
            yield Finding(f"key {algorithm}", "none is active", "Run `passerelle init`.")
            continue
        overdue = now >= active.state_since + rules.period
        advice = "Rotate it: `passerelle rotate signing-keys`." if overdue else ""
        yield Finding(f"key {algorithm}", f"active since {iso_utc(active.state_since)}", advice)


def _applications(administering: Administration) -> Iterator[Finding]:
    for client in administering.reviewed.clients.all():
        public = client.authentication_method is ClientAuthenticationMethod.NONE
        secrets = len(live_secrets(administering, client.client_id))
        advice = "" if public or secrets else f"Give it a secret: `passerelle clients add {client.client_id}`."
        yield Finding(f"application {client.client_id}", "public" if public else f"{secrets} secret(s)", advice)


def _mapping(administering: Administration) -> Iterator[Finding]:
    remarks = administering.reviewed.remarks
    yield Finding("role mapping", administering.reviewed.mapping.version, "; ".join(remarks))


def _backlog(administering: Administration) -> Iterator[Finding]:
    waiting = administering.stores.ephemeral.spool.backlog()
    advice = "Is `passerelle jobs` running? Journal lines and messages wait for it." if waiting > 1000 else ""
    yield Finding("spool", f"{waiting} item(s) waiting", advice)
