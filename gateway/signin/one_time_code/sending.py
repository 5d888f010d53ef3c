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
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import CodeChallenge, Throttle
from gateway.signin.throttle import ThrottleKeys, ip_block, within

_MAC_OCTETS = 32


class CodeSending:
    def __init__(
        self,
        *,
        throttle: Throttle,
        code_key: PurposeKey,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        randomness: Randomness,
    ) -> None:
        self._throttle = throttle
        self._key = code_key
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy
        self._randomness = randomness

    def prepared(self, challenge: CodeChallenge, account: Account, lines: Lines) -> tuple[CodeChallenge, Effects]:
        """The challenge with the MAC and the end of its code number `send_number`, and what to write with it."""
        channel = CodeChannel(challenge.channel)
        challenge = replace(challenge, expires_at=challenge.sent_at + self._policy.code_ttl_seconds(channel))
        details = {"channel": channel.value}
        if not self._allowed(account, channel, lines.context.ip, lines.at):
            said = lines.said("signin.code_sent", Outcome.REFUSED, account.id, reason="send_limit", details=details)
            return replace(challenge, mac=self._randomness(_MAC_OCTETS)), said
        code = derive_code(self._key, challenge.id, challenge.send_number, self._policy.code_digits(channel))
        order: dict[str, str | int] = {
            "challenge": challenge.id,
            "send_number": challenge.send_number,
            "account": account.id,
            "channel": channel.value,
        }
        said = lines.said("signin.code_sent", Outcome.SUCCESS, account.id, details=details)
        sending = because(outgoing=(Outgoing("one_time_code", order),))
        return replace(challenge, mac=code_mac(self._key, challenge.id, code)), said + sending

    def _allowed(self, account: Account, channel: CodeChannel, ip: str, now: float) -> bool:
        policy, keys = self._policy, self._keys
        contact = account.phone if channel is CodeChannel.SMS else account.email
        return all(
            [
                within(self._throttle, keys.of("code-account", account.id), policy.code_sends_per_account, now),
                within(self._throttle, keys.of("code-contact", contact or ""), policy.code_sends_per_contact, now),
                within(self._throttle, keys.of("code-ip", ip_block(ip)), policy.code_sends_per_ip, now),
            ]
        )
