"""The sessions of a person as they see them, and ending them (SES-09).

Of a session they see the proofs, the declared network or no place at all, the words of the browser, its beginning and its last
use. One is named by its `sid`, within the account alone. Ending some asks no fresh proof: it gives nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.journal.events import Outcome
from gateway.signin.evidence import Means
from gateway.signin.journal_lines import Lines
from gateway.signin.ports import Sessions
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session


@dataclass(frozen=True, slots=True)
class SeenSession:
    """`current`: the one that looks."""

    sid: str
    means: tuple[Means, ...]
    device: str
    place: str | None
    started_at: float
    last_used_at: float
    clients: tuple[str, ...]
    current: bool


class OwnSessions:
    def __init__(self, *, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    def seen_from(self, session: Session) -> Sequence[SeenSession]:
        """The one that looks first, then those used last."""
        seen = [
            SeenSession(
                sid=one.sid,
                means=tuple(dict.fromkeys(item.means for item in one.evidence)),
                device=one.device,
                place=one.place,
                started_at=one.started_at,
                last_used_at=one.last_used_at,
                clients=one.clients,
                current=one.sid == session.sid,
            )
            for one in self._sessions.of(session.account_id, self._clock.now())
        ]
        return sorted(seen, key=lambda one: (not one.current, -one.last_used_at))

    def end(self, session: Session, sid: str, context: RequestContext) -> bool:
        """Another one of the same person. False when there is none of this name any more."""
        if sid == session.sid:
            return False
        now = self._clock.now()
        said = Lines(now, context).said("session.ended", Outcome.SUCCESS, session.account_id, reason="by_holder")
        return self._sessions.end_one_of(session.account_id, sid, now, said)

    def end_others(self, session: Session, context: RequestContext) -> int:
        """All but the one that asks; how many."""
        now = self._clock.now()
        said = Lines(now, context).said("session.ended", Outcome.SUCCESS, session.account_id, reason="by_holder")
        return self._sessions.end_sessions_of(session.account_id, now, said, sparing=session.handle)
