"""An administrator who creates some accounts one after the other, as `passerelle accounts create` does, and is killed meanwhile
or afterwards; each account's identifier is printed once it is created."""

import os
from pathlib import Path
from threading import Event

from gateway.accounts.create_account import NewAccount
from gateway.cli.accounts import create
from gateway.cli.administration import administration
from gateway.cli.command_line import Invocation
from gateway.cli.output import Output

ACCOUNTS = 12


def main(prefix: str) -> None:
    settings_file = Path(os.environ["PASSERELLE_CONFIG"])
    with administration(Invocation(settings_file, Output(as_json=True))) as administering:
        for number in range(ACCOUNTS):
            name = f"{prefix}-{number}"
            person = NewAccount(
                username=name, given_name="Invitée", family_name="Fictive", email=f"{name}@demo.passerelle.test"
            )
            print(create(administering, person).id, flush=True)
        Event().wait()
