"""First access and lost password, by one-time link (section RST).

Asking is always quiet and changes nothing (RST-06). Looking at a link consumes nothing (RST-03); setting the password consumes
it in the same transaction. A new password opens no session and trusts no device: the next sign-in asks a code (RST-07, RST-08).
"""

from dataclasses import replace

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, token_digest
from gateway.accounts.password_hash import PasswordHasher
from gateway.accounts.password_policy import PasswordPolicy, PasswordTooWeak, PasswordUnchanged
from gateway.accounts.ports import Accounts, OneTimeLinks, SessionsEnder
from gateway.accounts.resolve_identifier import resolve_identifier
from gateway.clock import Clock
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.refusal import Refusal
from gateway.signin.enrolment.reset_order import has_password_to_reset, reset_order
from gateway.signin.enrolment.welcome import activated
from gateway.signin.journal_lines import Lines
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ThrottleKeys, forget_failures, ip_block, within

__all__ = ["AccessLinks", "LinkGone", "PasswordTooWeak"]

_STATUS_FOR = {LinkPurpose.ACTIVATION: AccountStatus.INVITED, LinkPurpose.RESET: AccountStatus.ACTIVE}
_RESET = {"purpose": LinkPurpose.RESET.value}


class LinkGone(Refusal):
    """Unknown, malformed, used, revoked or expired: one text."""

    code = "link_gone"
    text = "link.gone"


class AddressUnproved(Refusal):
    """A sheet was printed and handed over: its holder must first give back a code sent to the account's address."""

    code = "address_unproved"
    text = "sheet.address_first"


class AccessLinks:
    def __init__(
        self,
        *,
        accounts: Accounts,
        links: OneTimeLinks,
        sessions: SessionsEnder,
        throttle: Throttle,
        spool: Spool,
        hasher: PasswordHasher,
        passwords: PasswordPolicy,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._links = links
        self._sessions = sessions
        self._throttle = throttle
        self._spool = spool
        self._hasher = hasher
        self._passwords = passwords
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy
        self._clock = clock

    def request_reset(self, identifier: str, context: RequestContext) -> None:
        """Somebody says they lost a password. Whatever happens, nothing is said here, and the ephemeral store alone
        is written; a known address gets a useful mail, made beside the request."""
        now = self._clock.now()
        lines = Lines(now, context)
        account = resolve_identifier(self._accounts, identifier)
        asked = self._keys.of("reset", account.id) if account else self._keys.typed("reset-nobody", identifier)
        allowed = [
            within(self._throttle, asked, self._policy.resets_per_account, now),
            within(self._throttle, self._keys.of("reset-ip", ip_block(context.ip)), self._policy.resets_per_ip, now),
        ]
        if account is None or not all(allowed):
            reason = "too_many" if not all(allowed) else "unknown_identifier"
            self._note_refused(lines, account, reason)
        elif account.status not in _STATUS_FOR.values():
            self._note_refused(lines, account, "account_not_active")
        elif has_password_to_reset(account):
            requested = lines.said("link.requested", Outcome.SUCCESS, account.id, details=_RESET)
            self._spool.note(requested + because(outgoing=(reset_order(account, now),)))
        else:
            notice = Outgoing("notice", {"account": account.id, "what": "reset_without_password"})
            requested = lines.said("link.requested", Outcome.SUCCESS, account.id, reason="no_password", details=_RESET)
            self._spool.note(requested + because(outgoing=(notice,)))

    def _note_refused(self, lines: Lines, account: Account | None, reason: str) -> None:
        target = account.id if account else None
        self._spool.note(lines.said("link.requested", Outcome.REFUSED, target, reason=reason, details=_RESET))

    def inspect(self, token: str, purpose: LinkPurpose) -> Account:
        """Whose link it is. Consumes nothing. Raises LinkGone."""
        return self._live(token, LinkPurpose(purpose), self._clock.now())[1]

    def proves_address(self, token: str, purpose: LinkPurpose) -> bool:
        """Whether a password may be set by it as it is. Raises LinkGone."""
        return self._live(token, LinkPurpose(purpose), self._clock.now())[0].proves_address

    def _live(self, token: str, purpose: LinkPurpose, now: float) -> tuple[OneTimeLink, Account]:
        found = token_digest(token)
        link = self._links.find_by_digest(found) if found is not None else None
        if link is None or link.purpose is not purpose or purpose not in _STATUS_FOR:
            raise LinkGone("unknown or malformed")
        if link.used_at is not None or link.revoked_at is not None or now >= link.expires_at:
            raise LinkGone("used, revoked or expired")
        account = self._accounts.get(link.account_id)
        if (
            account is None
            or account.contact_version != link.contact_version
            or account.status is not _STATUS_FOR[purpose]
        ):
            raise LinkGone("the account changed")
        return link, account

    def set_password(self, token: str, purpose: LinkPurpose, password: str, context: RequestContext) -> Account:
        """The account with its new password; active if it was invited. Raises LinkGone, PasswordTooWeak or
        AddressUnproved."""
        now = self._clock.now()
        purpose = LinkPurpose(purpose)
        link, account = self._live(token, purpose, now)
        if not link.proves_address:
            raise AddressUnproved("a sheet of paper says nothing of an address")
        self._passwords.check(password, account)
        former = account.password_hash if account.must_change_password else None
        if former is not None and self._hasher.verify(account.id, former, password):
            # What was demanded is another one. An ordinary reset may well end in the password that was forgotten.
            raise PasswordUnchanged("the same as before")
        changed = replace(
            account,
            password_hash=self._hasher.hash(account.id, password),
            password_set_at=now,
            password_disabled_at=None,
            must_change_password=False,
        )
        # Whoever holds the link is the account's holder: what others failed no longer delays them.
        forget_failures(self._throttle, self._keys, account)
        lines = Lines(now, context, method="password")
        details = {"purpose": purpose.value}
        effects = lines.said("link.used", Outcome.SUCCESS, account.id, details=details)
        effects += lines.said("account.password_set", Outcome.SUCCESS, account.id, details=details)
        if purpose is LinkPurpose.ACTIVATION:
            # The link came by this address, or a code did: either verified it.
            changed = replace(changed, status=AccountStatus.ACTIVE, email_verified_at=now)
            effects += activated(account.id, lines)
            self._consume(changed, link, now, effects)
            return changed
        # It came by this address, which is bound again: codes may go there (OTP-09).
        changed = replace(changed, code_demanded_since=now, email_verified_at=now)
        notice = Outgoing("notice", {"account": account.id, "what": "password_changed"})
        # Before and after: whenever the process dies, no session of the old password is left with the new one.
        ended = lines.said("session.ended", Outcome.SUCCESS, account.id, reason="password_reset")
        self._sessions.end_sessions_of(account.id, now, ended)
        self._consume(changed, link, now, effects + because(outgoing=(notice,)))
        self._sessions.end_sessions_of(account.id, now, ended)
        return changed

    def _consume(self, changed: Account, link: OneTimeLink, now: float, effects: Effects) -> None:
        if not self._accounts.set_password(changed, link, now, effects):
            raise LinkGone("used meanwhile")
