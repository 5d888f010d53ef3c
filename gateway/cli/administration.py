"""What the commands share: the opened stores, the reviewed files, and who is typing (CLI-04)."""

import contextlib
import getpass
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused, Output
from gateway.journal.events import Event, Outcome
from gateway.keys.key_encryption_key import KeyFileError
from gateway.keys.rotation import RotationRules
from gateway.settings import Settings, read_settings
from gateway.storage.sql.database import StoreUnavailableError
from gateway.wiring.policies import rotation_rules
from gateway.wiring.stores import ReviewedConfig, Stores, open_stores, read_idp_config


@dataclass(frozen=True, slots=True)
class Administration:
    settings: Settings
    reviewed: ReviewedConfig
    stores: Stores
    output: Output

    @property
    def operator(self) -> str:
        """The account of the operating system; an individual sign-in of operators comes with the consoles (CLI-05)."""
        return getpass.getuser()

    def event(self, name: str, outcome: Outcome = Outcome.SUCCESS, **facts: str | int | None) -> Event:
        """A journal line of this command. `target`, `client` and `reason` are its own fields, the rest are details."""
        own = {key: facts.pop(key) for key in ("target", "client", "reason", "method") if key in facts}
        details = {key: value for key, value in facts.items() if value is not None}
        return Event(
            name=name,
            outcome=outcome,
            at=self.stores.clock.now(),
            details={"operator": self.operator, "host": socket.gethostname(), **details},
            **{key: str(value) for key, value in own.items() if value is not None},
        )

    def rotation_rules(self) -> RotationRules:
        return rotation_rules(self.settings.values)


@contextlib.contextmanager
def administration(invocation: Invocation, *, initialised: bool = True) -> Iterator[Administration]:
    """Opens what a command needs; a refusal is a sentence with a way out."""
    settings = read_settings(invocation.config)
    reviewed = read_idp_config(settings)
    try:
        stores = open_stores(settings, node=f"cli@{socket.gethostname()}")
    except KeyFileError as error:
        raise CommandRefused(str(error)) from None
    with stores:
        if initialised:
            try:
                stores.database.check()
            except StoreUnavailableError as error:
                raise CommandRefused(
                    f"The database does not answer as expected ({error}). Is it reachable, and was `passerelle init` run?"
                ) from None
        yield Administration(settings, reviewed, stores, invocation.output)
