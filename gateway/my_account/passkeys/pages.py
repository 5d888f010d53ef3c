"""/compte/passkeys: making, naming and removing passkeys (FID-10). Every change asks a fresh proof first.

The script's two calls answer 410 with a page to go to when the proof is no longer fresh: that page asks it again.
"""

import flask
from werkzeug.wrappers import Response

from gateway.accounts.account import Account
from gateway.accounts.authenticator import Passkey
from gateway.my_account.pages import ROOT, AccountPages
from gateway.refusal import Refusal
from gateway.signin.pages import RULE_REFUSED
from gateway.signin.passkey.api import ASKED, answer, body, label_of
from gateway.signin.passkey.enrolment import PasskeyEnrolment
from gateway.signin.passkey.form_token import ENROLMENT_TOKEN
from gateway.signin.passkey.refusals import LastPasskey, PasskeyGone, PasskeyNotAdded
from gateway.signin.session import Session
from gateway.web import cookies

HERE = f"{ROOT}/passkeys"
NEW = f"{HERE}/nouvelle"
_GONE = 410


class ProofIsOld(Refusal):
    """The person proves themselves again first."""

    code = "proof_is_old"
    text = "passkeys.prove_again"


def pages(account_pages: AccountPages, passkeys: PasskeyEnrolment) -> flask.Blueprint:
    blueprint = account_pages.blueprint("passkeys")
    shell = account_pages.shell

    @blueprint.errorhandler(PasskeyGone)
    def gone(_: PasskeyGone) -> Response:
        return shell.see_other(f"{HERE}?said=gone")

    @blueprint.get(HERE)
    def overview() -> Response:
        _, account = account_pages.visitor(HERE)
        said = flask.request.args.get("said", "")
        return account_pages.page(
            "passkeys.html",
            passkeys=passkeys.of(account),
            said=said if shell.translations.has(f"passkeys.said_{said}") else None,
        )

    @blueprint.get(NEW)
    def new() -> Response:
        account_pages.proved(NEW)
        return account_pages.page("passkey_new.html", form_purpose=ENROLMENT_TOKEN)

    _changing(blueprint, account_pages, passkeys)
    return blueprint


def calls(account_pages: AccountPages, passkeys: PasskeyEnrolment) -> flask.Blueprint:
    """The two calls of whatever page makes a passkey."""
    blueprint = account_pages.blueprint("passkey_calls")
    shell = account_pages.shell

    def proved() -> tuple[Session, Account]:
        session, account = account_pages.visitor(NEW)
        if not account_pages.has_fresh_proof(session):
            raise ProofIsOld("the proof is no longer fresh")
        return session, account

    @blueprint.post(f"{NEW}/options")
    def options() -> Response:
        body(shell, ENROLMENT_TOKEN, set(), malformed=PasskeyNotAdded)
        session, account = proved()
        return answer(200, passkeys.begin(account, session))

    @blueprint.post(f"{NEW}/verify")
    def verify() -> Response:
        members = body(shell, ENROLMENT_TOKEN, {"credential"}, {"credential", "label"}, malformed=PasskeyNotAdded)
        session, account = proved()
        label = label_of(shell, {"label": "", **members})
        passkeys.finish(account, session, members["credential"], label, account_pages.context())
        response = answer(200, {"next": f"{HERE}?said=added"})
        cookies.put(response, cookies.PASSKEY, ASKED, seconds=cookies.LONG)
        return response

    @blueprint.errorhandler(ProofIsOld)
    def old(refusal: ProofIsOld) -> Response:
        return answer(_GONE, {"error": refusal.code, "text": shell.refusal_text(refusal), "next": NEW})

    @blueprint.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return answer(RULE_REFUSED, {"error": refusal.code, "text": shell.refusal_text(refusal)})

    return blueprint


def _changing(blueprint: flask.Blueprint, account_pages: AccountPages, passkeys: PasskeyEnrolment) -> None:
    shell = account_pages.shell

    def passkey_page(one: Passkey, *, status: int = 200, error: str | None = None) -> Response:
        return account_pages.page("passkey.html", status=status, one=one, error=error)

    @blueprint.get(f"{HERE}/<passkey_id>")
    def one_passkey(passkey_id: str) -> Response:
        account = account_pages.proved(f"{HERE}/{passkey_id}")
        return passkey_page(passkeys.mine(account, passkey_id))

    @blueprint.post(f"{HERE}/<passkey_id>/nom")
    def rename(passkey_id: str) -> Response:
        fields = shell.form(f"passkey-name:{passkey_id}")
        account = account_pages.proved(f"{HERE}/{passkey_id}")
        label = label_of(shell, {"label": fields.get("label", "")})
        passkeys.rename(account, passkey_id, label, account_pages.context())
        return shell.see_other(f"{HERE}?said=renamed")

    @blueprint.post(f"{HERE}/<passkey_id>/retrait")
    def remove(passkey_id: str) -> Response:
        shell.form(f"passkey-remove:{passkey_id}")
        session, account = account_pages.proved_in_session(f"{HERE}/{passkey_id}")
        try:
            passkeys.remove(account, passkey_id, account_pages.context(), sparing=session.handle)
        except LastPasskey as refusal:
            one = passkeys.mine(account, passkey_id)
            return passkey_page(one, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.see_other(f"{HERE}?said=removed")
