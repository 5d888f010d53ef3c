"""/compte/contacts: the address, the telephone, the recovery address, where codes go (OTP-13, R002-17…20, R000-13); and
/undo_contact, where the mail to the former address leads.

Every change asks a fresh proof first. The code of a new contact is asked of whoever began, in their session, without another
proof: the change itself makes the former ones old.
"""

from collections.abc import Sequence

import flask
from werkzeug.wrappers import Response

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.contact_change import Contact, ContactChange
from gateway.accounts.one_time_link import LinkPurpose
from gateway.my_account.pages import ROOT, AccountPages
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.enrolment.landed_link import TOKEN, landed_token, landing
from gateway.signin.one_time_code.signin import CodeDead, CodeRefused, ResendTooSoon
from gateway.signin.own_contacts import ContactRefused, OwnContacts, PhoneRefused
from gateway.signin.pages import RULE_REFUSED
from gateway.web import cookies

HERE = f"{ROOT}/contacts"
PROOF = f"{HERE}/verification"
_SLUGS = {"email": Contact.EMAIL, "telephone": Contact.PHONE, "secours": Contact.RECOVERY_EMAIL}
_LONGEST = 300


def pages(account_pages: AccountPages, contacts: OwnContacts, *, better: Sequence[str] = ()) -> flask.Blueprint:
    """`better`: the addresses under /compte of what is better than a code by SMS, said where a number is given (SMS-09)."""
    blueprint = account_pages.blueprint("contacts")
    _overview(blueprint, account_pages, contacts)
    _asking(blueprint, account_pages, contacts, better)
    _proving(blueprint, account_pages, contacts)
    _undoing(blueprint, account_pages, contacts)
    return blueprint


