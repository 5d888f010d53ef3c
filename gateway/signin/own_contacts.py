"""Changing one's own contacts (OTP-13, R000-13, R002-17…20).

Whoever asks has just proved themselves afresh. The new contact proves itself by a code that it receives, within the limits of
all codes; a wrong code counts, and twenty of them in a day, over all changes, close them until it is over (OTP-09). The former
address is told, and gives the change back for three days; a former number is told too. Refuses a fourth number in a day
(SMS-04), and a recovery address that is the login's.
"""

from dataclasses import replace

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.contact_change import Contact, ContactChange, current
from gateway.accounts.identifiers import parse_email
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, new_link, sending, token_digest
from gateway.accounts.phone import PhoneRefused, mobile_number
from gateway.accounts.ports import AccountExistsError, Accounts, ContactChanges, OneTimeLinks, SessionsEnder
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness, digest, handle, partition_of
from gateway.refusal import Refusal
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.live_link import live_link
from gateway.signin.one_time_code.code import code_mac, typed_code
from gateway.signin.one_time_code.sending import CodeSending
from gateway.signin.one_time_code.signin import CodeDead, CodeRefused, ResendTooSoon
from gateway.signin.one_time_code.sms_gate import SmsGate
from gateway.signin.policy import DAY, HOUR, SigninPolicy, Window
from gateway.signin.ports import CodeChallenge, CodeVerdict, OneTimeCodes, Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ThrottleKeys, is_full, within

__all__ = ["ContactRefused", "OwnContacts", "PhoneRefused"]

PURPOSE = "contact"
_WAITS_SECONDS = HOUR
_UNDONE_WITHIN_SECONDS = 72 * HOUR
_NUMBERS = (Window(3, DAY),)


class ContactRefused(Refusal):
    """`text` says why: unreadable, the same as before, the login's own, too many numbers or wrong codes, taken, changed
    meanwhile, not verified."""

    code = "contact_refused"
    text = "contacts.refused"

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.text = f"contacts.refused_{why}"


