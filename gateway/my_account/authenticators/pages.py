"""/compte/authentificateurs: enrolling, naming and removing authenticator applications, and the sheet of recovery codes
(FID-01, FID-03, FID-10, FID-12).

Every change asks a fresh proof first. A secret, and a sheet, are on one page that nothing keeps, and on no other.
"""

import flask
from markupsafe import Markup
from werkzeug.wrappers import Response

from gateway.accounts.account import Account
from gateway.accounts.authenticator import TotpAuthenticator
from gateway.my_account.pages import ROOT, AccountPages
from gateway.signin.pages import RULE_REFUSED
from gateway.signin.recovery.sheet import RecoverySheets
from gateway.signin.totp.application import introduction
from gateway.signin.totp.enrolment import (
    EnrolmentGone,
    LastFactor,
    TooManyApplications,
    TotpEnrolment,
    WrongFirstCode,
)

HERE = f"{ROOT}/authentificateurs"
APPLICATION = f"{HERE}/application"
CODES = f"{HERE}/codes"
_LONGEST_TYPED = 32


def pages(account_pages: AccountPages, totp: TotpEnrolment, recovery: RecoverySheets) -> flask.Blueprint:
    blueprint = account_pages.blueprint("authenticators")
    shell = account_pages.shell

    @blueprint.errorhandler(EnrolmentGone)
    def gone(_: EnrolmentGone) -> Response:
        return shell.see_other(f"{HERE}?said=gone")

    @blueprint.get(HERE)
    def overview() -> Response:
        _, account = account_pages.visitor(HERE)
        said = flask.request.args.get("said", "")
        return account_pages.page(
            "authenticators.html",
            applications=[(one, totp.is_disabled(one)) for one in totp.of(account)],
            codes_left=recovery.left(account),
            said=said if shell.translations.has(f"authenticators.said_{said}") else None,
        )

    _enrolling(blueprint, account_pages, totp, recovery)
    _changing(blueprint, account_pages, totp)
    _sheets(blueprint, account_pages, recovery)
    return blueprint


def _label(account_pages: AccountPages, typed: str) -> str:
    shell = account_pages.shell
    return typed if typed.strip() else shell.translations.say(shell.language(), "authenticators.application")


def _sheet_page(account_pages: AccountPages, codes: list[str], *, first: bool) -> Response:
    return account_pages.page("sheet.html", codes=codes, first=first)


def _enrolling(
    blueprint: flask.Blueprint, account_pages: AccountPages, totp: TotpEnrolment, recovery: RecoverySheets
) -> None:
    shell = account_pages.shell

    def first_code_page(
        account: Account, waiting: TotpAuthenticator, *, status: int = 200, error: str | None = None
    ) -> Response:
        service = shell.tenant.service
        name = service.get(shell.language()) or next(iter(service.values()))
        shown = introduction(waiting.secret, username=account.username, service=name)
        return account_pages.page(
            "application_code.html",
            status=status,
            error=error,
            waiting=waiting,
            secret=shown.secret,
            address=shown.address,
            qr_code=Markup(shown.qr_code),  # noqa: S704 -- drawn by us: the squares of a QR code, no text of anybody
        )

    @blueprint.get(APPLICATION)
    def name_it() -> Response:
        account_pages.proved(APPLICATION)
        return account_pages.page("application_name.html", error=None)

    @blueprint.post(APPLICATION)
    def begin() -> Response:
        fields = shell.form("totp:new")
        account = account_pages.proved(APPLICATION)
        label = _label(account_pages, fields.get("label", ""))
        try:
            waiting = totp.begin(account, label, account_pages.context())
        except TooManyApplications as refusal:
            error = shell.refusal_text(refusal)
            return account_pages.page("application_name.html", status=RULE_REFUSED, error=error)
        return shell.see_other(f"{APPLICATION}/{waiting.id}")

    @blueprint.get(f"{APPLICATION}/<waiting_id>")
    def show_secret(waiting_id: str) -> Response:
        account = account_pages.proved(f"{APPLICATION}/{waiting_id}")
        return first_code_page(account, totp.waiting(account, waiting_id))

    @blueprint.post(f"{APPLICATION}/<waiting_id>")
    def confirm(waiting_id: str) -> Response:
        """No fresh proof again: only somebody who had one was shown the secret that the code comes from."""
        fields = shell.form(f"totp:{waiting_id}")
        here = f"{APPLICATION}/{waiting_id}"
        session, account = account_pages.visitor(here)
        fresh = account_pages.has_fresh_proof(session)
        try:
            totp.confirm(account, waiting_id, fields.get("code", "")[:_LONGEST_TYPED], account_pages.context())
        except WrongFirstCode as refusal:
            if not fresh:
                return shell.see_other(here)
            waiting = totp.waiting(account, waiting_id)
            return first_code_page(account, waiting, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        if recovery.left(account) or not fresh:
            return shell.see_other(f"{HERE}?said=added")
        return _sheet_page(account_pages, recovery.make(account, account_pages.context()), first=True)


def _changing(blueprint: flask.Blueprint, account_pages: AccountPages, totp: TotpEnrolment) -> None:
    shell = account_pages.shell

    def application_page(one: TotpAuthenticator, *, status: int = 200, error: str | None = None) -> Response:
        return account_pages.page(
            "application.html", status=status, one=one, disabled=totp.is_disabled(one), error=error
        )

    @blueprint.get(f"{HERE}/<authenticator_id>")
    def one_application(authenticator_id: str) -> Response:
        account = account_pages.proved(f"{HERE}/{authenticator_id}")
        return application_page(totp.mine(account, authenticator_id))

    @blueprint.post(f"{HERE}/<authenticator_id>/nom")
    def rename(authenticator_id: str) -> Response:
        fields = shell.form(f"totp-name:{authenticator_id}")
        account = account_pages.proved(f"{HERE}/{authenticator_id}")
        label = _label(account_pages, fields.get("label", ""))
        totp.rename(account, authenticator_id, label, account_pages.context())
        return shell.see_other(f"{HERE}?said=renamed")

    @blueprint.post(f"{HERE}/<authenticator_id>/retrait")
    def remove(authenticator_id: str) -> Response:
        shell.form(f"totp-remove:{authenticator_id}")
        session, account = account_pages.proved_in_session(f"{HERE}/{authenticator_id}")
        try:
            totp.remove(account, authenticator_id, account_pages.context(), sparing=session.handle)
        except LastFactor as refusal:
            one = totp.mine(account, authenticator_id)
            return application_page(one, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.see_other(f"{HERE}?said=removed")


def _sheets(blueprint: flask.Blueprint, account_pages: AccountPages, recovery: RecoverySheets) -> None:
    @blueprint.get(CODES)
    def about_codes() -> Response:
        account = account_pages.proved(CODES)
        return account_pages.page("sheet_new.html", codes_left=recovery.left(account))

    @blueprint.post(CODES)
    def new_codes() -> Response:
        account_pages.shell.form("recovery:new")
        account = account_pages.proved(CODES)
        return _sheet_page(account_pages, recovery.make(account, account_pages.context()), first=False)
