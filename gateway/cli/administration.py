"""What the commands share: the opened stores, the reviewed files, and who is typing (CLI-04)."""

import contextlib
import getpass
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.cli.command_line import Invocation
from gateway.cli.output import CommandRefused, Output
from gateway.journal.events import Event, Outcome
from gateway.keys.envelope import UnreadableError
from gateway.keys.key_encryption_key import KeyFileError
from gateway.keys.purpose_keys import WrongKeyEncryptionKeyError
from gateway.keys.purposes import Purpose
from gateway.keys.rotation import RotationRules
from gateway.settings import Settings, read_settings
from gateway.storage.ephemeral import EphemeralStoreUnavailableError
from gateway.storage.sql.database import Database, StoreUnavailableError
from gateway.wiring.policies import rotation_rules
from gateway.wiring.stores import ReviewedConfig, Stores, open_stores, read_idp_config

_CLOCK_OCTETS = 8


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
        return rotation_rules(self.settings)


@contextlib.contextmanager
def administration(invocation: Invocation, *, initialised: bool = True) -> Iterator[Administration]:
    """Opens what a command needs; a refusal is a sentence with a way out."""
    settings = read_settings(invocation.config)
    reviewed = read_idp_config(settings)
    try:
        with _opened(settings) as stores:
            if initialised:
                check_initialised(stores.database)
            yield Administration(settings, reviewed, stores, invocation.output)
    except EphemeralStoreUnavailableError as error:
        raise CommandRefused(
            f"The ephemeral store does not answer ({type(error).__name__}): is ephemeral.url right, and its server running?"
        ) from None


def _opened(settings: Settings) -> Stores:
    check_clock(settings)
    try:
        return open_stores(settings, node=f"cli@{socket.gethostname()}")
    except KeyFileError as error:
        raise CommandRefused(str(error)) from None
    except OSError as error:
        raise CommandRefused(
            f"{error.filename or settings.data}: {error.strerror or type(error).__name__}. "
            "The gateway's user must be able to write there: change `data` in the settings, or the folder's owner."
        ) from None


def check_clock(settings: Settings) -> None:
    """The demo's shared clock, when the settings name one."""
    file = settings.clock_offset_file
    if file is not None and not (file.is_file() and file.stat().st_size >= _CLOCK_OCTETS):
        raise CommandRefused(
            f"clock_offset_file: {file} is not there, or too short. Make it with `head -c 8 /dev/zero > {file}`, or take the "
            "key out of the settings."
        )


def check_initialised(database: Database) -> None:
    """Whether `passerelle init` did all its work, with this version and this key-encryption key."""
    try:
        database.check()
    except StoreUnavailableError as error:
        raise CommandRefused(
            f"The database does not answer as expected ({error}). Is it reachable, and was `passerelle init` run?"
        ) from None
    if database.pending():
        raise CommandRefused(
            "The database's tables are not those of this version: run `passerelle init` (it only adds)."
        )
    check_purpose_keys(database)


def check_purpose_keys(database: Database) -> None:
    try:
        for purpose in Purpose:
            database.purpose_keys.get(purpose)
    except KeyError:
        raise CommandRefused("The database's keys are not all there: run `passerelle init` (it only adds).") from None
    except (WrongKeyEncryptionKeyError, UnreadableError):
        raise CommandRefused(
            "The file of kek_file is not the one that wraps this database's keys: restore it from its backup, or point "
            "kek_file and database.url to the same deployment."
        ) from None
