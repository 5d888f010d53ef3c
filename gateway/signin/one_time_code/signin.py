"""The one-time-code step of a sign-in (section OTP).

A code is sent only after the password (OTP-10), over a channel good enough for the demand (OTP-14). It is bound to its
transaction, account, contact, purpose and application (OTP-07). What limits the sending is never said (OTP-11): the page is
the same whether a message leaves or not.
"""

import hmac
from collections.abc import Sequence
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.ports import Accounts, TrustedDevices
from gateway.accounts.trusted_device import TrustedDevice
from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing, because
from gateway.journal.events import Event, Outcome
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness, digest, handle, opaque, partition_of
from gateway.refusal import Refusal
from gateway.signin.assurance import AssuranceScale
from gateway.signin.demands import MEANS_OF_CHANNEL, Demands, usable
from gateway.signin.evidence import Evidence
from gateway.signin.gone import TransactionMoved, amended
from gateway.signin.journal_lines import line
from gateway.signin.one_time_code.code import code_mac, derive_code, typed_code
from gateway.signin.one_time_code.masking import masked_contact
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import CodeChallenge, CodeVerdict, OneTimeCodes, SigninTransactions, Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ThrottleKeys, ip_block, within
from gateway.signin.transaction import SigninTransaction

PURPOSE = "signin"
_POINT_OCTETS = 65
_LABEL_LENGTH = 64


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
        codes: OneTimeCodes,
        accounts: Accounts,
        devices: TrustedDevices,
        throttle: Throttle,
        spool: Spool,
        scale: AssuranceScale,
        code_key: PurposeKey,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._transactions = transactions
        self._codes = codes
        self._accounts = accounts
        self._devices = devices
        self._throttle = throttle
        self._spool = spool
        self._demands = Demands(scale, policy)
        self._key = code_key
        self._keys = ThrottleKeys(throttle_key)
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
        return self._begin(txn, account, wanted, now, context)

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
                return self._begin(txn, account, CodeChannel(challenge.channel), now, context)
        if wait > 0:
            raise ResendTooSoon("too soon", wait_seconds=max(1, int(-(-wait // 1))))
        fresh = self._with_code(
            replace(
                challenge, send_number=challenge.send_number + 1, sent_at=now, contact_version=account.contact_version
            )
        )
        effects = self._sending(fresh, txn, account, now, context)
        if not self._codes.resend(fresh, expected_send_number=challenge.send_number, effects=effects):
            raise ResendTooSoon("another resend came first", wait_seconds=self._policy.code_resend_min_interval_seconds)
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
        challenge = self._challenge(txn, account, now)
        if challenge is None:
            self._spool.note(because(self._judged(txn, account, Outcome.REFUSED, now, context, "dead")))
            raise CodeDead("no challenge under way")
        channel = CodeChannel(challenge.channel)
        wrong = because(self._judged(txn, account, Outcome.REFUSED, now, context, "wrong_code", channel))
        if challenge.attempts_left <= 1:
            notice = Outgoing("notice", {"account": account.id, "what": "password_wrong_code"})
            wrong += because(outgoing=(notice,))
        verdict, left = self._codes.attempt(
            challenge.id,
            code_mac(self._key, challenge.id, typed_code(code)),
            now,
            if_accepted=because(self._judged(txn, account, Outcome.SUCCESS, now, context, None, channel)),
            if_wrong=wrong,
        )
        if verdict is CodeVerdict.WRONG and left > 0:
            raise CodeRefused("wrong code", attempts_left=left)
        if verdict is not CodeVerdict.ACCEPTED:
            if verdict is CodeVerdict.DEAD:
                self._spool.note(because(self._judged(txn, account, Outcome.REFUSED, now, context, "dead", channel)))
            raise CodeDead(verdict.value)
        evidence = Evidence(MEANS_OF_CHANNEL[channel], now)

        def with_proof(current: SigninTransaction) -> SigninTransaction:
            return replace(current, evidence=(*current.evidence, evidence), code_challenge_id=None, code_channel=None)

        txn = amended(self._transactions, txn, with_proof, now, NO_EFFECTS)
        return txn, self._trust(txn, account, device_public_key, device_label, now, context)

    def masked_contact(self, txn: SigninTransaction) -> str:
        account = self._person(txn)
        return masked_contact(account, CodeChannel(txn.code_channel or self._channel(txn, account, None)))

    def channels(self, txn: SigninTransaction) -> Sequence[str]:
        """The channels the person may choose between, the usual one first."""
        return tuple(channel.value for channel in self._demands.channels(self._person(txn), txn.demand))

    def _person(self, txn: SigninTransaction) -> Account:
        """Whose code it is: somebody whose password counts, and whose account is active now (OTP-10)."""
        account = self._accounts.get(txn.account_id) if txn.account_id is not None else None
        if (
            account is None
            or not usable(account)
            or txn.session_digest is not None
            or txn.refusal is not None
            or not self._demands.counted(txn.evidence, account, txn.demand)
        ):
            raise TransactionMoved("no first factor")
        return account

    def _channel(self, txn: SigninTransaction, account: Account, asked: str | None) -> CodeChannel:
        """What was asked if it may be, what is under way, or the usual one."""
        usable_channels = self._demands.channels(account, txn.demand)
        if not usable_channels:
            raise TransactionMoved("no channel reaches the demanded level")
        for wanted in (asked, txn.code_channel):
            if wanted in usable_channels:
                return CodeChannel(wanted)
        return usable_channels[0]

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
            and challenge.purpose == PURPOSE
            and challenge.contact_version == account.contact_version
            and challenge.client_id == txn.demand.client_id
        )
        return challenge if bound else None

    def _still_useful(self, challenge: CodeChallenge, now: float) -> bool:
        return now < challenge.expires_at or challenge.send_number < self._policy.code_sends_per_challenge

    def _begin(
        self, txn: SigninTransaction, account: Account, channel: CodeChannel, now: float, context: RequestContext
    ) -> SigninTransaction:
        challenge = self._with_code(
            CodeChallenge(
                id=handle(self._randomness, partition_of(account.id)),
                account_id=account.id,
                transaction=digest(txn.handle),
                purpose=PURPOSE,
                channel=channel.value,
                contact_version=account.contact_version,
                client_id=txn.demand.client_id,
                mac=b"",
                send_number=1,
                sent_at=now,
                expires_at=now,
                attempts_left=self._policy.code_attempts,
            )
        )
        changed = replace(txn, code_challenge_id=challenge.id, code_channel=channel.value)
        if not self._transactions.save(changed, now, NO_EFFECTS):
            # Another request of this tab went first; it sends the code.
            current = self._transactions.find(txn.handle, now)
            if current is None or current.code_challenge_id is None or current.account_id != account.id:
                raise TransactionMoved("the transaction moved or is gone")
            return current
        self._codes.begin(challenge, self._sending(challenge, txn, account, now, context))
        return replace(changed, version=txn.version + 1)

    def _with_code(self, challenge: CodeChallenge) -> CodeChallenge:
        """The challenge carrying the MAC and the end of its present code."""
        channel = CodeChannel(challenge.channel)
        code = derive_code(self._key, challenge.id, challenge.send_number, self._policy.code_digits(channel))
        expires_at = challenge.sent_at + self._policy.code_ttl_seconds(channel)
        return replace(challenge, mac=code_mac(self._key, challenge.id, code), expires_at=expires_at)

    def _sending(
        self, challenge: CodeChallenge, txn: SigninTransaction, account: Account, now: float, context: RequestContext
    ) -> Effects:
        """The order to send it, or, past a limit, only the line that says so (OTP-06, OTP-11)."""
        policy, channel = self._policy, CodeChannel(challenge.channel)
        contact = account.phone if channel is CodeChannel.SMS else account.email
        allowed = [
            within(self._throttle, self._keys.of("code-account", account.id), policy.code_sends_per_account, now),
            within(self._throttle, self._keys.of("code-contact", contact or ""), policy.code_sends_per_contact, now),
            within(self._throttle, self._keys.of("code-ip", ip_block(context.ip)), policy.code_sends_per_ip, now),
        ]
        outcome, reason = (Outcome.SUCCESS, None) if all(allowed) else (Outcome.REFUSED, "send_limit")
        said = self._said("signin.code_sent", txn, account, outcome, now, context, reason, channel)
        if not all(allowed):
            return because(said)
        order = Outgoing(
            "one_time_code",
            {
                "challenge": challenge.id,
                "send_number": challenge.send_number,
                "account": account.id,
                "channel": channel.value,
            },
        )
        return because(said, outgoing=(order,))

    def _trust(
        self,
        txn: SigninTransaction,
        account: Account,
        public_key: bytes | None,
        label: str,
        now: float,
        context: RequestContext,
    ) -> TrustedDevice | None:
        """Remembers the device that asked for it, when the demand lets a device be trusted at all and the key is one."""
        if public_key is None or self._demands.interval(txn.demand) is None or not _is_p256_point(public_key):
            return None
        for device in self._devices.of(account.id):
            if device.public_key == public_key and device.revoked_at is None:
                self._devices.renew(device.id, used_at=now, proved_at=now)
                return replace(device, proved_at=now, last_used_at=now)
        device = TrustedDevice(
            id=opaque(self._randomness),
            account_id=account.id,
            public_key=public_key,
            label="".join(character for character in label if character.isprintable())[:_LABEL_LENGTH],
            proved_at=now,
            created_at=now,
            last_used_at=now,
        )
        said = line(
            "signin.device_trusted",
            Outcome.SUCCESS,
            now,
            context,
            account_id=account.id,
            client=txn.demand.client_id,
            details={"device": digest(device.id)},
        )
        self._devices.trust(device, because(said))
        return device

    def _judged(
        self,
        txn: SigninTransaction,
        account: Account,
        outcome: Outcome,
        now: float,
        context: RequestContext,
        reason: str | None,
        channel: CodeChannel | None = None,
    ) -> Event:
        return self._said("signin.code", txn, account, outcome, now, context, reason, channel)

    def _said(
        self,
        name: str,
        txn: SigninTransaction,
        account: Account,
        outcome: Outcome,
        now: float,
        context: RequestContext,
        reason: str | None,
        channel: CodeChannel | None,
    ) -> Event:
        return line(
            name,
            outcome,
            now,
            context,
            account_id=account.id,
            reason=reason,
            client=txn.demand.client_id,
            method="one_time_code",
            details={"channel": channel.value} if channel else {},
        )


def _is_p256_point(octets: bytes) -> bool:
    if len(octets) != _POINT_OCTETS:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), octets)
    except ValueError:
        return False
    return True
