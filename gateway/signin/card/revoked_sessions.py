"""The sessions that a card opened end when its certificate is on a revocation list (SES-08, SV-09).

When a list is new, all are looked at who used a card within the longest life of a session; otherwise only those who did so
lately, since a sign-in that was under way was judged by the list before. A session that rests on something else as well ends
too: what made it strong is gone. Without a list that is good now, nothing ends.
"""

from collections.abc import Mapping

from gateway.accounts.identity_link import LinkKind
from gateway.accounts.ports import IdentityLinks
from gateway.clock import Clock
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.signin.card.revocation import RevocationLists
from gateway.signin.card.trust import CardTrust
from gateway.signin.linking.pending import certificate_of
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import Sessions
from gateway.signin.session import Session

REASON = "card_revoked"


class RevokedCardSessions:
    def __init__(
        self,
        *,
        identities: IdentityLinks,
        sessions: Sessions,
        lists: RevocationLists,
        trust: CardTrust,
        policy: SigninPolicy,
        clock: Clock,
    ) -> None:
        self._identities = identities
        self._sessions = sessions
        self._lists = lists
        self._trust = trust
        self._policy = policy
        self._clock = clock
        self._judged: tuple[Mapping[str, int], float] | None = None
        """By the lists of these numbers, at this instant."""

    def end(self) -> int:
        """How many ended, with all that they gave; their applications are told as of any other end."""
        now = self._clock.now()
        numbers = self._lists.numbers(now)
        since = self._since(numbers, now)
        ended = sum(self._end_of(account_id, now) for account_id in self._identities.used_since(LinkKind.CARD, since))
        self._judged = numbers, now
        return ended

    def _since(self, numbers: Mapping[str, int], now: float) -> float:
        if self._judged is None or self._judged[0] != numbers:
            return now - self._policy.session_absolute_seconds
        return min(self._judged[1], now) - self._policy.transaction_ttl_seconds

    def _end_of(self, account_id: str, now: float) -> int:
        revoked = [session for session in self._sessions.of(account_id, now) if self._is_revoked(session, now)]
        return sum(self._sessions.end_one_of(account_id, one.sid, now, because(_said(one, now))) for one in revoked)

    def _is_revoked(self, session: Session, now: float) -> bool:
        certificate = certificate_of(session.upstream)
        if certificate is None:
            return False
        name, serial = certificate
        issuers = [authority for authority in self._trust.issuing if authority.name == name]
        return any(self._lists.is_revoked(int(serial, 16), issuer, now) for issuer in issuers)


def _said(session: Session, now: float) -> Event:
    issuer, serial = certificate_of(session.upstream) or ("", "")
    return Event(
        "session.ended",
        Outcome.SUCCESS,
        now,
        reason=REASON,
        target=session.account_id,
        method=LinkKind.CARD.value,
        details={"certificate_issuer": issuer, "certificate_serial": serial},
    )
