"""Everything that the two origins share: who is known, who is signed in, which codes and tokens live, how it behaves."""

import uuid
from dataclasses import dataclass, field

from sandbox.clock import WorldClock
from sandbox.psc.authorization import Codes
from sandbox.psc.client import RegisteredClient
from sandbox.psc.conduct import Conduct
from sandbox.psc.journal import RequestJournal
from sandbox.psc.keys import RealmKeys
from sandbox.psc.personas import Persona, Personas
from sandbox.psc.quirks import Quirk
from sandbox.psc.sessions import PscSessions
from sandbox.psc.token_store import TokenStore
from sandbox.world.approvals import Approvals

REALM_PATH = "/auth/realms/esante-wallet"
PROTOCOL_PATH = f"{REALM_PATH}/protocol/openid-connect"


@dataclass
class Realm:
    """`auth_url` and `wallet_url` are origins without a trailing slash."""

    auth_url: str
    wallet_url: str
    client: RegisteredClient
    personas: Personas
    conduct: Conduct
    approvals: Approvals
    clock: WorldClock
    standard_discovery: bool = False
    keys: RealmKeys = field(default_factory=RealmKeys)
    sessions: PscSessions = field(default_factory=PscSessions)
    codes: Codes = field(default_factory=Codes)
    tokens: TokenStore = field(default_factory=TokenStore)
    journal: RequestJournal = field(default_factory=RequestJournal)
    storage_uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    other_storage_uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def issuer(self) -> str:
        return f"{self.auth_url}{REALM_PATH}"

    def now(self) -> float:
        return self.clock.now().timestamp()

    def subject_of(self, person: Persona) -> str:
        """`sub` as Keycloak makes it for people of another storage: `f:<uuid of the storage>:<their name there>`."""
        changed = self.conduct.quirk is Quirk.PROVIDER_UUID_CHANGED
        return f"f:{self.other_storage_uuid if changed else self.storage_uuid}:{person.national_id}"
