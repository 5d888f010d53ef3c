"""What every page of the console shares: it opens to a référent, in a session at the level of a passkey, a card or Pro Santé
Connect (ADM-10; DECISIONS 15), and each act asks a fresh proof of that kind.

Below that level the person proves themselves again; who holds no such means is told where to get one.
"""

from pathlib import Path
from typing import Any

import flask
from werkzeug.wrappers import Response

from gateway.accounts.account import Account
from gateway.clock import Clock
from gateway.habilitations.team import Teams
from gateway.my_account.pages import ROOT, AccountPages
from gateway.signin.assurance import ACR_PASSKEY
from gateway.signin.fresh_proof import FreshProof
from gateway.signin.gate import Gate
from gateway.signin.pages import HOME, JourneyPages
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.strong_means import StrongMeans
from gateway.signin.transaction import Demand

_SUFFICES = Demand(min_acr=ACR_PASSKEY)


class ConsolePages:
    """`fresh_proof` asks a strong means. `get_one`: the page of the account where one is made or linked."""

    def __init__(
        self,
        *,
        account_pages: AccountPages,
        journey_pages: JourneyPages,
        gate: Gate,
        teams: Teams,
        strong: StrongMeans,
        fresh_proof: FreshProof,
        get_one: str,
        clock: Clock,
    ) -> None:
        self.shell = account_pages.shell
        self._account_pages = account_pages
        self._journey_pages = journey_pages
        self._gate = gate
        self._teams = teams
        self._strong = strong
        self._fresh_proof = fresh_proof
        self._get_one = get_one
        self.now = clock.now
        self.shell.add_templates("console", Path(__file__).parent / "templates")

    def blueprint(self, name: str) -> flask.Blueprint:
        return flask.Blueprint(f"console_{name}", __name__)

    def context(self) -> RequestContext:
        return self._account_pages.context()

    def referent(self, back: str) -> Account:
        """The visitor, who leads a structure; otherwise a page says why not, or a proof is asked that comes back to `back`."""
        session, account = self._leader(back)
        if not self._gate.is_enough(session, _SUFFICES):
            flask.abort(self._stronger(session, account, back))
        return account

    def proved(self, back: str) -> Account:
        """The same, proved afresh."""
        session, account = self._leader(back)
        if not self._fresh_proof.stands(session):
            flask.abort(self._stronger(session, account, back))
        return account

    def _leader(self, back: str) -> tuple[Session, Account]:
        session, account = self._account_pages.visitor(back)
        if not self._teams.led_by(account, self.now()):
            flask.abort(self.shell.message("team.nobody", status=403, way_out=(ROOT, "my_account.back")))
        return session, account

    def _stronger(self, session: Session, account: Account, back: str) -> Response:
        if not self._strong.held_by(account):
            return self.shell.message("team.no_means", status=403, way_out=(self._get_one, "team.no_means_way_out"))
        txn = self._fresh_proof.ask(
            back,
            resume=HOME,
            login_hint=account.username,
            browser_cookie=self.shell.browser(),
            session=session,
            context=self.context(),
        )
        return self._journey_pages.onward(txn)

    def said(self, prefix: str) -> str | None:
        return self._account_pages.said(prefix)

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        return self.shell.page(f"console/{template}", status=status, **values)
