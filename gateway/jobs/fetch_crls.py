"""Fetches the revocation lists of the cards' authorities ahead of time, so that no sign-in ever waits for one (SV-09, §2.5).

Each list is verified before it is kept; a bad, old or missing one leaves the last good one where it is, to be believed until
its own `nextUpdate`. Numbers never go down. What fails is tried again soon, and said aloud when the list held is about to end.
"""

import logging
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.signin.card.environment import Limits
from gateway.signin.card.ports import ListUnavailableError, RevocationListSource, RevocationListStore, StoredList
from gateway.signin.card.revocation import ListRefusedError, read_list
from gateway.signin.card.trust import Authority, CardTrust

_log = logging.getLogger("passerelle.crl")
SOON_SECONDS = 12 * 3600
"""A list that ends within this time, and could not be renewed, is worth waking somebody."""


@dataclass(slots=True)
class _Round:
    tried_at: float
    good: bool


class CrlFetch:
    def __init__(
        self,
        *,
        trust: CardTrust,
        source: RevocationListSource,
        store: RevocationListStore,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._trust = trust
        self._source = source
        self._store = store
        self._limits = limits
        self._clock = clock
        self._rounds: dict[str, _Round] = {}

    def run_if_due(self) -> int:
        """How many newer lists were kept. One authority's failure leaves the others their turn."""
        now = self._clock.now()
        due = [authority for authority in self._trust.watched if self._is_due(authority, now)]
        return sum(self._renew(authority, now) for authority in due)

    def _is_due(self, authority: Authority, now: float) -> bool:
        last = self._rounds.get(authority.fingerprint)
        if last is None:
            return True
        pause = self._limits.crl_refresh_seconds if last.good else self._limits.crl_retry_seconds
        return not 0 <= now - last.tried_at < pause

    def _renew(self, authority: Authority, now: float) -> bool:
        try:
            kept = self._keep(authority, self._source.fetch(authority.anchor), now)
        except (ListUnavailableError, ListRefusedError) as error:
            self._rounds[authority.fingerprint] = _Round(now, good=False)
            self._complain(authority, str(error), now)
            return False
        self._rounds[authority.fingerprint] = _Round(now, good=True)
        return kept

    def _keep(self, authority: Authority, unverified: bytes, now: float) -> bool:
        read = read_list(unverified, authority)
        held = self._store.numbers().get(authority.fingerprint)
        if held is not None and read.number < held:
            raise ListRefusedError("number lower than the last one seen")
        if not read.is_current(now):
            raise ListRefusedError("not current")
        if read.number == held:
            return False
        fetched = StoredList(authority.fingerprint, read.number, read.this_update, read.next_update, unverified)
        said = Event(
            name="revocation_list.kept",
            outcome=Outcome.SUCCESS,
            at=now,
            details={"source": authority.name, "crl_number": read.number, "count": len(read.serials)},
        )
        return self._store.keep(fetched, because(said))

    def _complain(self, authority: Authority, reason: str, now: float) -> None:
        held = self._store.find(authority.fingerprint)
        ends_soon = held is None or held.next_update < now + SOON_SECONDS
        level = logging.ERROR if ends_soon else logging.WARNING
        state = (
            "there is none" if held is None else "the last one ends soon" if ends_soon else "the last one still serves"
        )
        _log.log(level, "the revocation list of %s was not renewed (%s); %s", authority.name, reason, state)
