"""Making the sheet of recovery codes (FID-12). Whoever calls has just proved themselves afresh. A new sheet revokes the
one before, and its holder is told."""

from gateway.accounts.account import Account
from gateway.accounts.authenticator import RecoveryCodes
from gateway.accounts.ports import RecoveryCodeSets
from gateway.clock import Clock
from gateway.journal.effects import Outgoing, because
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness, identifier
from gateway.signin.journal_lines import Lines
from gateway.signin.recovery.codes import HOW_MANY, in_groups, new_code, recovery_digest
from gateway.signin.request_context import RequestContext


class RecoverySheets:
    def __init__(self, *, codes: RecoveryCodeSets, key: PurposeKey, clock: Clock, randomness: Randomness) -> None:
        self._codes = codes
        self._key = key
        self._clock = clock
        self._randomness = randomness

    def left(self, account: Account) -> int:
        return self._codes.left(account.id)

    def make(self, account: Account, context: RequestContext) -> list[str]:
        """The ten codes of a new sheet, as they are shown, once."""
        now = self._clock.now()
        codes = [new_code(self._randomness) for _ in range(HOW_MANY)]
        lines = Lines(now, context, method="recovery_code")
        said = lines.said("recovery_codes.made", Outcome.SUCCESS, account.id, details={"count": HOW_MANY})
        notice = Outgoing("notice", {"account": account.id, "what": "recovery_codes_made"})
        digests = tuple(recovery_digest(self._key, account.id, code) for code in codes)
        sheet = RecoveryCodes(identifier(self._randomness), account.id, digests, now)
        self._codes.replace(sheet, said + because(outgoing=(notice,)))
        return [in_groups(code) for code in codes]
