"""The first access of a colleague, given again by mail or on a sheet of paper, and the link for a lost password (RST-10,
RST-12, R000-11, R000-12; DECISIONS 7, 16).

The référent never sees the mailed link, chooses no password and moves no address. A newer link or sheet kills the older. The
third time that nobody claims one, the référents and the region are told; nothing is archived. Refuses a first access to an
account that is active, and a reset where there is no password.
"""

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, new_link, sending
from gateway.accounts.ports import OneTimeLinks
from gateway.clock import Clock
from gateway.journal.effects import Effects, Outgoing, because
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness
from gateway.signin.colleagues.reach import Reach
from gateway.signin.colleagues.refusals import NotNow
from gateway.signin.colleagues.sheet import new_sheet
from gateway.signin.enrolment.reset_order import has_password_to_reset, reset_order
from gateway.signin.journal_lines import Lines
from gateway.signin.ports import Spool
from gateway.signin.request_context import RequestContext

FLAGGED_AFTER = 3
"""Links given again, none of them claimed."""
_ACTIVATION = LinkPurpose.ACTIVATION


class Invitations:
    def __init__(
        self,
        *,
        reach: Reach,
        links: OneTimeLinks,
        spool: Spool,
        link_key: PurposeKey,
        ttl_seconds: int,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._reach = reach
        self._links = links
        self._spool = spool
        self._link_key = link_key
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._randomness = randomness

    def resend(self, referent: Account, account_id: str, context: RequestContext) -> Account:
        """A new link leaves by mail. Raises OutOfReach, NotNow, TooManyActs."""
        lines = Lines(self._clock.now(), context)
        account, structure = self._invited(referent, account_id, lines)
        link = new_link(
            self._link_key,
            _ACTIVATION,
            account_id=account.id,
            contact_version=account.contact_version,
            now=lines.at,
            ttl_seconds=self._ttl_seconds,
            randomness=self._randomness,
        )
        details = {"purpose": _ACTIVATION.value}
        said = lines.acted("link.requested", actor=referent.id, target=account.id, structure=structure, details=details)
        self._issue(link, said + because(outgoing=(sending(link),)), lines)
        return account

    def print_sheet(
        self, referent: Account, account_id: str, context: RequestContext
    ) -> tuple[Account, OneTimeLink, str]:
        """The person, the link and the code to print, once. They are told by mail. Raises OutOfReach, NotNow, TooManyActs."""
        lines = Lines(self._clock.now(), context)
        account, structure = self._invited(referent, account_id, lines)
        link, code = new_sheet(
            self._link_key,
            _ACTIVATION,
            account,
            printed_by=referent.id,
            now=lines.at,
            expires_at=lines.at + self._ttl_seconds,
            randomness=self._randomness,
        )
        details = {"purpose": _ACTIVATION.value}
        said = lines.acted("sheet.printed", actor=referent.id, target=account.id, structure=structure, details=details)
        told = because(outgoing=(Outgoing("notice", {"account": account.id, "what": "sheet_printed"}),))
        self._issue(link, said + told, lines)
        return account, link, code

    def send_reset(self, referent: Account, account_id: str, context: RequestContext) -> Account:
        """As if the person had asked for it: the mail goes where theirs would. Raises OutOfReach, NotNow, TooManyActs."""
        lines = Lines(self._clock.now(), context)
        account, structures = self._reach.colleague(referent, account_id, lines)
        if not has_password_to_reset(account):
            raise NotNow("no_password")
        self._reach.count(referent, account, lines.at)
        details = {"purpose": LinkPurpose.RESET.value}
        said = lines.acted(
            "link.requested", actor=referent.id, target=account.id, structure=structures[0].id, details=details
        )
        self._spool.note(said + because(outgoing=(reset_order(account, lines.at),)))
        return account

    def _invited(self, referent: Account, account_id: str, lines: Lines) -> tuple[Account, str]:
        account, structures = self._reach.colleague(referent, account_id, lines)
        if account.status is not AccountStatus.INVITED:
            raise NotNow("activated")
        self._reach.count(referent, account, lines.at)
        return account, structures[0].id

    def _issue(self, link: OneTimeLink, effects: Effects, lines: Lines) -> None:
        again = self._links.issued(link.account_id, _ACTIVATION)
        if again >= FLAGGED_AFTER:
            unclaimed: dict[str, str | int] = {"account": link.account_id, "what": "colleague_unclaimed"}
            effects += lines.acted(
                "account.unclaimed", actor=link.account_id, target=link.account_id, details={"count": again}
            )
            effects += because(outgoing=(Outgoing("tell_referents", unclaimed),))
        self._links.issue(link, effects)
