"""`passerelle demo --headless`, for the continuous integration of other teams: who signs in, and which application is theirs.

The demo's people alone; an application is written as a file of the deployment, as an operator would, so that what it may not
do is refused in the same words.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import yaml

from gateway.cli.output import CommandRefused

OWN_CLIENTS = ("orientation", "suivi")
SCOPES = ("openid", "profile", "email", "rpps", "profession", "ror", "scope_all")


@dataclass(frozen=True, slots=True)
class Persona:
    """One of the demo's people, and what they are said to have proved at each sign-in."""

    username: str
    proofs: str

    @property
    def settings(self) -> Mapping[str, str]:
        return {"username": self.username, "proofs": self.proofs}


def persona(name: str, proofs: str, people_file: Path) -> Persona:
    """By user name, or by given and family name. Refuses somebody else, and proofs that this person cannot have."""
    people: list[dict[str, Any]] = yaml.safe_load(people_file.read_text("utf-8"))
    found = [person for person in people if name.casefold() in {person["username"], person["name"].casefold()}]
    if not found:
        known = "\n".join(f"  {person['username'].ljust(12)} {person['name']}: {person['why']}" for person in people)
        raise CommandRefused(f"The demo has nobody called {name}. These people are there:\n{known}")
    person = found[0]
    if proofs == "password+sms" and not person.get("phone_verified"):
        raise CommandRefused(f"{person['name']} has no verified telephone: no code reaches them by SMS.")
    if proofs in {"psc", "card"} and not person.get("rpps"):
        raise CommandRefused(f"{person['name']} has no RPPS, so neither e-CPS nor CPS card.")
    return Persona(person["username"], proofs)


@dataclass(frozen=True, slots=True)
class OtherApplication:
    """The other team's. `secret_file` None: a public client."""

    client_id: str
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...]
    backchannel_logout_uri: str | None
    secret_file: Path | None
    rights_of: str

    def write(self, clients: Path) -> None:
        """Its file in the demo's copy of idp_config, read again as the gateway will. Raises ConfigurationError."""
        declared: dict[str, Any] = {
            "client_id": self.client_id,
            "name": {"fr": self.client_id, "en": self.client_id},
            "redirect_uris": list(self.redirect_uris),
            "post_logout_redirect_uris": list(self.post_logout_redirect_uris),
            "authentication_method": "none" if self.secret_file is None else "client_secret_basic",
            "scopes": list(SCOPES),
            "audience": self.redirect_uris[0].partition("//")[2].partition("/")[0],
            "role_application": self.rights_of,
            "refresh_tokens": True,
            "response_modes": ["query", "form_post"],
        }
        if self.backchannel_logout_uri is not None:
            declared["backchannel_logout_uri"] = self.backchannel_logout_uri
        file = clients / f"{self.client_id}.yaml"
        file.write_text(yaml.safe_dump(declared, sort_keys=False), "utf-8")
        from gateway.applications.client_file import read_client  # noqa: PLC0415 -- for those who bring an application

        read_client(file, loopback_http=True)


def other_application(
    client_id: str | None,
    redirect_uris: Sequence[str],
    *,
    post_logout_redirect_uris: Sequence[str],
    backchannel_logout_uri: str | None,
    secret_file: Path,
    public: bool,
    rights_of: str,
) -> OtherApplication | None:
    """None when the command line names none. The secret stands in `secret_file`, made when it is not there."""
    if client_id is None and not redirect_uris:
        return None
    if client_id is None or not redirect_uris:
        raise click.UsageError("--client-id and --redirect-uri go together: they describe your application.")
    if client_id in OWN_CLIENTS:
        raise CommandRefused(f"{client_id} is the demo's own application; choose another --client-id.")
    if not client_id.replace("-", "").isalnum():
        raise click.UsageError("--client-id: lower-case letters, digits and hyphens.")
    return OtherApplication(
        client_id,
        tuple(redirect_uris),
        tuple(post_logout_redirect_uris),
        backchannel_logout_uri,
        None if public else secret_file,
        rights_of,
    )


def ready_line(
    issuer: str,
    persona: Persona | None,
    own: Mapping[str, tuple[str, Path]],
    other: OtherApplication | None,
    world: str,
) -> str:
    """One line of JSON for scripts; secrets are files. `own`: by client, its address and its secret's file."""
    clients: list[dict[str, Any]] = [
        {"client_id": client_id, "redirect_uris": [f"{url}/callback"], "client_secret_file": str(secret)}
        for client_id, (url, secret) in own.items()
    ]
    if other is not None:
        secret_file = str(other.secret_file) if other.secret_file is not None else None
        clients.append(
            {
                "client_id": other.client_id,
                "redirect_uris": list(other.redirect_uris),
                "client_secret_file": secret_file,
            }
        )
    return json.dumps(
        {
            "issuer": issuer,
            "discovery": f"{issuer}/.well-known/openid-configuration",
            "persona": persona.username if persona is not None else None,
            "proofs": persona.proofs if persona is not None else None,
            "clients": clients,
            "world": world,
        },
        ensure_ascii=False,
    )