def _overview(blueprint: flask.Blueprint, account_pages: AccountPages, contacts: OwnContacts) -> None:
    shell = account_pages.shell

    def overview_page(account: Account, *, status: int = 200, error: str | None = None) -> Response:
        return account_pages.page(
            "contacts.html",
            status=status,
            account=account,
            sends_texts=contacts.sends_texts,
            said=account_pages.said("contacts.said") if error is None else None,
            error=error,
        )

    @blueprint.get(HERE)
    def overview() -> Response:
        return overview_page(account_pages.visitor(HERE)[1])

    @blueprint.post(f"{HERE}/canal")
    def choose_channel() -> Response:
        fields = shell.form("contact-channel")
        account = account_pages.proved(HERE)
        try:
            channel = CodeChannel.SMS if fields.get("channel") == CodeChannel.SMS else CodeChannel.EMAIL
            contacts.choose_channel(account, channel, account_pages.context())
        except ContactRefused as refusal:
            return overview_page(account, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.see_other(f"{HERE}?said=channel")


def _asking(
    blueprint: flask.Blueprint, account_pages: AccountPages, contacts: OwnContacts, better: Sequence[str]
) -> None:
    shell = account_pages.shell

    def known(slug: str) -> Contact:
        contact = _SLUGS.get(slug)
        if contact is None or (contact is Contact.PHONE and not contacts.sends_texts):
            flask.abort(404)
        return contact

    def form_page(
        slug: str, account: Account, *, status: int = 200, error: str | None = None, typed: str = ""
    ) -> Response:
        contact = known(slug)
        return account_pages.page(
            "contact.html",
            status=status,
            slug=slug,
            contact=contact.value,
            account=account,
            error=error,
            typed=typed,
            better=better,
        )

    @blueprint.get(f"{HERE}/<slug>")
    def form(slug: str) -> Response:
        known(slug)
        return form_page(slug, account_pages.proved(f"{HERE}/{slug}"))

    @blueprint.post(f"{HERE}/<slug>")
    def ask(slug: str) -> Response:
        fields = shell.form(f"contact:{slug}")
        contact = known(slug)
        account = account_pages.proved(f"{HERE}/{slug}")
        typed = fields.get("value", "")[:_LONGEST]
        try:
            change = contacts.ask(account, contact, typed, account_pages.context())
        except (ContactRefused, PhoneRefused) as refusal:
            return form_page(slug, account, status=RULE_REFUSED, error=shell.refusal_text(refusal), typed=typed)
        return shell.see_other(f"{PROOF}/{change.id}")

    @blueprint.post(f"{HERE}/<slug>/retrait")
    def forget(slug: str) -> Response:
        shell.form(f"contact-remove:{slug}")
        contact = known(slug)
        account = account_pages.proved(f"{HERE}/{slug}")
        if contact is Contact.EMAIL:
            flask.abort(404)
        try:
            contacts.forget(account, contact, account_pages.context())
        except ContactRefused as refusal:
            return form_page(slug, account, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.see_other(f"{HERE}?said=removed")


def _proving(blueprint: flask.Blueprint, account_pages: AccountPages, contacts: OwnContacts) -> None:
    shell = account_pages.shell

    def code_page(change: ContactChange, *, status: int = 200, error: str | None = None) -> Response:
        said = account_pages.said("contacts.said") if error is None else None
        return account_pages.page("contact_code.html", status=status, change=change, error=error, said=said)

    @blueprint.errorhandler(CodeDead)
    def over(_: CodeDead) -> Response:
        return shell.see_other(f"{HERE}?said=gone")

    @blueprint.get(f"{PROOF}/<change_id>")
    def show(change_id: str) -> Response:
        _, account = account_pages.visitor(HERE)
        return code_page(contacts.waiting(account, change_id))

    @blueprint.post(f"{PROOF}/<change_id>")
    def confirm(change_id: str) -> Response:
        fields = shell.form(f"contact-code:{change_id}")
        _, account = account_pages.visitor(HERE)
        change = contacts.waiting(account, change_id)
        try:
            contacts.confirm(account, change_id, fields.get("code", "")[:40], account_pages.context())
        except (CodeRefused, ContactRefused) as refusal:
            return code_page(change, status=RULE_REFUSED, error=shell.refusal_text(refusal))
        return shell.see_other(f"{HERE}?said=changed_{change.contact.value}")

    @blueprint.post(f"{PROOF}/<change_id>/renvoi")
    def resend(change_id: str) -> Response:
        shell.form(f"contact-resend:{change_id}")
        _, account = account_pages.visitor(HERE)
        try:
            contacts.resend(account, change_id, account_pages.context())
        except ResendTooSoon as refusal:
            return code_page(
                contacts.waiting(account, change_id), status=RULE_REFUSED, error=shell.refusal_text(refusal)
            )
        return shell.see_other(f"{PROOF}/{change_id}?said=resent")


def _undoing(blueprint: flask.Blueprint, account_pages: AccountPages, contacts: OwnContacts) -> None:
    """Open to whoever holds the link: the person may be out of their account. Looking consumes nothing."""
    shell = account_pages.shell
    purpose = LinkPurpose.UNDO_CONTACT

    def token() -> str:
        found = landed_token(flask.request.cookies.get(cookies.LINK), purpose)
        if found is None:
            raise LinkGone("no link landed in this browser")
        return found

    @blueprint.errorhandler(LinkGone)
    def gone(_: LinkGone) -> Response:
        response = shell.message("contacts.undo_gone", status=410)
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
    def ask_undo() -> Response:
        if "done" in flask.request.args:
            return shell.message("contacts.undone", way_out=("/signin", "home.signin"))
        return account_pages.page("contact_undo.html", change=contacts.inspect(token()), error=None)

    @blueprint.post(f"/{purpose.value}")
    def undo() -> Response:
        shell.form(purpose.value)
        try:
            contacts.undo(token(), account_pages.context())
        except ContactRefused as refusal:
            error = shell.refusal_text(refusal)
            return account_pages.page(
                "contact_undo.html", status=RULE_REFUSED, change=contacts.inspect(token()), error=error
            )
        response = shell.see_other(f"/{purpose.value}?done")
        cookies.forget(response, cookies.LINK)
        return response