class OwnContacts:
    """`countries`: whose numbers may receive codes; empty where no text message is sent, and then `sms` is None."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        changes: ContactChanges,
        links: OneTimeLinks,
        codes: OneTimeCodes,
        sending: CodeSending,
        sessions: SessionsEnder,
        throttle: Throttle,
        spool: Spool,
        sms: SmsGate | None,
        code_key: PurposeKey,
        link_key: PurposeKey,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
        countries: frozenset[str] = frozenset(),
        fiction: bool = False,
    ) -> None:
        self._accounts = accounts
        self._changes = changes
        self._links = links
        self._codes = codes
        self._sending = sending
        self._sessions = sessions
        self._throttle = throttle
        self._spool = spool
        self._sms = sms
        self._code_key, self._link_key = code_key, link_key
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy
        self._clock = clock
        self._randomness = randomness
        self._countries, self._fiction = countries, fiction

    @property
    def sends_texts(self) -> bool:
        return bool(self._countries)

    def ask(self, account: Account, contact: Contact, typed: str, context: RequestContext) -> ContactChange:
        """The change that waits for its code, on its way. Raises ContactRefused, PhoneRefused."""
        now = self._clock.now()
        if self._is_closed(account.id, now):
            raise ContactRefused("too_many_codes")
        change = ContactChange(
            id=handle(self._randomness, partition_of(account.id)),
            account_id=account.id,
            contact=contact,
            value=self._value(account, contact, typed, now),
            contact_version=account.contact_version,
            asked_at=now,
            expires_at=now + _WAITS_SECONDS,
        )
        lines = Lines(now, context, method="one_time_code")
        said = lines.said("contact.asked", Outcome.SUCCESS, account.id, details={"channel": contact.value})
        if contact is Contact.PHONE and account.phone_verified_at is not None:
            said += _notice(account, "phone_changed") + self._number_left(account, change.id, lines)
        stored = self._changes.ask(change, said)
        if stored is None:
            raise ContactRefused("meanwhile")
        self._send(stored, _receiving(account, stored), lines)
        return stored

    def _value(self, account: Account, contact: Contact, typed: str, now: float) -> str:
        if contact is Contact.PHONE:
            value: str | None = mobile_number(typed, countries=self._countries, fiction=self._fiction)
        else:
            value = parse_email(typed)
        if value is None:
            raise ContactRefused("unreadable")
        same_mail = contact is not Contact.PHONE and value.casefold() == account.email.casefold()
        if same_mail and contact is Contact.RECOVERY_EMAIL:
            raise ContactRefused("login_address")
        verified = contact is not Contact.PHONE or account.phone_verified_at is not None
        if same_mail or (verified and value == current(account, contact)):
            raise ContactRefused("same")
        if contact is Contact.PHONE and not within(
            self._throttle, self._keys.of("new-number", account.id), _NUMBERS, now
        ):
            raise ContactRefused("too_many")
        return value

    def waiting(self, account: Account, change_id: str) -> ContactChange:
        """Raises CodeDead."""
        change = self._changes.get(change_id)
        if (
            change is None
            or change.account_id != account.id
            or not change.waits(self._clock.now())
            or change.contact_version != account.contact_version
            or self._is_closed(account.id, self._clock.now())
        ):
            raise CodeDead("no such change waits")
        return change

    def _is_closed(self, account_id: str, now: float) -> bool:
        """Whether too many codes of new contacts were wrong: none is taken before the day is over."""
        window = Window(self._policy.factor_disabled_after, DAY)
        return is_full(self._throttle, self._keys.of("contact-code", account_id), window, now)

    def _send(self, change: ContactChange, account: Account, lines: Lines) -> None:
        channel = CodeChannel.SMS if change.contact is Contact.PHONE else CodeChannel.EMAIL
        challenge = CodeChallenge(
            id=change.id,
            account_id=account.id,
            transaction=digest(change.id),
            purpose=PURPOSE,
            channel=channel.value,
            contact_version=change.contact_version,
            client_id=None,
            mac=b"",
            send_number=1,
            sent_at=lines.at,
            expires_at=lines.at,
            attempts_left=self._policy.code_attempts,
        )
        challenge, effects = self._sending.prepared(challenge, account, lines, change=change.id)
        self._codes.begin(challenge, effects)

    def resend(self, account: Account, change_id: str, context: RequestContext) -> None:
        """Raises CodeDead, ResendTooSoon."""
        change, now = self.waiting(account, change_id), self._clock.now()
        challenge = self._challenge(change, now)
        wait = challenge.sent_at + self._policy.code_resend_min_interval_seconds - now
        if challenge.send_number >= self._policy.code_sends_per_challenge:
            raise CodeDead("no sending is left")
        if wait > 0:
            raise ResendTooSoon("too soon", wait_seconds=max(1, int(-(-wait // 1))))
        lines = Lines(now, context, method="one_time_code")
        fresh = replace(challenge, send_number=challenge.send_number + 1, sent_at=now)
        fresh, effects = self._sending.prepared(fresh, _receiving(account, change), lines, change=change.id)
        self._codes.resend(fresh, expected_send_number=challenge.send_number, effects=effects)

    def confirm(self, account: Account, change_id: str, code: str, context: RequestContext) -> Account:
        """The account with its new contact. Raises CodeDead, CodeRefused, ContactRefused."""
        change, now = self.waiting(account, change_id), self._clock.now()
        challenge = self._challenge(change, now)
        lines = Lines(now, context, method="one_time_code")
        self._judge(challenge, typed_code(code), lines)
        self._sending.typed(challenge, _receiving(account, change))
        undo = self._undo_link(account, change, now)
        details = {"channel": change.contact.value}
        effects = lines.said("contact.changed", Outcome.SUCCESS, account.id, details=details)
        effects += self._told(account, change, undo)
        try:
            made = self._changes.make(change.id, now, effects, undo=undo)
        except AccountExistsError:
            raise ContactRefused("taken") from None
        if made is None:
            raise CodeDead("the contacts changed meanwhile")
        return made

    def _challenge(self, change: ContactChange, now: float) -> CodeChallenge:
        challenge = self._codes.find(change.id, now)
        if challenge is None or challenge.purpose != PURPOSE or challenge.account_id != change.account_id:
            raise CodeDead("its code is over")
        return challenge

    def _judge(self, challenge: CodeChallenge, code: str, lines: Lines) -> None:
        details = {"channel": challenge.channel, "purpose": PURPOSE}
        wrong = lines.said("signin.code", Outcome.REFUSED, challenge.account_id, reason="wrong_code", details=details)
        right = lines.said("signin.code", Outcome.SUCCESS, challenge.account_id, details=details)
        mac = code_mac(self._code_key, challenge.id, code)
        verdict, left = self._codes.attempt(challenge.id, mac, lines.at, if_accepted=right, if_wrong=wrong)
        if verdict is CodeVerdict.WRONG:
            self._count_failure(challenge, lines)
        if verdict is CodeVerdict.WRONG and left > 0:
            raise CodeRefused("wrong code", attempts_left=left)
        if verdict is not CodeVerdict.ACCEPTED:
            raise CodeDead(verdict.value)

    def _count_failure(self, challenge: CodeChallenge, lines: Lines) -> None:
        """Across challenges and changes, whatever was right in between; whoever makes it too many is told of (OTP-09)."""
        before_last = Window(self._policy.factor_disabled_after - 1, DAY)
        key = self._keys.of("contact-code", challenge.account_id)
        if within(self._throttle, key, [before_last], lines.at):
            return
        details = {"channel": challenge.channel}
        account = challenge.account_id
        closed = lines.said("contact.changed", Outcome.REFUSED, account, reason="failures", details=details)
        notice = Outgoing("notice", {"account": account, "what": "contact_codes_disabled"})
        self._spool.note(closed + because(outgoing=(notice,)))

    def _number_left(self, account: Account, change_id: str, lines: Lines) -> Effects:
        """A verified number that is replaced or removed is told by a text message, within the limits of all of them; its
        holder may be somebody else than who reads the mail."""
        if self._sms is None or account.phone is None or account.phone_verified_at is None:
            return NO_EFFECTS
        details = {"channel": CodeChannel.SMS.value}
        reason = self._sms.admit_notice(account.phone, lines.at)
        if reason is not None:
            return lines.said("message.failed", Outcome.REFUSED, account.id, reason=reason, details=details)
        return because(outgoing=(Outgoing("number_left", {"account": account.id, "change": change_id, **details}),))

    def _undo_link(self, account: Account, change: ContactChange, now: float) -> OneTimeLink | None:
        """Only to an address that was verified; a number never had more than codes to lose."""
        if change.contact is Contact.PHONE or account.email_verified_at is None:
            return None
        return new_link(
            self._link_key,
            LinkPurpose.UNDO_CONTACT,
            account_id=account.id,
            contact_version=account.contact_version + 1,
            now=now,
            ttl_seconds=_UNDONE_WITHIN_SECONDS,
            randomness=self._randomness,
            link_id=change.id,
        )

    def _told(self, account: Account, change: ContactChange, undo: OneTimeLink | None) -> Effects:
        if change.contact is Contact.PHONE:
            return _notice(account, "phone_verified")
        outgoing = [_contact_notice(change, "new", "contact_new")]
        if change.contact is Contact.RECOVERY_EMAIL and account.recovery_email is not None:
            outgoing.append(_contact_notice(change, "former", "contact_former"))
        if undo is not None:
            outgoing.append(sending(undo))
        return because(outgoing=tuple(outgoing))

    def forget(self, account: Account, contact: Contact, context: RequestContext) -> None:
        """The number, or the recovery address. Raises ContactRefused."""
        lines = Lines(self._clock.now(), context)
        said = lines.said("contact.removed", Outcome.SUCCESS, account.id, details={"channel": contact.value})
        record_id = handle(self._randomness, partition_of(account.id))
        if contact is Contact.PHONE:
            effects = said + _notice(account, "phone_removed") + self._number_left(account, record_id, lines)
        else:
            effects = said + _notice(account, "recovery_removed")
        version = account.contact_version
        if not self._changes.forget(
            account.id, contact, record_id=record_id, contact_version=version, now=lines.at, effects=effects
        ):
            raise ContactRefused("meanwhile")

    def choose_channel(self, account: Account, channel: CodeChannel, context: RequestContext) -> None:
        """Immediate, journalled, told (R002-20). Raises ContactRefused: the number is not verified (R002-19)."""
        if channel is CodeChannel.SMS and (account.phone_verified_at is None or not self.sends_texts):
            raise ContactRefused("unverified")
        lines = Lines(self._clock.now(), context)
        details = {"channel": channel.value}
        said = lines.said("contact.channel_chosen", Outcome.SUCCESS, account.id, details=details)
        chosen = self._changes.choose_channel(
            account.id,
            channel,
            contact_version=account.contact_version,
            effects=said + _notice(account, "channel_changed"),
        )
        if not chosen:
            raise ContactRefused("meanwhile")

    def inspect(self, token: str) -> ContactChange:
        """The change that the mail spoke of; consumes nothing. Raises LinkGone."""
        return self._undoable(token)[1]

    def undo(self, token: str, context: RequestContext) -> None:
        """The former contact is back and every session of the account ends. Raises LinkGone, ContactRefused."""
        link, change = self._undoable(token)
        lines = Lines(self._clock.now(), context)
        details = {"channel": change.contact.value}
        said = lines.said("contact.undone", Outcome.SUCCESS, link.account_id, details=details)
        ended = lines.said("session.ended", Outcome.SUCCESS, link.account_id, reason="contact_undone")
        self._sessions.end_sessions_of(link.account_id, lines.at, ended)
        notice = because(outgoing=(Outgoing("notice", {"account": link.account_id, "what": "contact_undone"}),))
        try:
            restored = self._changes.undo(link, lines.at, said + notice)
        except AccountExistsError:
            raise ContactRefused("taken") from None
        if restored is None:
            raise LinkGone("used meanwhile")
        self._sessions.end_sessions_of(link.account_id, lines.at, ended)

    def _undoable(self, token: str) -> tuple[OneTimeLink, ContactChange]:
        link = live_link(self._links, token_digest(token), LinkPurpose.UNDO_CONTACT, self._clock.now())
        change = self._changes.get(link.id)
        if change is None or change.made_at is None:
            raise LinkGone("no such change")
        return link, change


def _receiving(account: Account, change: ContactChange) -> Account:
    """The account as if it had the new contact: whose limits count, and where the code goes."""
    if change.contact is Contact.PHONE:
        return replace(account, phone=change.value)
    return replace(account, email=change.value)


def _notice(account: Account, what: str) -> Effects:
    return because(outgoing=(Outgoing("notice", {"account": account.id, "what": what}),))


def _contact_notice(change: ContactChange, to: str, what: str) -> Outgoing:
    return Outgoing("contact_notice", {"account": change.account_id, "change": change.id, "to": to, "what": what})
