"""What would still prove a person, were one of their authenticators gone (FID-10): the last thing that is better than a code
sent to a contact is taken away by an administrator alone.

An application counts beside a password, a passkey and a linked identity by themselves. To be asked under a lock on the account,
so that two removals at once cannot each count on the other.
"""

from gateway.accounts.account import Account
from gateway.accounts.ports import IdentityLinks, Passkeys, TotpAuthenticators
from gateway.clock import Clock
from gateway.signin.evidence import Means
from gateway.signin.policy import SigninPolicy


class RemainingProofs:
    def __init__(
        self,
        *,
        totp: TotpAuthenticators,
        passkeys: Passkeys,
        identities: IdentityLinks,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        self._totp = totp
        self._passkeys = passkeys
        self._identities = identities
        self._policy = policy
        self._clock = clock

    def without(self, account: Account, authenticator_id: str) -> bool:
        """Whether there is something besides this authenticator."""
        return (
            self._linked(account)
            or self._passkey(account, authenticator_id)
            or self._application(account, authenticator_id)
        )

    def _linked(self, account: Account) -> bool:
        now = self._clock.now()
        return any(link.signs_in(now) for link in self._identities.of(account.id))

    def _passkey(self, account: Account, but: str) -> bool:
        if Means.PASSKEY not in self._policy.means:
            return False
        return any(one.is_alive and one.id != but for one in self._passkeys.of(account.id))

    def _application(self, account: Account, but: str) -> bool:
        if Means.PASSWORD not in self._policy.means or account.password_hash is None:
            return False
        limit = self._policy.factor_disabled_after
        return any(
            one.confirmed_at is not None and one.failures < limit and one.id != but for one in self._totp.of(account.id)
        )
