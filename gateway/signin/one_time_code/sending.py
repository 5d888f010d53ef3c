"""What one sending of a code is: the MAC that the store will compare, and the order to send it, within the limits (OTP-06).

Past a limit nothing leaves, and the challenge accepts no code at all: otherwise unsent codes could be guessed at will. Nobody
is told (OTP-11).
"""

from dataclasses import replace

from gateway.accounts.account import Account, CodeChannel
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness
from gateway.signin.journal_lines import Lines
from gateway.signin.one_time_code.code import code_mac, derive_code
from gateway.signin.one_time_code.sms_gate import SmsGate
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import CodeChallenge, Throttle
from gateway.signin.throttle import ThrottleKeys, ip_block, within

_MAC_OCTETS = 32


class CodeSending:
    """`sms` None: no text message leaves."""

    def __init__(
        self,
        *,
        throttle: Throttle,
        code_key: PurposeKey,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        randomness: Randomness,
        sms: SmsGate | None = None,
    ) -> None:
        self._throttle = throttle
        self._key = code_key
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy
        self._randomness = randomness
        self._sms = sms

    def prepared(
        self, challenge: CodeChallenge, account: Account, lines: Lines, *, change: str | None = None
    ) -> tuple[CodeChallenge, Effects]:
        """The challenge with the MAC and the end of its code number `send_number`, and what to write with it. `change`: the
        code goes to the contact of this change, which `account` then has."""
        channel = CodeChannel(challenge.channel)
        challenge = replace(challenge, expires_at=challenge.sent_at + self._policy.code_ttl_seconds(channel))
        details = {"channel": channel.value}
        reason = self._refusal(challenge, account, channel, lines)
        if reason is not None:
            said = lines.said("signin.code_sent", Outcome.REFUSED, account.id, reason=reason, details=details)
            # The limits of a person are never said; that a whole channel is closed leads to the others.
            undelivered = challenge.undelivered or reason != "send_limit"
            return replace(challenge, mac=self._randomness(_MAC_OCTETS), undelivered=undelivered), said
        code = derive_code(self._key, challenge.id, challenge.send_number, self._policy.code_digits(channel))
        order: dict[str, str | int] = {
            "challenge": challenge.id,
            "send_number": challenge.send_number,
            "account": account.id,
            "channel": channel.value,
        }
        if change is not None:
            order["change"] = change
        said = lines.said("signin.code_sent", Outcome.SUCCESS, account.id, details=details)
        sending = because(outgoing=(Outgoing("one_time_code", order),))
        return replace(challenge, mac=code_mac(self._key, challenge.id, code)), said + sending

    def is_open(self, channel: CodeChannel, account: Account, now: float) -> bool:
        """Whether a code could leave by this channel now: text messages end with the day's budget, and where too few of
        their codes are typed (SMS-04, SMS-05)."""
        if channel is not CodeChannel.SMS:
            return True
        return self._sms is not None and account.phone is not None and self._sms.is_open(account.phone, now)

    def typed(self, challenge: CodeChallenge, account: Account) -> None:
        """The code of this sending was given back."""
        if challenge.channel == CodeChannel.SMS and self._sms is not None and account.phone is not None:
            self._sms.verified(challenge, account.phone)

    def _refusal(self, challenge: CodeChallenge, account: Account, channel: CodeChannel, lines: Lines) -> str | None:
        """Why nothing leaves; None when it does."""
        policy, keys, throttle, now = self._policy, self._keys, self._throttle, lines.at
        verdicts = [
            within(throttle, keys.of("code-account", account.id), policy.code_sends_per_account, now),
            within(throttle, keys.of("code-ip", ip_block(lines.context.ip)), policy.code_sends_per_ip, now),
        ]
        if channel is CodeChannel.EMAIL:
            address = keys.of("code-contact", account.email)
            verdicts.append(within(throttle, address, policy.code_sends_per_contact, now))
        if not all(verdicts):
            return "send_limit"
        if channel is CodeChannel.EMAIL:
            return None
        if self._sms is None or account.phone is None:
            return "sms_off"
        return self._sms.admit(challenge, account.phone, now)
