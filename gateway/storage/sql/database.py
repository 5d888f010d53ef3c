"""The durable store as one thing: what wiring opens, and the rooms' ports it answers.

Nothing is read before it is needed, so that a store that is empty, or behind the code, can still be opened and migrated.
"""

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from gateway.accounts.ports import (
    Accounts,
    AuthenticatorsHeld,
    CodeFailures,
    ContactChanges,
    IdentityLinks,
    OneTimeLinks,
    Outbox,
    Passkeys,
    Recoveries,
    RecoveryCodeSets,
    TotpAuthenticators,
    TrustedDevices,
)
from gateway.applications.ports import ClientSecrets
from gateway.habilitations.ports import Habilitations, Structures
from gateway.journal.effects import Effects
from gateway.journal.ports import JournalStore, OwnJournal
from gateway.keys.field_cipher import BlindIndex, FieldCipher
from gateway.keys.key_encryption_key import KeyEncryptionKey
from gateway.keys.ports import PurposeKeyStore, SigningKeyStore
from gateway.keys.purposes import Purpose
from gateway.randomness import Randomness
from gateway.signin.card.ports import RevocationListStore
from gateway.storage.sql import migrations
from gateway.storage.sql.account_row import AccountRows
from gateway.storage.sql.accounts import SqlAccounts
from gateway.storage.sql.authenticators_held import SqlAuthenticatorsHeld
from gateway.storage.sql.client_secrets import SqlClientSecrets
from gateway.storage.sql.code_failures import SqlCodeFailures
from gateway.storage.sql.contact_changes import SqlContactChanges
from gateway.storage.sql.engine import Connections
from gateway.storage.sql.habilitations import SqlHabilitations
from gateway.storage.sql.identity_links import SqlIdentityLinks
from gateway.storage.sql.identity_row import IdentityRows
from gateway.storage.sql.journal import SqlJournal
from gateway.storage.sql.one_time_links import SqlOneTimeLinks
from gateway.storage.sql.outbox import SqlOutbox
from gateway.storage.sql.passkeys import SqlPasskeys
from gateway.storage.sql.people_mark import SqlPeopleMark
from gateway.storage.sql.purpose_keys import SqlPurposeKeys
from gateway.storage.sql.recoveries import SqlRecoveries
from gateway.storage.sql.recovery_codes import SqlRecoveryCodes
from gateway.storage.sql.revocation_lists import SqlRevocationLists
from gateway.storage.sql.signing_keys import SqlSigningKeys
from gateway.storage.sql.structures import SqlStructures
from gateway.storage.sql.totp_authenticators import SqlTotpAuthenticators
from gateway.storage.sql.trusted_devices import SqlTrustedDevices


class StoreUnavailableError(Exception):
    """The durable store does not answer, or does not have the tables that this code expects."""


class Database:
    """`node` names this process in the journal lines that commit with their cause."""

    def __init__(self, url: str, kek: KeyEncryptionKey, randomness: Randomness, node: str) -> None:
        connections = self._connections = Connections(url)
        keys = self._keys = SqlPurposeKeys(connections, kek, randomness, node)
        cipher = FieldCipher(keys, randomness)
        index = BlindIndex(lambda: keys.get(Purpose.BLIND_INDEX))
        self.purpose_keys: PurposeKeyStore = keys
        rows = AccountRows(cipher, index)
        accounts = self._accounts = SqlAccounts(connections, rows, node)
        self.accounts: Accounts = accounts
        self.identities: IdentityLinks = SqlIdentityLinks(connections, rows, IdentityRows(cipher, index), node)
        changes = SqlContactChanges(connections, rows, cipher, node)
        self.contact_changes: ContactChanges = changes
        self.links: OneTimeLinks = SqlOneTimeLinks(connections, node)
        self.devices: TrustedDevices = SqlTrustedDevices(connections, node)
        self.totp: TotpAuthenticators = SqlTotpAuthenticators(connections, cipher, node)
        passkeys = SqlPasskeys(connections, accounts, node)
        self.passkeys: Passkeys = passkeys
        self.recoveries: Recoveries = SqlRecoveries(connections, accounts, passkeys, changes, node)
        self.recovery_codes: RecoveryCodeSets = SqlRecoveryCodes(connections, node)
        self.held: AuthenticatorsHeld = SqlAuthenticatorsHeld(connections)
        self.code_failures: CodeFailures = SqlCodeFailures(connections, node)
        self.outbox: Outbox = SqlOutbox(connections, node)
        self.structures: Structures = SqlStructures(connections, node)
        self.habilitations: Habilitations = SqlHabilitations(connections, node)
        self.client_secrets: ClientSecrets = SqlClientSecrets(connections, node)
        self.signing_keys: SigningKeyStore = SqlSigningKeys(connections, cipher, node)
        self.revocation_lists: RevocationListStore = SqlRevocationLists(connections, node)
        journal = SqlJournal(connections)
        self.journal: JournalStore = journal
        self.own_journal: OwnJournal = journal
        self.people_mark = SqlPeopleMark(connections)

    def migrate(self) -> None:
        """Brings the tables to what this code expects; does nothing when they are. Safe to call from several processes."""
        migrations.migrate(self._connections.engine)

    def pending(self) -> bool:
        return migrations.pending(self._connections.engine)

    def initialise_purpose_keys(self, effects: Effects) -> tuple[Purpose, ...]:
        """Draws the purpose keys that are missing, and says which; `effects` are written only if there was one."""
        return self._keys.initialise(effects)

    def complete_phone_factors(self) -> int:
        """Says whose factor are the numbers that were verified before this was written down; how many."""
        return self._accounts.complete_phone_factors()

    def check(self) -> None:
        """One cheap read. Raises StoreUnavailableError."""
        try:
            with self._connections.reading() as connection:
                connection.execute(sa.text("SELECT version FROM signing_key_version")).scalar_one()
        except SQLAlchemyError as error:
            raise StoreUnavailableError(type(error).__name__) from None

    def close(self) -> None:
        self.people_mark.close()
        self._connections.close()
