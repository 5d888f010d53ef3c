"""Somebody whose first-access link is over asks for another one (RST-12, R001-10).

Nothing leaves to them: whoever asks has proved nothing. Their référents are told, or the region where there is none. The answer
is the same for everybody, and only the ephemeral store is written here (RST-06).
"""

from gateway.accounts.account import AccountStatus
from gateway.accounts.ports import Accounts
from gateway.accounts.resolve_identifier import resolve_identifier
from gateway.clock import Clock
from gateway.journal.effects import Outgoing, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.signin.journal_lines import Lines
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Spool, Throttle
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ThrottleKeys, ip_block, within

_ACTIVATION = {"purpose": "activation"}


class AskingAgain:
    def __init__(
        self,
        *,
        accounts: Accounts,
        throttle: Throttle,
        spool: Spool,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._throttle = throttle
        self._spool = spool
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy
        self._clock = clock

    def ask(self, identifier: str, context: RequestContext) -> None:
        now = self._clock.now()
        lines = Lines(now, context)
        account = resolve_identifier(self._accounts, identifier)
        asked = self._keys.of("access", account.id) if account else self._keys.typed("access-nobody", identifier)
        allowed = [
            within(self._throttle, asked, self._policy.resets_per_account, now),
            within(self._throttle, self._keys.of("reset-ip", ip_block(context.ip)), self._policy.resets_per_ip, now),
        ]
        if account is None or account.status is not AccountStatus.INVITED or not all(allowed):
            reason = "too_many" if not all(allowed) else "unknown_identifier" if account is None else "not_invited"
            target = account.id if account is not None else None
            said = lines.said("link.requested", Outcome.REFUSED, target, reason=reason, details=_ACTIVATION)
            self._spool.note(said)
            return
        order: dict[str, str | int] = {"account": account.id, "what": "colleague_asks"}
        said = lines.said("link.requested", Outcome.SUCCESS, account.id, reason="asked", details=_ACTIVATION)
        self._spool.note(said + because(outgoing=(Outgoing("tell_referents", order),)))
