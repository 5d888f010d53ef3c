"""Whether somebody holds a means that suffices to act for others: a card, an e-CPS or a passkey that signs in now (ADM-10;
DECISIONS 15). A means that is switched off does not count."""

from gateway.accounts.account import Account
from gateway.accounts.ports import IdentityLinks
from gateway.clock import Clock
from gateway.signin.evidence import Means
from gateway.signin.factors import EnrolledFactors
from gateway.signin.policy import SigninPolicy


class StrongMeans:
    def __init__(
        self, *, identities: IdentityLinks, factors: EnrolledFactors, policy: SigninPolicy, clock: Clock
    ) -> None:
        self._identities = identities
        self._factors = factors
        self._policy = policy
        self._clock = clock

    def held_by(self, account: Account) -> bool:
        now = self._clock.now()
        linked = any(
            link.signs_in(now) and Means(link.kind.value) in self._policy.means
            for link in self._identities.of(account.id)
        )
        return linked or bool(self._factors.of(account).passkeys)
