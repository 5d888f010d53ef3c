"""/compte/mot-de-passe: another password, for the current one and a fresh proof (PWD-09)."""

import flask
from werkzeug.wrappers import Response

from gateway.accounts.account import Account
from gateway.accounts.password_policy import PasswordTooWeak, PasswordUnchanged
from gateway.my_account.pages import ROOT, AccountPages
from gateway.signin.pages import RULE_REFUSED
from gateway.signin.password.new_password import CurrentPasswordRefused, NewPassword, NoFreshProof

HERE = f"{ROOT}/mot-de-passe"


def pages(account_pages: AccountPages, new_password: NewPassword, *, min_length: int) -> flask.Blueprint:
    blueprint = account_pages.blueprint("password")
    shell = account_pages.shell

    def form_page(account: Account, *, status: int = 200, error: str | None = None) -> Response:
        return account_pages.page(
            "password.html", status=status, username=account.username, min_length=min_length, error=error
        )

    @blueprint.get(HERE)
    def form() -> Response:
        return form_page(account_pages.proved(HERE))

    @blueprint.post(HERE)
    def change() -> Response:
        fields = shell.form("password-change")
        account = account_pages.proved(HERE)
        session, _ = account_pages.visitor(HERE)
        new = fields.get("new_password", "")
        if new != fields.get("again", ""):
            error = shell.translations.say(shell.language(), "password.mismatch")
            return form_page(account, status=RULE_REFUSED, error=error)
        try:
            new_password.change(session, fields.get("current", ""), new, account_pages.context())
        except NoFreshProof:
            return shell.see_other(HERE)
        except (CurrentPasswordRefused, PasswordTooWeak, PasswordUnchanged) as refusal:
            return form_page(account, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.message("my_account.password_changed", way_out=("/signin", "home.signin"))

    return blueprint
