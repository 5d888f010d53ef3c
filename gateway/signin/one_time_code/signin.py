"""The one-time-code step of a sign-in (section OTP).

A code is sent only after the password (OTP-10), over a channel good enough for the demand (OTP-14). It is bound to its
transaction, account, contact, purpose and application (OTP-07). What limits the sending is never said (OTP-11): the page is
the same whether a message leaves or not.
"""

import hmac
from collections.abc import Sequence
from dataclasses import replace

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.ports import Accounts, CodeFailures, TrustedDevices
from gateway.accounts.trusted_device import TrustedDevice
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Outgoing, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness, digest, handle, partition_of
from gateway.refusal import Refusal
from gateway.signin.assurance import AssuranceScale
from gateway.signin.demands import Demands, channels_among
from gateway.signin.device_trust import trust_device
from gateway.signin.evidence import Evidence
from gateway.signin.factors import MEANS_OF_CHANNEL, EnrolledFactors, bound_at
from gateway.signin.first_factor import proved_person
from gateway.signin.gone import TransactionMoved
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.pending import pending
from gateway.signin.linking.renewal import Renewal
from gateway.signin.one_time_code.code import code_mac, typed_code
from gateway.signin.one_time_code.masking import masked_contact
from gateway.signin.one_time_code.sending import CodeSending
from gateway.signin.one_time_code.sms_gate import SmsGate
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import CodeChallenge, CodeVerdict, OneTimeCodes, SigninTransactions, Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import SigninTransaction

PURPOSE = "signin"
LINKING = "linking"


class CodeRefused(Refusal):
    """A wrong code; `facts["attempts_left"]`."""

    code = "code_refused"
    text = "signin.code_refused"


class CodeDead(Refusal):
    """The code cannot be used any more: expired, used, replaced, too many tries, contact changed."""

    code = "code_dead"
    text = "signin.code_dead"


class ResendTooSoon(Refusal):
    """`facts["wait_seconds"]`."""

    code = "resend_too_soon"
    text = "signin.resend_too_soon"


