"""`passerelle clients list | show | add`: the applications of idp_config, and their secrets (DECISIONS 9, KEY-06)."""

import hashlib
from pathlib import Path
from typing import Any

import click

from gateway.applications.client import Client
from gateway.applications.ports import SecretSlot, SecretsMovedError
from gateway.cli.administration import Administration, administration
from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused
from gateway.cli.secret_handover import handed_over
from gateway.clock import iso_utc
from gateway.journal.effects import because
from gateway.randomness import opaque


@click.group(short_help="The registered applications, and their secrets.")
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
                "redirect_uris": list(client.redirect_uris),
            }
            for client in administering.reviewed.clients.all()
        ]
        invocation.output.table(["client_id", "name", "authentication", "secrets", "redirect_uris"], rows)


@clients.command(short_help="One application, and the ages of its secrets.")
@click.argument("client_id")
@click.pass_obj
def show(invocation: Invocation, client_id: str) -> None:
    """One application as its file describes it, and the ages of its secrets."""
    with administration(invocation) as administering:
        client = known(administering, client_id)
        facts: dict[str, Any] = {
            "client_id": client.client_id,
            "name": " / ".join(dict.fromkeys(client.name.values())),
            "authentication": str(client.authentication_method),
            "application_type": "native" if client.native else "web",
            "redirect_uris": list(client.redirect_uris),
            "post_logout_redirect_uris": list(client.post_logout_redirect_uris),
            "backchannel_logout_uri": client.backchannel_logout_uri,
            "scopes": sorted(client.scopes),
            "audience": client.audience,
            "role_application": client.role_application,
            "min_acr": client.min_acr,
        }
        slots = live_secrets(administering, client_id)
        if invocation.output.as_json:
            facts["secrets"] = [
                {"slot": slot.slot, "created_at": slot.created_at, "expires_at": slot.expires_at} for slot in slots
            ]
        else:
            facts |= {f"secret {slot.slot}": f"since {iso_utc(slot.created_at)}{_end(slot)}" for slot in slots}
        invocation.output.sheet(facts)


@clients.command()
@click.argument("client_id")
@click.option("--output", "file", type=click.Path(path_type=Path, dir_okay=False), help="A new file for the secret.")
@click.option("--reveal-once", is_flag=True, help="Show the secret, once, in this terminal.")
@click.pass_obj
def add(invocation: Invocation, client_id: str, file: Path | None, reveal_once: bool) -> None:
    """Gives a registered application its first secret.

    The application is registered by its file in idp_config/clients/, which `passerelle config check` reads.
    """
    with administration(invocation) as administering:
        client = known(administering, client_id)
        if not client.has_secret:
            method = client.authentication_method
            raise CommandRefused(f"{client_id} ({method}) is a client without a secret, and is ready as it is.")
        if live_secrets(administering, client_id):
            raise CommandRefused(
                f"{client_id} has a secret already; replace it with `passerelle rotate client-secret {client_id}`."
            )
        secret = opaque(administering.stores.randomness)
        with handed_over(
            secret, what=f"The secret of {client_id}", file=file, reveal_once=reveal_once, output=invocation.output
        ) as facts:
            facts["client_id"] = client_id
            slot = new_slot(administering, client_id, secret, number=1)
            added = administering.event("client_secret.added", client=client_id, slot=slot.slot)
            try:
                administering.stores.database.client_secrets.rotate(
                    slot, ending=(), at=slot.created_at, effects=because(added)
                )
            except SecretsMovedError:
                raise CommandRefused(
                    f"Somebody gave {client_id} a secret meanwhile; look at it with `passerelle clients show {client_id}`."
                ) from None


def known(administering: Administration, client_id: str) -> Client:
    """The client, or a sentence that names those there are."""
    client = administering.reviewed.clients.find(client_id)
    if client is None:
        names = ", ".join(item.client_id for item in administering.reviewed.clients.all()) or "none"
        raise CommandRefused(
            f"No application is called {client_id} (there are: {names}). Add its file to the folder of clients first."
        )
    return client


def live_secrets(administering: Administration, client_id: str) -> list[SecretSlot]:
    now = administering.stores.clock.now()
    return [
        slot
        for slot in administering.stores.database.client_secrets.of(client_id)
        if slot.expires_at is None or now < slot.expires_at
    ]


def new_slot(administering: Administration, client_id: str, secret: str, *, number: int) -> SecretSlot:
    """What is stored of a 256-bit random secret: its digest."""
    return SecretSlot(
        client_id=client_id,
        slot=number,
        digest=hashlib.sha256(secret.encode()).digest(),
        created_at=administering.stores.clock.now(),
        expires_at=None,
    )


def _end(slot: SecretSlot) -> str:
    return "" if slot.expires_at is None else f", until {iso_utc(slot.expires_at)}"
