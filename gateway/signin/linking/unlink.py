"""The identities of an account as its holder sees them, and switching one off (DECISIONS 6).

The person does it alone and at once. What the identity proved, its RPPS and its national identifier, stays the account's:
freeing them for another account is not decided here (LNK-10).
"""

from collections.abc import Sequence

from gateway.accounts.account import Account
from gateway.accounts.identity_link import IdentityLink
from gateway.accounts.ports import IdentityLinks, Passkeys, SessionsEnder
from gateway.clock import Clock
from gateway.journal.events import Outcome
from gateway.signin.journal_lines import Lines
from gateway.signin.request_context import RequestContext


class LinkedIdentities:
    def __init__(self, *, identities: IdentityLinks, passkeys: Passkeys, sessions: SessionsEnder, clock: Clock) -> None:
        self._identities = identities
        self._passkeys = passkeys
        self._sessions = sessions
        self._clock = clock

    def of(self, account_id: str) -> Sequence[IdentityLink]:
        """Every link it ever had, oldest first."""
        return self._identities.of(account_id)

    def is_the_only_way_in(self, account: Account, link_id: str) -> bool:
        """Whether nothing else would sign its holder in: no password, no passkey, no other link that stands."""
        if account.password_hash is not None or any(one.is_alive for one in self._passkeys.of(account.id)):
            return False
        now = self._clock.now()
        return not any(link.id != link_id and link.signs_in(now) for link in self._identities.of(account.id))

    def unlink(self, account_id: str, link_id: str, context: RequestContext) -> bool:
        """Ends the link and every session of the account. False when it was off already or is not theirs."""
        link = self._identities.get(link_id)
        if link is None or link.account_id != account_id:
            return False
        now = self._clock.now()
        lines = Lines(now, context, method=link.kind.value)
        said = lines.said("identity.unlinked", Outcome.SUCCESS, account_id, details={"identity_link": link.id})
        if not self._identities.end(link_id, now, account_id, said):
            return False
        ended = lines.said("session.ended", Outcome.SUCCESS, account_id, reason="identity_unlinked")
        self._sessions.end_sessions_of(account_id, now, ended)
        return True
