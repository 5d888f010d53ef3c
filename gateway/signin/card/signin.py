"""Signing in by card, from one end to the other: a challenge, its renewals, an answer to believe or refuse (§3.6, §7.3).

The order of an answer: its shape (SV-01); the nonce, taken once (SV-02); the certificate and the signature (SV-03 to SV-10);
the identity (SV-11), which goes to linking, that alone knows accounts. A refusal anywhere ends it and leaves a line in the
journal with the broken rule's name; a flood of refusals costs a bounded number of lines.
"""

from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS, Effects, because
from gateway.journal.events import Outcome
from gateway.journal.quota import LineQuota
from gateway.randomness import Randomness
from gateway.signin.card.assertion import read_assertion
from gateway.signin.card.challenge import new_challenge, open_challenge, remember, renewed, take
from gateway.signin.card.environment import CardEnvironment
from gateway.signin.card.identity import VerifiedCardAssertion, proved_identity
from gateway.signin.card.ports import Arrivals
from gateway.signin.card.refusals import CardRefused, CardUnverifiable
from gateway.signin.card.verification import CardVerifier, Expected
from gateway.signin.gone import TransactionMoved, saved
from gateway.signin.journal_lines import Lines
from gateway.signin.ports import SigninTransactions, Spool
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ip_block
from gateway.signin.transaction import SigninTransaction

LOGIN = "login"
ACTIVATION = "activation"
"""A transaction opened by an activation link has it in its continuation."""


@dataclass(frozen=True, slots=True)
class IssuedChallenge:
    """What the page gets; the nonce is nobody else's."""

    nonce: str = field(repr=False)
    purpose: str
    expires_in: int


class CardSignin:
    """`origin` is the gateway's own, as browsers write it: scheme, host and port, without a final slash."""

    def __init__(
        self,
        *,
        transactions: SigninTransactions,
        spool: Spool,
        verifier: CardVerifier,
        linking: Arrivals,
        environment: CardEnvironment,
        origin: str,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._transactions = transactions
        self._spool = spool
        self._verifier = verifier
        self._linking = linking
        self._limits = environment.limits
        self.origin = origin
        self._clock = clock
        self._randomness = randomness
        self._quota = LineQuota()

    def challenge(self, txn: SigninTransaction, purpose: str = LOGIN) -> tuple[SigninTransaction, IssuedChallenge]:
        """A new nonce; the one before is worth nothing any more. Raises TransactionMoved."""
        _refuse_over(txn)
        now = self._clock.now()
        nonce, challenge = new_challenge(purpose, now=now, limits=self._limits, randomness=self._randomness)
        asked = saved(self._transactions, remember(txn, challenge), now, NO_EFFECTS)
        return asked, IssuedChallenge(nonce, purpose, int(challenge.expires_at - now))

    def renew(self, txn: SigninTransaction, unverified_nonce: str) -> tuple[SigninTransaction, IssuedChallenge]:
        """The same nonce for longer, while the bridge's window is open. Raises CardRefused, TransactionMoved."""
        _refuse_over(txn)
        now = self._clock.now()
        challenge = renewed(open_challenge(txn), unverified_nonce, now=now, limits=self._limits)
        asked = saved(self._transactions, remember(txn, challenge), now, NO_EFFECTS)
        return asked, IssuedChallenge(unverified_nonce, challenge.purpose, int(challenge.expires_at - now))

    def answered(
        self,
        txn: SigninTransaction,
        unverified: object,
        context: RequestContext,
        *,
        activation_token: str | None = None,
    ) -> SigninTransaction:
        """The transaction that goes on, under a new handle; `unverified` is the decoded answer of the bridge. Raises
        CardRefused, CardOfAnotherType, CardUnverifiable, what linking refuses, TransactionMoved."""
        taken, verified = self.verified(txn, unverified, context)
        identity = proved_identity(verified)
        if taken.continuation.get(ACTIVATION):
            return self._linking.begin_activation(taken, activation_token or "", identity, context)
        return self._linking.begin(taken, identity, context)

    def verified(
        self, txn: SigninTransaction, unverified: object, context: RequestContext, *, expected_purpose: str = LOGIN
    ) -> tuple[SigninTransaction, VerifiedCardAssertion]:
        """The transaction without its challenge, and what the card proved."""
        _refuse_over(txn)
        now = self._clock.now()
        lines = Lines(now, context, txn.demand.client_id, "card")
        try:
            assertion = read_assertion(unverified)
            taken, challenge = take(self._transactions, txn, expected_purpose=expected_purpose, now=now)
            digest = bytes.fromhex(challenge.nonce_digest)
            expected = Expected(self.origin, digest, challenge.purpose, now)
            verified = self._verifier.verify(assertion, expected=expected)
        except CardRefused as refusal:
            self._spool.note(self._spared(_refused(refusal, lines), context))
            raise
        details = {"certificate_issuer": verified.issuer, "certificate_serial": verified.serial}
        self._spool.note(lines.said("signin.card", Outcome.SUCCESS, None, details=details))
        return taken, verified

    def _spared(self, effects: Effects, context: RequestContext) -> Effects:
        (event,) = effects.events
        kept = self._quota.within(event, ip_block(context.ip))
        return NO_EFFECTS if kept is None else because(kept)


def _refused(refusal: CardRefused, lines: Lines) -> Effects:
    details = {"error": refusal.detail}
    if refusal.certificate is not None:
        details["certificate_issuer"], details["certificate_serial"] = refusal.certificate
    outcome = Outcome.FAILED if isinstance(refusal, CardUnverifiable) else Outcome.REFUSED
    return lines.said("signin.card", outcome, None, reason=refusal.code, details=details)


def _refuse_over(txn: SigninTransaction) -> None:
    if txn.session_digest is not None or txn.refusal is not None:
        raise TransactionMoved("the journey is over")
