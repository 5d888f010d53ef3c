"""`passerelle clients list | show | add`: the applications of idp_config, and their secrets (DECISIONS 9, KEY-06)."""

import hashlib
from pathlib import Path

import click

from gateway.applications.client import Client, ClientAuthenticationMethod
from gateway.applications.ports import SecretSlot
from gateway.cli.administration import Administration, administration
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused, check_secret_destination
from gateway.clock import iso_utc
from gateway.journal.effects import because
from gateway.randomness import opaque


@click.group()
def clients() -> None:
    """The registered applications."""


@clients.command(name="list")
@click.pass_obj
def list_(invocation: Invocation) -> None:
    """Every application, and how many live secrets it has."""
    with administration(invocation) as administering:
        rows = [
            {
                "client_id": client.client_id,
                "name": client.name.get("fr", client.client_id),
                "authentication": str(client.authentication_method),
                "secrets": len(live_secrets(administering, client.client_id)),
                "redirect_uris": ", ".join(client.redirect_uris),
            }
            for client in administering.reviewed.clients.all()
        ]
        invocation.output.table(["client_id", "name", "authentication", "secrets", "redirect_uris"], rows)


@clients.command()
@click.argument("client_id")
@click.pass_obj
def show(invocation: Invocation, client_id: str) -> None:
    """One application as its file describes it, and the ages of its secrets."""
    with administration(invocation) as administering:
        client = known(administering, client_id)
        rows: list[dict[str, str | None]] = [
            {"key": "name", "value": " / ".join(client.name.values())},
            {"key": "authentication", "value": str(client.authentication_method)},
            {"key": "redirect_uris", "value": ", ".join(client.redirect_uris)},
            {"key": "scopes", "value": " ".join(sorted(client.scopes))},
            {"key": "audience", "value": client.audience},
            {"key": "min_acr", "value": client.min_acr},
        ]
        rows.extend(
            {"key": f"secret {slot.slot}", "value": f"since {iso_utc(slot.created_at)}{_end(slot)}"}
            for slot in live_secrets(administering, client_id)
        )
        invocation.output.table(["key", "value"], rows)


@clients.command()
@click.argument("client_id")
@click.option("--output", "file", type=click.Path(path_type=Path, dir_okay=False), help="A new file for the secret.")
@click.option("--reveal-once", is_flag=True, help="Show the secret, once, in this terminal.")
@click.pass_obj
def add(invocation: Invocation, client_id: str, file: Path | None, reveal_once: bool) -> None:
    """Gives a registered application its first secret."""
    with administration(invocation) as administering:
        client = known(administering, client_id)
        if client.authentication_method is ClientAuthenticationMethod.NONE:
            raise CommandRefused(f"{client_id} is a public client: it has no secret, and is ready as it is.")
        if live_secrets(administering, client_id):
            raise CommandRefused(
                f"{client_id} has a secret already; replace it with `passerelle rotate client-secret {client_id}`."
            )
        check_secret_destination(file, reveal_once)
        secret = opaque(administering.stores.randomness)
        put_secret(administering, client_id, secret, slot=1)
        invocation.output.secret(secret, what=f"The secret of {client_id}", file=file, reveal_once=reveal_once)


def known(administering: Administration, client_id: str) -> Client:
    """The client, or a sentence that names those there are."""
    client = administering.reviewed.clients.find(client_id)
    if client is None:
        names = ", ".join(item.client_id for item in administering.reviewed.clients.all()) or "none"
        raise CommandRefused(
            f"No application is called {client_id} (there are: {names}). Add its file to idp_config/clients/ first."
        )
    return client


def live_secrets(administering: Administration, client_id: str) -> list[SecretSlot]:
    now = administering.stores.clock.now()
    return [
        slot
        for slot in administering.stores.database.client_secrets.of(client_id)
        if slot.expires_at is None or now < slot.expires_at
    ]


def put_secret(administering: Administration, client_id: str, secret: str, *, slot: int) -> None:
    """Stores the digest of a 256-bit random secret."""
    administering.stores.database.client_secrets.put(
        SecretSlot(
            client_id=client_id,
            slot=slot,
            digest=hashlib.sha256(secret.encode()).digest(),
            created_at=administering.stores.clock.now(),
            expires_at=None,
        ),
        because(administering.event("client_secret.added", client=client_id, slot=slot)),
    )


def _end(slot: SecretSlot) -> str:
    return "" if slot.expires_at is None else f", until {iso_utc(slot.expires_at)}"