class CodeSignin:
    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        renewal: Renewal,
        codes: OneTimeCodes,
        accounts: Accounts,
        devices: TrustedDevices,
        factors: EnrolledFactors,
        failures: CodeFailures,
        throttle: Throttle,
        spool: Spool,
        scale: AssuranceScale,
        code_key: PurposeKey,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
        sms: SmsGate | None = None,
    ) -> None:
        self._transactions = transactions
        self._renewal = renewal
        self._codes = codes
        self._accounts = accounts
        self._devices = devices
        self._failures = failures
        self._spool = spool
        self._demands = Demands(scale, policy, factors)
        self._key = code_key
        self._sending = CodeSending(
            throttle=throttle,
            code_key=code_key,
            throttle_key=throttle_key,
            policy=policy,
            randomness=randomness,
            sms=sms,
        )
        self._policy = policy
        self._clock = clock
        self._randomness = randomness

    def start(
        self, txn: SigninTransaction, context: RequestContext, *, channel: str | None = None
    ) -> SigninTransaction:
        """Sends a code unless one is under way over this channel. Raises TransactionMoved before the first factor."""
        now = self._clock.now()
        account = self._person(txn)
        wanted = self._channel(txn, account, channel)
        challenge = self._challenge(txn, account, now)
        if challenge is not None and challenge.channel == wanted and self._still_useful(challenge, now):
            return txn
        return self._begin(txn, account, wanted, _lines(txn, now, context))

    def resend(self, txn: SigninTransaction, context: RequestContext) -> SigninTransaction:
        """A new code that kills the one before; tries already used stay used (OTP-05). Raises ResendTooSoon."""
        now = self._clock.now()
        account = self._person(txn)
        challenge = self._challenge(txn, account, now)
        if challenge is None:
            return self.start(txn, context)
        wait = challenge.sent_at + self._policy.code_resend_min_interval_seconds - now
        if challenge.send_number >= self._policy.code_sends_per_challenge:
            wait = max(wait, challenge.expires_at - now)
            if wait <= 0:
                return self._begin(txn, account, CodeChannel(challenge.channel), _lines(txn, now, context))
        if wait > 0:
            raise ResendTooSoon("too soon", wait_seconds=max(1, int(-(-wait // 1))))
        fresh = replace(challenge, send_number=challenge.send_number + 1, sent_at=now)
        fresh, effects = self._sending.prepared(fresh, account, _lines(txn, now, context))
        if not self._codes.resend(fresh, expected_send_number=challenge.send_number, effects=effects):
            interval = self._policy.code_resend_min_interval_seconds
            raise ResendTooSoon("another resend came first", wait_seconds=interval)
        if fresh.undelivered:
            self._codes.note_undelivered(fresh.id, now)
        return txn

    def submit(
        self,
        txn: SigninTransaction,
        code: str,
        context: RequestContext,
        *,
        device_public_key: bytes | None = None,
        device_label: str = "",
    ) -> tuple[SigninTransaction, TrustedDevice | None]:
        """The transaction with this proof, and the device that is trusted from now on. Raises CodeRefused or CodeDead."""
        now = self._clock.now()
        account = self._person(txn)
        lines = _lines(txn, now, context)
        challenge = self._challenge(txn, account, now)
        if challenge is None:
            self._spool.note(lines.said("signin.code", Outcome.REFUSED, account.id, reason="dead"))
            raise CodeDead("no challenge under way")
        channel = CodeChannel(challenge.channel)
        if channel not in self._possible(txn, account):
            raise CodeDead("the channel is disabled meanwhile")
        self._judge(challenge, account, typed_code(code), lines)
        evidence = Evidence(MEANS_OF_CHANNEL[channel], now)

        def with_proof(current: SigninTransaction) -> SigninTransaction:
            return replace(current, evidence=(*current.evidence, evidence), code_challenge_id=None, code_channel=None)

        txn = self._renewal.amended(txn, with_proof, now, NO_EFFECTS)
        if device_public_key is None or self._demands.interval(txn.demand) is None or pending(txn) is not None:
            return txn, None
        device = trust_device(
            self._devices, account, device_public_key, label=device_label, lines=lines, randomness=self._randomness
        )
        return txn, device

    def _judge(self, challenge: CodeChallenge, account: Account, code: str, lines: Lines) -> None:
        account_id, details = challenge.account_id, {"channel": challenge.channel}
        wrong = lines.said("signin.code", Outcome.REFUSED, account_id, reason="wrong_code", details=details)
        if challenge.attempts_left <= 1:
            # Somebody knows the password and not the code: its holder is told (THR-11).
            notice = Outgoing("notice", {"account": account_id, "what": "password_wrong_code"})
            wrong += because(outgoing=(notice,))
        right = lines.said("signin.code", Outcome.SUCCESS, account_id, details=details)
        mac = code_mac(self._key, challenge.id, code)
        verdict, left = self._codes.attempt(challenge.id, mac, lines.at, if_accepted=right, if_wrong=wrong)
        if verdict is CodeVerdict.WRONG:
            self._count_failure(account, CodeChannel(challenge.channel), lines)
        elif verdict is CodeVerdict.ACCEPTED:
            self._failures.succeeded(account_id, CodeChannel(challenge.channel))
            self._sending.typed(challenge, account)
        if verdict is CodeVerdict.WRONG and left > 0:
            raise CodeRefused("wrong code", attempts_left=left)
        if verdict is CodeVerdict.DEAD:
            self._spool.note(lines.said("signin.code", Outcome.REFUSED, account_id, reason="dead", details=details))
        if verdict is not CodeVerdict.ACCEPTED:
            raise CodeDead(verdict.value)

    def _count_failure(self, account: Account, channel: CodeChannel, lines: Lines) -> None:
        """Across challenges: too many in a row disable the channel until its contact is verified again (OTP-09)."""
        notice = Outgoing("notice", {"account": account.id, "what": f"{channel.value}_codes_disabled"})
        details = {"channel": channel.value}
        said = lines.said("authenticator.disabled", Outcome.REFUSED, account.id, reason="failures", details=details)
        self._failures.failed(
            account.id,
            channel,
            lines.at,
            bound_at=bound_at(account, channel),
            disabled_after=self._policy.factor_disabled_after,
            if_disabled=said + because(outgoing=(notice,)),
        )

    def masked_contact(self, txn: SigninTransaction) -> str:
        """Where the code went or would go; only after the first factor (OTP-11)."""
        account = self._person(txn)
        return masked_contact(account, CodeChannel(txn.code_channel or self._channel(txn, account, None)))

    def channels(self, txn: SigninTransaction) -> Sequence[str]:
        """The channels the person may choose between, the usual one first; the one in use also when no other code could leave
        by it now."""
        account, now = self._person(txn), self._clock.now()
        return tuple(
            channel.value
            for channel in self._possible(txn, account)
            if channel == txn.code_channel or self._sending.is_open(channel, account, now)
        )

    def undelivered(self, txn: SigninTransaction) -> bool:
        """Whether a message of the challenge under way was not taken, or could not leave by this channel (OTP-17)."""
        challenge = self._challenge(txn, self._person(txn), self._clock.now())
        return challenge is not None and challenge.undelivered

    def valid_until(self, txn: SigninTransaction) -> float | None:
        """When the code that was sent ends, or the sign-in it is for; None when none can serve any more (A11Y-06)."""
        now = self._clock.now()
        challenge = self._challenge(txn, self._person(txn), now)
        if challenge is None or now >= challenge.expires_at:
            return None
        return min(challenge.expires_at, txn.expires_at)

    def _person(self, txn: SigninTransaction) -> Account:
        return proved_person(self._accounts, self._demands, txn)

    def _possible(self, txn: SigninTransaction, account: Account) -> Sequence[CodeChannel]:
        if pending(txn) is not None:
            return channels_among(self._demands.link_factors(account))
        return self._demands.channels(account, txn.demand)

    def _channel(self, txn: SigninTransaction, account: Account, asked: str | None) -> CodeChannel:
        """What was asked if it may be, what is under way, or the usual one among those that a code can leave by."""
        possible = self._possible(txn, account)
        if not possible:
            raise TransactionMoved("no channel reaches the demanded level")
        for wanted in (asked, txn.code_channel):
            if wanted is not None and wanted in possible:
                return CodeChannel(wanted)
        now = self._clock.now()
        open_now = [channel for channel in possible if self._sending.is_open(channel, account, now)]
        return (open_now or possible)[0]

    def _challenge(self, txn: SigninTransaction, account: Account, now: float) -> CodeChallenge | None:
        """The challenge under way, if it is this transaction's, this account's at its present contact, for this purpose and
        this application."""
        if txn.code_challenge_id is None:
            return None
        challenge = self._codes.find(txn.code_challenge_id, now)
        bound = (
            challenge is not None
            and challenge.account_id == account.id
            and hmac.compare_digest(challenge.transaction, digest(txn.handle))
            and challenge.purpose == _purpose(txn)
            and challenge.contact_version == account.contact_version
            and challenge.client_id == txn.demand.client_id
        )
        return challenge if bound else None

    def _still_useful(self, challenge: CodeChallenge, now: float) -> bool:
        return now < challenge.expires_at or challenge.send_number < self._policy.code_sends_per_challenge

    def _begin(self, txn: SigninTransaction, account: Account, channel: CodeChannel, lines: Lines) -> SigninTransaction:
        challenge = CodeChallenge(
            id=handle(self._randomness, partition_of(account.id)),
            account_id=account.id,
            transaction=digest(txn.handle),
            purpose=_purpose(txn),
            channel=channel.value,
            contact_version=account.contact_version,
            client_id=txn.demand.client_id,
            mac=b"",
            send_number=1,
            sent_at=lines.at,
            expires_at=lines.at,
            attempts_left=self._policy.code_attempts,
        )
        changed = replace(txn, code_challenge_id=challenge.id, code_channel=channel.value)
        if not self._transactions.save(changed, lines.at, NO_EFFECTS):
            # Another request of this tab went first; it sends the code.
            current = self._transactions.find(txn.handle, lines.at)
            if current is None or current.code_challenge_id is None or current.account_id != account.id:
                raise TransactionMoved("the transaction moved or is gone")
            return current
        challenge, effects = self._sending.prepared(challenge, account, lines)
        self._codes.begin(challenge, effects)
        if challenge.undelivered:
            self._codes.note_undelivered(challenge.id, lines.at)
        return replace(changed, version=txn.version + 1)


def _purpose(txn: SigninTransaction) -> str:
    return LINKING if pending(txn) is not None else PURPOSE


def _lines(txn: SigninTransaction, now: float, context: RequestContext) -> Lines:
    return Lines(now, context, txn.demand.client_id, "one_time_code")
