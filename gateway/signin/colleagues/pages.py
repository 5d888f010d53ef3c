"""/feuille, where a sheet of paper is presented; the address it asks to prove; /recovery, where a recovery ends;
/stop_recovery, where "it was not me" leads; /activation/demande, the way out of a link that is over.

All are plain forms. What the code stands for goes to a cookie, as a mailed link's token does (RST-05); looking consumes
nothing.
"""

import flask
from werkzeug.wrappers import Response

from gateway.accounts.one_time_link import LinkPurpose
from gateway.accounts.password_policy import PasswordTooWeak
from gateway.signin.colleagues.address import SheetAddress
from gateway.signin.colleagues.asking import AskingAgain
from gateway.signin.colleagues.desk import SheetDesk
from gateway.signin.colleagues.own_recovery import OwnRecovery
from gateway.signin.colleagues.refusals import AddressTaken, AddressUnreadable, SheetRefused
from gateway.signin.enrolment.access_link import AddressUnproved, LinkGone
from gateway.signin.enrolment.landed_link import TOKEN, landed_token, landing
from gateway.signin.one_time_code.masking import masked_email
from gateway.signin.one_time_code.signin import CodeDead, CodeRefused
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.web import cookies

HERE = "/feuille"
ADDRESS = f"{HERE}/adresse"
RECOVERY = "/recovery"
RECOVERY_TOKEN = "recovery-passkey"
ASK = "/activation/demande"
_LONGEST_TYPED = 320


def pages(
    journey_pages: JourneyPages,
    desk: SheetDesk,
    address: SheetAddress,
    recovery: OwnRecovery,
    asking: AskingAgain,
    *,
    min_length: int,
    by_password: bool,
    by_passkey: bool,
) -> flask.Blueprint:
    blueprint = journey_pages.blueprint("sheets")
    shell = journey_pages.shell

    @blueprint.errorhandler(LinkGone)
    def gone(_: LinkGone) -> Response:
        response = shell.message("sheet.gone", status=410, way_out=(HERE, "sheet.again"))
        cookies.forget(response, cookies.LINK)
        return response

    @blueprint.errorhandler(AddressUnproved)
    def address_first(_: AddressUnproved) -> Response:
        return shell.see_other(ADDRESS)

    @blueprint.errorhandler(CodeDead)
    def code_over(_: CodeDead) -> Response:
        return shell.see_other(f"{ADDRESS}?said=over")

    _desk(blueprint, journey_pages, desk)
    _address(blueprint, journey_pages, desk, address)
    _recovery(blueprint, journey_pages, recovery, min_length=min_length, by_password=by_password, by_passkey=by_passkey)
    _stop(blueprint, journey_pages, recovery)
    _asking(blueprint, journey_pages, asking)
    return blueprint


def landed_sheet(*purposes: LinkPurpose) -> str:
    """The token of the sheet presented in this browser. Raises LinkGone."""
    for purpose in purposes:
        token = landed_token(flask.request.cookies.get(cookies.LINK), purpose)
        if token is not None:
            return token
    raise LinkGone("no sheet was presented in this browser")


def _desk(blueprint: flask.Blueprint, journey_pages: JourneyPages, desk: SheetDesk) -> None:
    shell = journey_pages.shell

    @blueprint.get(HERE)
    def present() -> Response:
        return shell.page("signin/sheet.html", error=None, typed="")

    @blueprint.post(HERE)
    def redeem() -> Response:
        fields = shell.form("sheet")
        identifier = fields.get("identifier", "").strip()[:_LONGEST_TYPED]
        try:
            purpose, token = desk.redeem(identifier, fields.get("code", ""), journey_pages.context())
        except SheetRefused as refusal:
            error = shell.refusal_text(refusal)
            return shell.page("signin/sheet.html", status=RULE_REFUSED, error=error, typed=identifier)
        response = shell.see_other(ADDRESS if purpose is LinkPurpose.RECOVERY else "/activation")
        cookies.put(response, cookies.LINK, landing(purpose, token))
        return response


