"""The demo's people and secrets, put in a fresh deployment of the `demo` profile (refused elsewhere).

Their passwords are public, in a file made for that; accounts that a person would have activated are written as activated.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from gateway.accounts.account import Account, AccountStatus, CodeChannel
from gateway.accounts.create_account import NewAccount
from gateway.accounts.password_hash import PasswordHasher
from gateway.applications.ports import SecretSlot
from gateway.cli.accounts import create
from gateway.cli.administration import Administration, administration
from gateway.cli.command_line import Invocation
from gateway.cli.init import create_kek, prepare
from gateway.cli.output import CommandRefused, Output
from gateway.journal.effects import because
from gateway.keys.purposes import Purpose
from gateway.settings import read_settings
from gateway.wiring.jobs import directory_import
from gateway.wiring.policies import argon2_parameters


def seed_demo(settings_file: Path, *, people_file: Path, secret_files: Mapping[str, Path]) -> None:
    """Initialises a deployment of the demo profile and fills it; `secret_files` by client."""
    settings = read_settings(settings_file)
    if settings.profile != "demo":
        raise CommandRefused("Demo people are for the demo profile only.")
    create_kek(settings)
    with administration(Invocation(settings_file, Output(as_json=True)), initialised=False) as administering:
        prepare(administering)
        people: list[dict[str, Any]] = yaml.safe_load(people_file.read_text("utf-8"))
        database = administering.stores.database
        pepper = database.purpose_keys.get(Purpose.PASSWORD_PEPPER)
        hasher = PasswordHasher(pepper, administering.stores.randomness, argon2_parameters(settings.values))
        for person in people:
            _put(administering, person, hasher)
        now = administering.stores.clock.now()
        for client, secret_file in secret_files.items():
            secret = secret_file.read_text("utf-8").strip()
            database.client_secrets.put(
                SecretSlot(client, 1, hashlib.sha256(secret.encode()).digest(), now, None),
                because(administering.event("client_secret.added", client=client, slot=1)),
            )
        directory_import(settings, administering.reviewed, administering.stores).run(applied=True)


def _put(administering: Administration, person: dict[str, Any], hasher: PasswordHasher) -> None:
    account = create(
        administering,
        NewAccount(
            username=person["username"],
            given_name=person["given_name"],
            family_name=person["family_name"],
            email=person["email"],
            phone=person.get("phone"),
            rpps=person.get("rpps") or None,
            profession=person.get("profession"),
            is_administrator=bool(person.get("administrator")),
        ),
    )
    if person["status"] == "invited":
        return
    now = administering.stores.clock.now()
    known = replace(
        account,
        status=AccountStatus(person["status"]),
        email_verified_at=now,
        phone_verified_at=now if person.get("phone_verified") else None,
        code_channel=CodeChannel(person.get("code_channel", "email")),
        archived_at=now if person["status"] == "archived" else None,
        contact_version=account.contact_version + 1,  # the activation link dies
        password_hash=hasher.hash(account.id, person["password"]),
    )
    administering.stores.database.accounts.update(known, because(_event(administering, known)))


def _event(administering: Administration, account: Account) -> Any:
    name = "account.archived" if account.status is AccountStatus.ARCHIVED else "account.activated"
    return administering.event(name, target=account.id)
