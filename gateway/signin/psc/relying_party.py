"""The relying party from one end to the other: a question to ask, an answer to believe or refuse (PSC-01 to PSC-04).

The order of an answer: the callback's parameters; the code for tokens; the ID token; userinfo, once; the identity. A refusal
anywhere ends it, and leaves nothing behind. The caller has taken the attempt out of its transaction before.
"""

from gateway.clock import Clock
from gateway.randomness import Randomness
from gateway.signin.psc.attempt import Attempt, new_attempt
from gateway.signin.psc.authorization import authorization_address
from gateway.signin.psc.callback import UnverifiedCallback, examine_callback
from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.id_token import Expected, verify_id_token
from gateway.signin.psc.identity import VerifiedPscAssertion, assertion_of
from gateway.signin.psc.key_set import PinnedKeys
from gateway.signin.psc.ports import PscProvider
from gateway.signin.psc.userinfo import verified_userinfo


class PscRelyingParty:
    def __init__(
        self, environment: PscEnvironment, provider: PscProvider, *, clock: Clock, randomness: Randomness
    ) -> None:
        self.environment = environment
        self._provider = provider
        self._keys = PinnedKeys(provider, environment, clock)
        self._clock = clock
        self._randomness = randomness

    def ask(
        self, transaction_handle: str, *, reauthenticate: bool = False, max_age_seconds: int | None = None
    ) -> tuple[str, Attempt]:
        """(where to send the browser, what to remember until it is back)."""
        state, attempt = new_attempt(
            transaction_handle,
            now=self._clock.now(),
            randomness=self._randomness,
            reauthenticate=reauthenticate,
            max_age_seconds=max_age_seconds,
        )
        return authorization_address(self.environment, state=state, attempt=attempt), attempt

    def answered(self, unverified: UnverifiedCallback, *, attempt: Attempt) -> VerifiedPscAssertion:
        """Raises PscRefused, PscDeclined or PscUnavailable."""
        code = examine_callback(unverified, expected=attempt, environment=self.environment, now=self._clock.now())
        tokens = self._provider.redeem(code, attempt.code_verifier)
        expected = Expected(self.environment, attempt, tokens.access_token, self._clock.now())
        id_token = verify_id_token(tokens.id_token, keys=self._keys, expected=expected)
        claims = verified_userinfo(
            self._provider.userinfo(tokens.access_token), id_token=id_token, environment=self.environment
        )
        return assertion_of(id_token, claims, environment=self.environment)
