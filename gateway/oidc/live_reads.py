"""What the machine door reads live, in one blocking call beside the event loop: the person, her rights, the keys.

Rights are computed at the moment of issuance (TOK-05, TOK-06): nothing of them is kept in the grant but the name of the
active structure.
"""

from collections.abc import Sequence

from gateway.applications.client import Client
from gateway.keys.key_ring import KeyRing
from gateway.oidc.claims import Rights
from gateway.oidc.ports import People, Person, RunBlocking


class LiveReads:
    def __init__(self, people: People, ring: KeyRing, run_blocking: RunBlocking) -> None:
        self._people = people
        self._ring = ring
        self._run_blocking = run_blocking

    async def person_and_rights(
        self, account_id: str, client: Client, *, scope: Sequence[str], acr: str, structure: str | None, now: float
    ) -> tuple[Person, Rights | None] | None:
        """None when nothing may be said of this account any more. Rights only under scope `ror`."""

        def read() -> tuple[Person, Rights | None] | None:
            self._ring.keep_fresh()
            person = self._people.person(account_id)
            if person is None or not person.active:
                return None
            if "ror" not in scope:
                return person, None
            structures, version, as_of = self._people.rights(account_id, client.role_application, acr, now)
            return person, Rights(structures, structure, version, as_of)

        return await self._run_blocking(read)

    async def keys(self) -> KeyRing:
        """The ring, read again when it is due."""
        if self._ring.is_due():
            await self._run_blocking(self._ring.keep_fresh)
        return self._ring
