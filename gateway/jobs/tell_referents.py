"""Whom a référent's matter concerns, found beside the request: the référents of somebody's structures get a notice each, and
the region an alert where there is none, or where it must know anyway (DECISIONS 15, 16).

A recovery that waits concerns those who may decide it: référents who hold a strong means. The notices are ordered in one step,
so that a provider that fails repeats none of the others.
"""

from collections.abc import Mapping

from gateway.accounts.account import Account
from gateway.accounts.ports import Accounts
from gateway.habilitations.team import Teams
from gateway.jobs.outgoing import Handler, Sent
from gateway.journal.effects import Outgoing, because
from gateway.signin.ports import Spool
from gateway.signin.strong_means import StrongMeans

Payload = Mapping[str, str | int]
_REGION_TOO = frozenset({"colleague_unclaimed", "colleague_recovery_stopped"})
_DECIDERS_ALONE = "colleague_recovery"


class TellReferents:
    def __init__(self, *, accounts: Accounts, teams: Teams, strong: StrongMeans, spool: Spool) -> None:
        self._accounts, self._teams, self._strong, self._spool = accounts, teams, strong, spool

    def handlers(self) -> Mapping[str, Handler]:
        return {"tell_referents": self.tell}

    def tell(self, payload: Payload, now: float, message_id: str) -> Sent:
        """Sends nothing itself."""
        del message_id
        account = self._accounts.get(str(payload["account"]))
        if account is None:
            return Sent.POINTLESS
        what = str(payload["what"])
        told = self._concerned(account, payload, now)
        orders = [Outgoing("notice", {"account": one.id, "what": what}) for one in told]
        if not told or what in _REGION_TOO:
            orders.append(Outgoing("operator_alert", {"what": what}))
        self._spool.note(because(outgoing=tuple(orders)))
        return Sent.POINTLESS

    def _concerned(self, account: Account, payload: Payload, now: float) -> list[Account]:
        if "structure" in payload:
            besides = (account.id, str(payload.get("besides", "")))
            found = self._teams.referents((str(payload["structure"]),), now, besides=besides)
        else:
            found = self._teams.referents_of(account, now)
        return [one for one in found if payload["what"] != _DECIDERS_ALONE or self._strong.held_by(one)]
