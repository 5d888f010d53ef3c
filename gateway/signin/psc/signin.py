"""Signing in by Pro Santé Connect, inside the journey: the question is remembered in the transaction, the answer is taken out
of it once, and a verified assertion goes to linking, which alone knows accounts.

Each refusal leaves a journal line with the broken rule's name, an answer that nobody here asked for included; the page says
one of three texts. A proof that is there already is not asked silently where it must be new: a demand for freshness, an
identity to link, a second try.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.clock import Clock
from gateway.journal.effects import NO_EFFECTS
from gateway.journal.events import Outcome
from gateway.quota import Allowance, Quota
from gateway.refusal import Refusal
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.gone import saved
from gateway.signin.journal_lines import Lines
from gateway.signin.linking.link import IdentityRefused, IdentityStale, Linking
from gateway.signin.linking.pending import pending
from gateway.signin.ports import SigninTransactions, Spool
from gateway.signin.psc.attempt import remember, take
from gateway.signin.psc.callback import UnverifiedCallback
from gateway.signin.psc.proved_identity import proved_identity
from gateway.signin.psc.refusals import PscDeclined, PscRefused, PscUnavailable
from gateway.signin.psc.relying_party import PscRelyingParty
from gateway.signin.request_context import RequestContext
from gateway.signin.throttle import ip_block
from gateway.signin.transaction import SigninTransaction

ACTIVATION = "activation"
"""A transaction opened by an activation link has it in its continuation."""
NEARLY_NOW = 60
"""Seconds: a demand for a proof younger than this asks for a new one."""
UNASKED_PER_ORIGIN = 30
"""Journal lines that one address can cause in ten minutes with answers that nobody asked for."""
_OUTCOMES: Mapping[type[Refusal], Outcome] = {PscUnavailable: Outcome.FAILED}
_OF_THE_ANSWER = (PscRefused, PscDeclined, PscUnavailable)
OTHERS = (IdentityStale, IdentityRefused, LinkGone)
"""Raised by linking, which writes its own lines."""


@dataclass(frozen=True, slots=True)
class PscSignin:
    party: PscRelyingParty
    linking: Linking
    transactions: SigninTransactions
    spool: Spool
    clock: Clock
    unasked: Quota = field(default_factory=lambda: Quota(limit=UNASKED_PER_ORIGIN, seconds=600))

    def ask(self, txn: SigninTransaction, *, afresh: bool = False) -> str:
        """Where to send the browser. `afresh`, and on a shared post: nobody may be signed in from a proof that Pro Santé
        Connect has already."""
        now = self.clock.now()
        since = txn.demand.fresh_since
        asked_now = since is not None and now - since < NEARLY_NOW
        address, attempt = self.party.ask(
            txn.handle,
            reauthenticate=afresh or asked_now or txn.shared is not None or pending(txn) is not None,
            max_age_seconds=None if since is None or asked_now else int(now - since),
        )
        saved(self.transactions, remember(txn, attempt), now, NO_EFFECTS)
        return address

    def answered(
        self,
        txn: SigninTransaction,
        unverified: UnverifiedCallback,
        context: RequestContext,
        *,
        activation_token: str | None = None,
    ) -> SigninTransaction:
        """The transaction that goes on, under a new handle. Raises PscRefused, PscDeclined, PscUnavailable, and what
        linking refuses (IdentityStale, IdentityRefused, LinkGone), each with its journal line; TransactionMoved."""
        now = self.clock.now()
        try:
            txn, attempt = take(self.transactions, txn, now, NO_EFFECTS)
            identity = proved_identity(self.party.answered(unverified, attempt=attempt))
        except _OF_THE_ANSWER as refusal:
            self._note(refusal, Lines(now, context, txn.demand.client_id, "psc"))
            raise
        if txn.continuation.get(ACTIVATION):
            return self.linking.begin_activation(txn, activation_token or "", identity, context)
        return self.linking.begin(txn, identity, context)

    def not_asked(self, context: RequestContext) -> None:
        """An answer whose state names no sign-in of this browser: another's, an old one, or a lie. It only leaves a line."""
        now = self.clock.now()
        if self.unasked.take(ip_block(context.ip), now) is Allowance.YES:
            self._note(PscRefused("callback: no question of this browser"), Lines(now, context, method="psc"))

    def _note(self, refusal: Refusal, lines: Lines) -> None:
        outcome, details = _OUTCOMES.get(type(refusal), Outcome.REFUSED), {"error": refusal.detail[:200]}
        self.spool.note(lines.said("signin.psc", outcome, None, reason=refusal.code, details=details))
