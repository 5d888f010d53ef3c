"""On whom a référent may act (ADM-02, RST-10): people who hold something in a structure that the référent leads today; never
themselves, never an administrator, never somebody of elsewhere.

Also how often: a référent sixty times an hour, for one person as often as somebody may ask for a reset (R000-10).
"""

from collections.abc import Sequence

from gateway.accounts.account import Account
from gateway.accounts.ports import Accounts
from gateway.habilitations.structure import Structure
from gateway.habilitations.team import Teams
from gateway.journal.events import Outcome
from gateway.keys.purposes import PurposeKey
from gateway.signin.colleagues.refusals import OutOfReach, TooManyActs
from gateway.signin.journal_lines import Lines
from gateway.signin.policy import HOUR, SigninPolicy, Window
from gateway.signin.ports import Spool, Throttle
from gateway.signin.throttle import ThrottleKeys, within

_ACTS = (Window(60, HOUR),)


class Reach:
    def __init__(
        self,
        *,
        accounts: Accounts,
        teams: Teams,
        throttle: Throttle,
        spool: Spool,
        throttle_key: PurposeKey,
        policy: SigninPolicy,
    ) -> None:
        self._accounts = accounts
        self._teams = teams
        self._throttle = throttle
        self._spool = spool
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy

    def colleague(self, referent: Account, account_id: str, lines: Lines) -> tuple[Account, Sequence[Structure]]:
        """The person, and where the référent leads them. Raises OutOfReach, which is written down."""
        account = self._accounts.get(account_id)
        shared = self._teams.shared(referent, account.id, lines.at) if account is not None else ()
        if account is None or not shared or account.is_administrator:
            known = account.id if account is not None else referent.id
            reason = "administrator" if shared else "not_a_colleague"
            self._spool.note(
                lines.acted(
                    "colleague.refused", actor=referent.id, target=known, outcome=Outcome.REFUSED, reason=reason
                )
            )
            raise OutOfReach(reason)
        return account, shared

    def leads(self, referent: Account, structure_id: str, lines: Lines) -> Structure:
        """The structure, if the référent leads it now. Raises OutOfReach."""
        led = self._teams.led_by(referent, lines.at).get(structure_id)
        if led is None:
            raise OutOfReach("another structure")
        return led

    def count(self, referent: Account, account: Account, now: float) -> None:
        """Raises TooManyActs."""
        allowed = [
            within(self._throttle, self._keys.of("referent-acts", referent.id), _ACTS, now),
            within(self._throttle, self._keys.of("colleague", account.id), self._policy.resets_per_account, now),
        ]
        if not all(allowed):
            raise TooManyActs("too many")
