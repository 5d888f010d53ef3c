"""What every page of « Mon compte » shares: whose it is, and the fresh proof before a sensitive change.

A visitor without a session signs in and comes back. On a shared post nothing is shown and nothing is changed: the next person
there would find it open.
"""

from pathlib import Path
from typing import Any

import flask
from werkzeug.wrappers import Response

from gateway.accounts.account import Account
from gateway.accounts.ports import Accounts
from gateway.applications.client import Client
from gateway.clock import Clock
from gateway.signin.demands import usable
from gateway.signin.fresh_proof import FreshProof
from gateway.signin.pages import HOME, MY_ACCOUNT, JourneyPages
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.transaction import Demand

ROOT = MY_ACCOUNT


class AccountPages:
    def __init__(
        self, *, journey_pages: JourneyPages, accounts: Accounts, fresh_proof: FreshProof, clock: Clock
    ) -> None:
        self.shell = journey_pages.shell
        self._journey_pages = journey_pages
        self._accounts = accounts
        self._fresh_proof = fresh_proof
        self.now = clock.now
        self.shell.add_templates("my_account", Path(__file__).parent / "templates")

    def blueprint(self, name: str) -> flask.Blueprint:
        return flask.Blueprint(f"my_account_{name}", __name__)

    def context(self) -> RequestContext:
        return self._journey_pages.context()

    def visitor(self, back: str) -> tuple[Session, Account]:
        """Whose page this is; somebody without a session is sent to sign in, and comes back to `back`."""
        session = self._journey_pages.gate.use(self._journey_pages.session_cookie(), self.context())
        account = self._accounts.get(session.account_id) if session is not None else None
        if session is None or account is None or not usable(account):
            txn = self._journey_pages.journey.open(
                Demand(),
                {"resume": HOME, "back": back},
                browser_cookie=self.shell.browser(),
                session=None,
                context=self.context(),
            )
            flask.abort(self._journey_pages.onward(txn))
        if session.shared is not None:
            flask.abort(self.shell.message("my_account.shared", status=403, way_out=(HOME, "my_account.home")))
        return session, account

    def proved(self, back: str) -> Account:
        """The visitor, who proved themselves afresh; otherwise they are asked to, and come back to `back`."""
        return self.proved_in_session(back)[1]

    def proved_in_session(self, back: str) -> tuple[Session, Account]:
        session, account = self.visitor(back)
        if not self._fresh_proof.stands(session):
            txn = self._fresh_proof.ask(
                back,
                resume=HOME,
                login_hint=account.username,
                browser_cookie=self.shell.browser(),
                session=session,
                context=self.context(),
            )
            flask.abort(self._journey_pages.onward(txn))
        return session, account

    def signin_before(self, session: Session) -> tuple[float, str | None] | None:
        return self._journey_pages.signin_before(session)

    def names_of(self, client_ids: tuple[str, ...]) -> list[str]:
        return self._journey_pages.names_of(client_ids)

    def client_name(self, client: Client) -> str:
        return self._journey_pages.client_name(client, self.shell.language())

    def said(self, prefix: str) -> str | None:
        """The key of what the last change says on the page it leads to, among the texts under this prefix."""
        key = f"{prefix}_{flask.request.args.get('said', '')}"
        return key if self.shell.translations.has(key) else None

    def has_fresh_proof(self, session: Session) -> bool:
        return self._fresh_proof.stands(session)

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        return self.shell.page(f"my_account/{template}", status=status, **values)
