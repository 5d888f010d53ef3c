"""The end of a recovery, by the person themselves (FID-11, RST-07, RST-08): with the sheet, once the address is proved, they
set a password or make a passkey, and everything else that proved them is gone, but linked identities. It opens no session.

Also how it stops: "it was not me", from the mails that told of it, until the end.
"""

from collections.abc import Sequence
from dataclasses import replace

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.authenticator import Passkey
from gateway.accounts.contact_change import Contact, ContactChange
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, token_digest
from gateway.accounts.password_hash import PasswordHasher
from gateway.accounts.password_policy import PasswordPolicy
from gateway.accounts.ports import AccountExistsError, ContactChanges, OneTimeLinks, Recoveries, SessionsEnder
from gateway.accounts.recovery import Recovery
from gateway.clock import Clock
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.randomness import Randomness, identifier
from gateway.signin.colleagues.desk import SheetDesk
from gateway.signin.colleagues.refusals import AddressTaken
from gateway.signin.enrolment.access_link import AddressUnproved, LinkGone
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.live_link import live_link
from gateway.signin.ports import Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ThrottleKeys, forget_failures


class OwnRecovery:
    def __init__(
        self,
        *,
        desk: SheetDesk,
        recoveries: Recoveries,
        changes: ContactChanges,
        links: OneTimeLinks,
        sessions: SessionsEnder,
        throttle: Throttle,
        throttle_keys: ThrottleKeys,
        hasher: PasswordHasher,
        passwords: PasswordPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._desk = desk
        self._recoveries = recoveries
        self._changes = changes
        self._links = links
        self._sessions = sessions
        self._throttle = throttle
        self._keys = throttle_keys
        self._hasher = hasher
        self._passwords = passwords
        self._clock = clock
        self._randomness = randomness

    def inspect(self, token: str) -> tuple[OneTimeLink, Account]:
        """Consumes nothing. Raises LinkGone, and AddressUnproved as long as no address is."""
        link, account = self._desk.inspect(token)
        if link.purpose is not LinkPurpose.RECOVERY:
            raise LinkGone("another sheet")
        if not link.proves_address:
            raise AddressUnproved("no code was given back")
        return link, account

    def set_password(self, token: str, password: str, context: RequestContext) -> Account:
        """Raises LinkGone, AddressUnproved, AddressTaken, PasswordTooWeak."""
        link, account = self.inspect(token)
        self._passwords.check(password, account)
        lines = Lines(self._clock.now(), context, method="password")
        changed = replace(account, password_hash=self._hasher.hash(account.id, password), password_set_at=lines.at)
        said = lines.said("account.password_set", Outcome.SUCCESS, account.id, details={"purpose": link.purpose.value})
        return self._finish(link, account, changed, lines, said)

    def keep_passkey(self, token: str, passkey: Passkey, context: RequestContext) -> Account:
        """The account without a password. Raises LinkGone, AddressUnproved, AddressTaken, PasskeyExistsError."""
        link, account = self.inspect(token)
        lines = Lines(self._clock.now(), context, method="passkey")
        changed = replace(account, password_hash=None, password_set_at=None)
        details = {"authenticator": passkey.id, "means": "passkey"}
        said = lines.said("authenticator.added", Outcome.SUCCESS, account.id, details=details)
        return self._finish(link, account, changed, lines, said, passkey)

    def _finish(
        self,
        link: OneTimeLink,
        account: Account,
        changed: Account,
        lines: Lines,
        said: Effects,
        passkey: Passkey | None = None,
    ) -> Account:
        change = self._changes.get(link.contact_change or "")
        if change is None or change.account_id != account.id:
            raise AddressUnproved("no such address")
        changed = _with_address(changed, change.value, lines.at)
        former = self._former(account, changed, lines.at)
        told = [Outgoing("notice", {"account": account.id, "what": "account_recovered"})]
        told += [
            Outgoing(
                "contact_notice", {"account": account.id, "change": one.id, "to": "new", "what": "account_recovered"}
            )
            for one in former
        ]
        recovery = self._recoveries.of(account.id, lines.at)
        details = {"recovery": recovery.id} if recovery is not None else {}
        effects = lines.said("recovery.finished", Outcome.SUCCESS, account.id, details=details) + said
        effects += because(outgoing=tuple(told))
        ended = lines.said("session.ended", Outcome.SUCCESS, account.id, reason="recovered")
        forget_failures(self._throttle, self._keys, account)
        # Before and after: whenever the process dies, no session of before is left with what is new.
        self._sessions.end_sessions_of(account.id, lines.at, ended)
        try:
            finished = self._recoveries.finish(
                changed, link, lines.at, effects, passkey=passkey, former_addresses=former
            )
        except AccountExistsError:
            raise AddressTaken("another account has it") from None
        if not finished:
            raise LinkGone("used meanwhile")
        self._sessions.end_sessions_of(account.id, lines.at, ended)
        return changed

    def _former(self, account: Account, changed: Account, now: float) -> Sequence[ContactChange]:
        """The addresses that are the account's no more, each remembered so that its reader is told."""
        dropped = []
        if account.email.casefold() != changed.email.casefold():
            dropped.append((Contact.EMAIL, account.email))
        if account.recovery_email is not None:
            dropped.append((Contact.RECOVERY_EMAIL, account.recovery_email))
        return [
            ContactChange(
                id=identifier(self._randomness),
                account_id=account.id,
                contact=contact,
                value=address,
                contact_version=account.contact_version,
                asked_at=now,
                expires_at=now,
                made_at=now,
                ended_at=now,
            )
            for contact, address in dropped
        ]

    def to_stop(self, token: str) -> Recovery:
        """The recovery that the mail spoke of; consumes nothing. Raises LinkGone."""
        now = self._clock.now()
        link = live_link(self._links, token_digest(token), LinkPurpose.STOP_RECOVERY, now)
        recovery = self._recoveries.get(link.id)
        if recovery is None or not recovery.is_under_way(now):
            raise LinkGone("nothing is under way")
        return recovery

    def stop(self, token: str, context: RequestContext) -> None:
        """Its sheets die. Raises LinkGone."""
        lines = Lines(self._clock.now(), context)
        recovery = self.to_stop(token)
        link = self._links.get(recovery.id)
        said = lines.said("recovery.stopped", Outcome.SUCCESS, recovery.account_id, details={"recovery": recovery.id})
        asked: dict[str, str | int] = {
            "account": recovery.account_id,
            "what": "colleague_recovery_stopped",
            "structure": recovery.structure_id,
        }
        stopping = said + because(outgoing=(Outgoing("tell_referents", asked),))
        if link is None or not self._recoveries.stop(link, lines.at, stopping):
            raise LinkGone("over meanwhile")


def _with_address(account: Account, address: str, now: float) -> Account:
    """What the lost means were bound to goes too: the address of rescue, and the verification of the telephone."""
    moved = account.email.casefold() != address.casefold()
    return replace(
        account,
        email=address,
        email_verified_at=now,
        email_changed_at=now if moved else account.email_changed_at,
        recovery_email=None,
        recovery_email_verified_at=None,
        phone_verified_at=None,
        code_channel=CodeChannel.EMAIL,
        contact_version=account.contact_version + 1,
        code_demanded_since=now,
        password_disabled_at=None,
        must_change_password=False,
    )
