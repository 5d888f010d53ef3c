"""A recovery opened, approved or refused, and its sheet printed (FID-11, ADM-03; DECISIONS 15).

The référent who opens it says that they have seen the person. Another référent of the same structure who holds a strong means
decides within 72 hours; where there is none, the region does, by the command line. Neither is the person, nor the other one:
the database refuses it too. The person is told at each step, at every address, and can stop it.
"""

from collections.abc import Sequence

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, new_link, sending
from gateway.accounts.ports import Accounts, NotTwoPeopleError, OneTimeLinks, Recoveries
from gateway.accounts.recovery import (
    DECIDED_WITHIN_SECONDS,
    SERVES_WITHIN_SECONDS,
    Reason,
    Recovery,
    RecoveryState,
)
from gateway.clock import Clock
from gateway.habilitations.team import Teams
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Event, Outcome
from gateway.keys.purposes import PurposeKey
from gateway.randomness import Randomness, identifier
from gateway.signin.colleagues.reach import Reach
from gateway.signin.colleagues.refusals import NotNow, OutOfReach
from gateway.signin.colleagues.sheet import new_sheet
from gateway.signin.journal_lines import Lines
from gateway.signin.request_context import RequestContext
from gateway.signin.strong_means import StrongMeans


class ColleagueRecoveries:
    def __init__(
        self,
        *,
        reach: Reach,
        accounts: Accounts,
        teams: Teams,
        strong: StrongMeans,
        recoveries: Recoveries,
        links: OneTimeLinks,
        link_key: PurposeKey,
        ttl_seconds: int,
        clock: Clock,
        randomness: Randomness,
    ) -> None:
        self._reach = reach
        self._accounts = accounts
        self._teams = teams
        self._strong = strong
        self._recoveries = recoveries
        self._links = links
        self._link_key = link_key
        self._ttl_seconds = ttl_seconds
        self._clock = clock
        self._randomness = randomness

    def of(self, account_id: str) -> Recovery | None:
        return self._recoveries.of(account_id, self._clock.now())

    def seconds(self, recovery: Recovery) -> Sequence[Account]:
        """Who may decide it: the structure's référents who hold a strong means; nobody means the region."""
        others = (recovery.account_id, recovery.opened_by)
        found = self._teams.referents((recovery.structure_id,), self._clock.now(), besides=others)
        return [one for one in found if self._strong.held_by(one)]

    def open(self, referent: Account, account_id: str, reason: Reason, context: RequestContext) -> Recovery:
        """Raises OutOfReach, NotNow, TooManyActs."""
        lines = Lines(self._clock.now(), context)
        account, structures = self._reach.colleague(referent, account_id, lines)
        if account.status is not AccountStatus.ACTIVE:
            raise NotNow("not_active")
        self._reach.count(referent, account, lines.at)
        # Where they share several structures: one that has a second référent, if any.
        drafts = [
            Recovery(
                id=identifier(self._randomness),
                account_id=account.id,
                structure_id=structure.id,
                reason=reason,
                opened_by=referent.id,
                opened_at=lines.at,
                expires_at=lines.at + DECIDED_WITHIN_SECONDS,
            )
            for structure in structures
        ]
        recovery = next((one for one in drafts if self.seconds(one)), drafts[0])
        stop = new_link(
            self._link_key,
            LinkPurpose.STOP_RECOVERY,
            account_id=account.id,
            contact_version=account.contact_version,
            now=lines.at,
            ttl_seconds=DECIDED_WITHIN_SECONDS + SERVES_WITHIN_SECONDS,
            randomness=self._randomness,
            link_id=recovery.id,
        )
        said = lines.acted(
            "recovery.opened",
            actor=referent.id,
            target=account.id,
            structure=recovery.structure_id,
            reason=reason.value,
            details={"recovery": recovery.id},
        )
        asked: dict[str, str | int] = {
            "account": account.id,
            "what": "colleague_recovery",
            "structure": recovery.structure_id,
            "besides": referent.id,
        }
        try:
            opened = self._recoveries.open(
                recovery, stop, said + because(outgoing=(sending(stop), Outgoing("tell_referents", asked)))
            )
        except NotTwoPeopleError:
            raise OutOfReach("oneself") from None
        if not opened:
            raise NotNow("under_way")
        return recovery

    def decide(self, referent: Account, recovery_id: str, *, approved: bool, context: RequestContext) -> Recovery:
        """Raises OutOfReach, NotNow."""
        lines = Lines(self._clock.now(), context)
        recovery, _ = self._mine(referent, recovery_id, lines)
        if referent.id == recovery.opened_by:
            raise NotNow("second_person")
        if not self._strong.held_by(referent):
            raise OutOfReach("no strong means")
        said = lines.acted(
            "recovery.approved" if approved else "recovery.refused",
            actor=referent.id,
            target=recovery.account_id,
            structure=recovery.structure_id,
            details={"recovery": recovery.id},
        )
        return self._decided(recovery, approved, referent.id, None, lines.at, said)

    def decide_for_region(self, recovery_id: str, *, approved: bool, operator: str) -> Recovery:
        """Where the structure has no second référent. Raises OutOfReach, NotNow."""
        recovery, now = self._recoveries.get(recovery_id), self._clock.now()
        if recovery is None:
            raise OutOfReach("unknown")
        if self.seconds(recovery):
            raise NotNow("has_second")
        said = Event(
            "recovery.approved" if approved else "recovery.refused",
            Outcome.SUCCESS,
            now,
            target=recovery.account_id,
            structure=recovery.structure_id,
            details={"recovery": recovery.id, "operator": operator},
        )
        return self._decided(recovery, approved, None, operator, now, because(said))

    def _decided(
        self, recovery: Recovery, approved: bool, by: str | None, region: str | None, now: float, said: Effects
    ) -> Recovery:
        account = self._accounts.get(recovery.account_id)
        if account is None or account.status is not AccountStatus.ACTIVE:
            raise NotNow("not_active")
        if approved:
            stop = self._links.get(recovery.id)
            told = (sending(stop),) if stop is not None else ()
        else:
            told = (Outgoing("notice", {"account": account.id, "what": "recovery_refused"}),)
        try:
            decided = self._recoveries.decide(
                recovery.id,
                approved=approved,
                by=by,
                by_region=region,
                at=now,
                expires_at=now + SERVES_WITHIN_SECONDS,
                effects=said + because(outgoing=told),
            )
        except NotTwoPeopleError:
            raise NotNow("second_person") from None
        if not decided:
            raise NotNow("over")
        return recovery

    def print_sheet(
        self, referent: Account, recovery_id: str, context: RequestContext
    ) -> tuple[Account, OneTimeLink, str]:
        """The person, the link and the code to print, once; an older sheet dies. Raises OutOfReach, NotNow, TooManyActs."""
        lines = Lines(self._clock.now(), context)
        recovery, account = self._mine(referent, recovery_id, lines)
        if recovery.state is not RecoveryState.APPROVED or account.status is not AccountStatus.ACTIVE:
            raise NotNow("not_approved")
        self._reach.count(referent, account, lines.at)
        link, code = new_sheet(
            self._link_key,
            LinkPurpose.RECOVERY,
            account,
            printed_by=referent.id,
            now=lines.at,
            expires_at=min(lines.at + self._ttl_seconds, recovery.expires_at),
            randomness=self._randomness,
        )
        said = lines.acted(
            "sheet.printed",
            actor=referent.id,
            target=account.id,
            structure=recovery.structure_id,
            details={"recovery": recovery.id, "purpose": link.purpose.value},
        )
        told = because(outgoing=(Outgoing("notice", {"account": account.id, "what": "sheet_printed"}),))
        self._links.issue(link, said + told)
        return account, link, code

    def _mine(self, referent: Account, recovery_id: str, lines: Lines) -> tuple[Recovery, Account]:
        """One under way, of a structure that this référent leads and of somebody else. Raises OutOfReach, NotNow."""
        recovery = self._recoveries.get(recovery_id)
        if recovery is None:
            raise OutOfReach("unknown")
        account, _ = self._reach.colleague(referent, recovery.account_id, lines)
        self._reach.leads(referent, recovery.structure_id, lines)
        if not recovery.is_under_way(lines.at):
            raise NotNow("over")
        return recovery, account
