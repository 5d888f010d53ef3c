"""/compte/signalement: "I did not ask for this message" (OTP-16), and what to do about it, which depends on the message.

A report asks no fresh proof: it gives nothing, and whoever is alarmed should not be asked for one more code.
"""

import flask
from werkzeug.wrappers import Response

from gateway.my_account.pages import ROOT, AccountPages
from gateway.signin.pages import RULE_REFUSED
from gateway.signin.reported_message import ReportedMessages, UnaskedMessage

HERE = f"{ROOT}/signalement"
_KINDS = {kind.value: kind for kind in UnaskedMessage}


def pages(account_pages: AccountPages, reports: ReportedMessages, *, by_password: bool) -> flask.Blueprint:
    blueprint = account_pages.blueprint("reported_message")
    shell = account_pages.shell

    def form_page(*, status: int = 200, error: str | None = None) -> Response:
        return account_pages.page("reported_message.html", status=status, kinds=list(_KINDS), error=error)

    @blueprint.get(HERE)
    def show() -> Response:
        account_pages.visitor(HERE)
        said = flask.request.args.get("said", "")
        if said in _KINDS:
            return account_pages.page("reported_message_said.html", kind=said, by_password=by_password)
        return form_page()

    @blueprint.post(HERE)
    def report() -> Response:
        fields = shell.form("reported-message")
        _, account = account_pages.visitor(HERE)
        kind = _KINDS.get(fields.get("kind", ""))
        if kind is None:
            error = shell.translations.say(shell.language(), "reported.choose")
            return form_page(status=RULE_REFUSED, error=error)
        reports.report(account.id, kind, account_pages.context())
        return shell.see_other(f"{HERE}?said={kind.value}")

    return blueprint
