"""Where a sheet is presented: the identifier and the code printed on it (RST-09).

Whatever is wrong, the answer is one, and takes one look-up of an account and one of a link. Tries are counted before they are
judged, by address and in all, whoever they are for. Looking consumes nothing.
"""

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, token_digest
from gateway.accounts.ports import Accounts, OneTimeLinks, Recoveries
from gateway.accounts.recovery import RecoveryState
from gateway.accounts.resolve_identifier import resolve_identifier
from gateway.clock import Clock
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.signin.colleagues.refusals import SheetRefused
from gateway.signin.colleagues.sheet import sheet_token
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.live_link import live_link
from gateway.signin.policy import HOUR, Window
from gateway.signin.ports import Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ThrottleKeys, ip_block, within

_STATUS = {LinkPurpose.ACTIVATION: AccountStatus.INVITED, LinkPurpose.RECOVERY: AccountStatus.ACTIVE}
TRIES_PER_IP = (Window(20, HOUR),)
TRIES_IN_ALL = (Window(3_000, HOUR),)
"""A code has 107 bits: this bounds what a crowd may cost us, not what it may guess."""


class SheetDesk:
    def __init__(
        self,
        *,
        accounts: Accounts,
        links: OneTimeLinks,
        recoveries: Recoveries,
        throttle: Throttle,
        spool: Spool,
        link_key: PurposeKey,
        throttle_key: PurposeKey,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._links = links
        self._recoveries = recoveries
        self._throttle = throttle
        self._spool = spool
        self._link_key = link_key
        self._keys = ThrottleKeys(throttle_key)
        self._clock = clock

    def redeem(self, identifier: str, code: str, context: RequestContext) -> tuple[LinkPurpose, str]:
        """What the sheet is for, and the token that its code stands for. Raises SheetRefused."""
        now = self._clock.now()
        lines = Lines(now, context)
        block = self._keys.of("sheet-ip", ip_block(context.ip))
        allowed = [
            within(self._throttle, block, TRIES_PER_IP, now),
            within(self._throttle, self._keys.of("sheet-all", ""), TRIES_IN_ALL, now),
        ]
        account = resolve_identifier(self._accounts, identifier)
        token = sheet_token(self._link_key, code)
        reason = "too_many"
        if all(allowed):
            try:
                link, holder = self.inspect(token)
            except LinkGone:
                reason = "wrong"
            else:
                if account is not None and holder.id == account.id:
                    details = {"purpose": link.purpose.value}
                    self._spool.note(lines.said("sheet.used", Outcome.SUCCESS, holder.id, details=details))
                    return link.purpose, token
                reason = "somebody_else"
        target = account.id if account is not None else None
        self._spool.note(lines.said("sheet.refused", Outcome.REFUSED, target, reason=reason))
        raise SheetRefused(reason)

    def inspect(self, token: str) -> tuple[OneTimeLink, Account]:
        """A sheet that can be used, and whose. Raises LinkGone."""
        now, digest = self._clock.now(), token_digest(token)
        found = self._links.find_by_digest(digest) if digest is not None else None
        if found is None or found.purpose not in _STATUS or found.printed_by is None:
            raise LinkGone("no sheet")
        link = live_link(self._links, digest, found.purpose, now)
        account = self._accounts.get(link.account_id)
        if account is None or account.status is not _STATUS[link.purpose]:
            raise LinkGone("the account is not in that state")
        if account.contact_version != link.contact_version:
            raise LinkGone("the account changed")
        if link.purpose is LinkPurpose.RECOVERY:
            recovery = self._recoveries.of(account.id, now)
            if recovery is None or recovery.state is not RecoveryState.APPROVED:
                raise LinkGone("no recovery is approved")
        return link, account
