"""The pages of shared posts: saying that this one is, and "Vous êtes Nadia B. ?" before a session serves again there (SES-11).

"Ce n'est pas moi" is a sign-out: the session ends with everything it gave, its applications are told, and what was begun in
other tabs is out of reach; then the sign-in begins from nothing, for the same application.
"""

import flask
from werkzeug.wrappers import Response

from gateway.accounts.ports import Accounts
from gateway.signin.demands import usable
from gateway.signin.journey import Step
from gateway.signin.pages import HOME, JourneyPages
from gateway.signin.shared_post.post import SharedBy, may_be_marked_from
from gateway.signin.shared_post.same_person import short_name
from gateway.signin.transaction import SigninTransaction
from gateway.web import cookies


def pages(journey_pages: JourneyPages, accounts: Accounts, *, idle_seconds: int) -> flask.Blueprint:
    """`idle_seconds` is the idle limit of sessions on shared posts."""
    blueprint = journey_pages.blueprint("shared_post")
    shell, journey, gate = journey_pages.shell, journey_pages.journey, journey_pages.gate

    # ── is it shared? ──

    def post_page(txn: SigninTransaction | None = None) -> Response:
        context = journey_pages.context()
        way_back = HOME if txn is None else f"/signin/{txn.handle}"
        return shell.page(
            "signin/post.html",
            language_hint=txn.demand.ui_locale if txn is not None else None,
            shared=context.shared.value if context.shared is not None else None,
            place=context.place,
            idle_seconds=idle_seconds,
            way_back=way_back,
        )

    def marked(response: Response, by: SharedBy) -> Response:
        cookies.put(response, cookies.POST, by.value, seconds=cookies.LONG)
        return response

    @blueprint.get("/post")
    def post() -> Response:
        """`?shared` is the start page that an IT team gives to the browsers of its shared posts."""
        if "shared" in flask.request.args and may_be_marked_from(flask.request.headers.get("Sec-Fetch-Site")):
            return marked(shell.see_other(HOME), SharedBy.POLICY)
        return post_page()

    @blueprint.get("/signin/<handle>/post")
    def post_of(handle: str) -> Response:
        return post_page(journey_pages.found(handle))

    def chosen(fields: dict[str, str], way_back: str) -> Response:
        response = shell.see_other(way_back)
        if fields.get("shared") == "yes":
            mark = flask.request.cookies.get(cookies.POST)
            return marked(response, SharedBy.POLICY if mark == SharedBy.POLICY else SharedBy.CHOICE)
        if fields.get("shared") == "no":
            cookies.forget(response, cookies.POST)
        return response

    @blueprint.post("/post")
    def choose() -> Response:
        return chosen(shell.form("post"), "/post")

    @blueprint.post("/signin/<handle>/post")
    def choose_for(handle: str) -> Response:
        fields = shell.form("post")
        return chosen(fields, f"/signin/{journey_pages.found(handle).handle}")

    # ── is it you? ──

    def lender_lives(txn: SigninTransaction) -> bool:
        session = gate.find(journey_pages.session_cookie())
        return session is not None and journey.is_lent_by(txn, session.handle)

    def without_lender(txn: SigninTransaction) -> Response:
        """The session in question has ended: nobody is named, and whoever is signed in here now is asked."""
        context = journey_pages.context(txn.demand.ui_locale)
        session = gate.find(journey_pages.session_cookie(), context)
        again = journey.begin_again(txn, browser_cookie=shell.browser(), session=session, context=context)
        return journey_pages.onward(again)

    def not_me(txn: SigninTransaction) -> Response:
        session = gate.find(journey_pages.session_cookie())
        if session is not None and session.account_id != txn.account_id:
            return without_lender(txn)
        context = journey_pages.context(txn.demand.ui_locale)
        gate.end(journey_pages.session_cookie(), context, "another_person")
        blank = journey.begin_again(txn, browser_cookie=shell.another_browser(), session=None, context=context)
        return shell.signed_out(journey_pages.onward(blank))

    @blueprint.get("/signin/<handle>/same_person")
    def show(handle: str) -> Response:
        txn = journey_pages.at(handle, Step.SAME_PERSON)
        account = accounts.get(txn.account_id or "")
        if account is None or not usable(account) or not lender_lives(txn):
            return without_lender(txn)
        return journey_pages.page("signin/same_person.html", txn, person=short_name(account))

    @blueprint.post("/signin/<handle>/same_person")
    def answer(handle: str) -> Response:
        fields = shell.form(f"same_person:{handle}")
        txn = journey_pages.found(handle)
        if fields.get("answer") == "not_me" and txn.shared is not None and txn.session_digest is None:
            return not_me(txn)
        txn = journey_pages.at(handle, Step.SAME_PERSON)
        if fields.get("answer") != "me":
            return journey_pages.onward(txn)
        if not lender_lives(txn):
            return without_lender(txn)
        return journey_pages.onward(journey.confirm_person(txn, previous_session=journey_pages.session_cookie()))

    return blueprint