def _address(blueprint: flask.Blueprint, journey_pages: JourneyPages, desk: SheetDesk, address: SheetAddress) -> None:
    shell = journey_pages.shell

    def token() -> str:
        return landed_sheet(LinkPurpose.RECOVERY, LinkPurpose.ACTIVATION)

    def address_page(*, status: int = 200, error: str | None = None, typed: str = "") -> Response:
        link, account = desk.inspect(token())
        return shell.page(
            "signin/sheet_address.html",
            status=status,
            known=masked_email(account.email),
            may_replace=link.purpose is LinkPurpose.RECOVERY,
            typed=typed,
            over="said" in flask.request.args and error is None,
            error=error,
        )

    def code_page(change_id: str, *, status: int = 200, error: str | None = None) -> Response:
        change = address.waiting(token(), change_id)
        return shell.page(
            "signin/sheet_code.html", status=status, change=change, shown=masked_email(change.value), error=error
        )

    @blueprint.get(ADDRESS)
    def show_address() -> Response:
        return address_page()

    @blueprint.post(ADDRESS)
    def send_code() -> Response:
        fields = shell.form("sheet-address")
        typed = fields.get("address", "")[:_LONGEST_TYPED]
        try:
            change = address.ask(token(), typed, journey_pages.context())
        except AddressUnreadable as refusal:
            return address_page(status=RULE_REFUSED, error=shell.refusal_text(refusal), typed=typed)
        return shell.see_other(f"{HERE}/code/{change.id}")

    @blueprint.get(f"{HERE}/code/<change_id>")
    def show_code(change_id: str) -> Response:
        return code_page(change_id)

    @blueprint.post(f"{HERE}/code/<change_id>")
    def give_code(change_id: str) -> Response:
        fields = shell.form(f"sheet-code:{change_id}")
        try:
            address.confirm(token(), change_id, fields.get("code", "")[:40], journey_pages.context())
        except CodeRefused as refusal:
            return code_page(change_id, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        except AddressTaken as refusal:
            return address_page(status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.see_other(RECOVERY if desk.inspect(token())[0].purpose is LinkPurpose.RECOVERY else "/activation")


def _recovery(
    blueprint: flask.Blueprint,
    journey_pages: JourneyPages,
    recovery: OwnRecovery,
    *,
    min_length: int,
    by_password: bool,
    by_passkey: bool,
) -> None:
    shell = journey_pages.shell

    def form_page(*, status: int = 200, error: str | None = None) -> Response:
        _, account = recovery.inspect(landed_sheet(LinkPurpose.RECOVERY))
        return shell.page(
            "signin/recovery.html",
            status=status,
            username=account.username,
            min_length=min_length,
            by_password=by_password,
            by_passkey=by_passkey,
            error=error,
        )

    @blueprint.get(RECOVERY)
    def show() -> Response:
        if "done" in flask.request.args:
            return shell.message("sheet.recovered", way_out=("/signin", "home.signin"))
        return form_page()

    if by_passkey:

        @blueprint.get(f"{RECOVERY}/passkey")
        def passkey() -> Response:
            recovery.inspect(landed_sheet(LinkPurpose.RECOVERY))
            return shell.page(
                "signin/passkey_activation.html",
                address=f"{RECOVERY}/passkey",
                form_purpose=RECOVERY_TOKEN,
                back=RECOVERY,
                recovering=True,
            )

    if not by_password:
        return

    @blueprint.post(RECOVERY)
    def set_password() -> Response:
        fields = shell.form("recovery")
        password = fields.get("new_password", "")
        if password != fields.get("again", ""):
            return form_page(status=RULE_REFUSED, error=shell.translations.say(shell.language(), "password.mismatch"))
        try:
            recovery.set_password(landed_sheet(LinkPurpose.RECOVERY), password, journey_pages.context())
        except PasswordTooWeak as refusal:
            return form_page(status=RULE_REFUSED, error=shell.refusal_text(refusal))
        except AddressTaken as refusal:
            return form_page(status=RULE_REFUSED, error=shell.refusal_text(refusal))
        response = shell.see_other(f"{RECOVERY}?done")
        cookies.forget(response, cookies.LINK)
        return response


def _stop(blueprint: flask.Blueprint, journey_pages: JourneyPages, recovery: OwnRecovery) -> None:
    shell = journey_pages.shell
    purpose = LinkPurpose.STOP_RECOVERY

    def token() -> str | None:
        return landed_token(flask.request.cookies.get(cookies.LINK), purpose)

    def over() -> Response:
        response = shell.message("sheet.stop_gone", status=410)
        cookies.forget(response, cookies.LINK)
        return response

    @blueprint.get(f"/{purpose.value}/<unverified_token>")
    def land(unverified_token: str) -> Response:
        response = shell.see_other(f"/{purpose.value}")
        if TOKEN.fullmatch(unverified_token):
            cookies.put(response, cookies.LINK, landing(purpose, unverified_token))
        else:
            cookies.forget(response, cookies.LINK)
        return response

    @blueprint.get(f"/{purpose.value}")
    def ask_stop() -> Response:
        if "done" in flask.request.args:
            return shell.message("sheet.stopped", way_out=("/signin", "home.signin"))
        try:
            return shell.page("signin/stop_recovery.html", recovery=recovery.to_stop(token() or ""))
        except LinkGone:
            return over()

    @blueprint.post(f"/{purpose.value}")
    def stop() -> Response:
        shell.form(purpose.value)
        try:
            recovery.stop(token() or "", journey_pages.context())
        except LinkGone:
            return over()
        response = shell.see_other(f"/{purpose.value}?done")
        cookies.forget(response, cookies.LINK)
        return response


def _asking(blueprint: flask.Blueprint, journey_pages: JourneyPages, asking: AskingAgain) -> None:
    shell = journey_pages.shell

    @blueprint.get(ASK)
    def show_asking() -> Response:
        if "sent" in flask.request.args:
            return shell.message("sheet.asked", way_out=("/signin", "home.signin"))
        return shell.page("signin/ask_access.html", error=None)

    @blueprint.post(ASK)
    def ask_again() -> Response:
        identifier = shell.form("ask-access").get("identifier", "").strip()[:_LONGEST_TYPED]
        if not identifier:
            error = shell.translations.say(shell.language(), "forgotten.missing")
            return shell.page("signin/ask_access.html", status=RULE_REFUSED, error=error)
        asking.ask(identifier, journey_pages.context())
        return shell.see_other(f"{ASK}?sent")
