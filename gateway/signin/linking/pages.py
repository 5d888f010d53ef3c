"""The pages of linking: an identity nobody here has, and its two ways on; proving it again; the confirmation; "it was not me";
in which situation the person acts.

What the confirmation names is bound into its form token (LNK-03): when anything of it changes, the form no longer counts and
is shown anew. The mail's link leaves the address bar at once, and looking consumes nothing.
"""

import flask
from werkzeug.wrappers import Response

from gateway.accounts.one_time_link import LinkPurpose
from gateway.signin.enrolment.access_link import LinkGone
from gateway.signin.enrolment.landed_link import TOKEN, landed_token, landing
from gateway.signin.journey import SituationNotTold, Step
from gateway.signin.linking.link import Linking, LinkRefused
from gateway.signin.linking.not_me import LinkDisputes
from gateway.signin.linking.pending import UPSTREAM, pending_activation, situations_of
from gateway.signin.pages import RULE_REFUSED, JourneyPages
from gateway.signin.transaction import SigninTransaction
from gateway.web import cookies
from gateway.web.translations import Translations


def profession_in(translations: Translations, language: str, code: str) -> str:
    """The profession of a code of the registry, or the code when we have no word for it."""
    key = f"profession.c{code}"
    return translations.say(language, key if translations.has(key) else "profession.other", code=code)


def pages(journey_pages: JourneyPages, linking: Linking) -> flask.Blueprint:
    blueprint = journey_pages.blueprint("linking")
    _choice(blueprint, journey_pages, linking)
    _confirmation(blueprint, journey_pages, linking)
    _situation(blueprint, journey_pages)
    return blueprint


def dispute_pages(journey_pages: JourneyPages, disputes: LinkDisputes) -> flask.Blueprint:
    """Where a mail's « Ce n'était pas moi » leads; open whatever means are switched on, since mails are already out."""
    blueprint = journey_pages.blueprint("link_disputes")
    _not_me(blueprint, journey_pages, disputes)
    return blueprint


def _choice(blueprint: flask.Blueprint, journey_pages: JourneyPages, linking: Linking) -> None:
    """An identity without an account, and its two ways on."""
    shell, journey = journey_pages.shell, journey_pages.journey

    def choice_page(txn: SigninTransaction, *, status: int = 200, error: str | None = None) -> Response:
        return journey_pages.page(
            "signin/link.html",
            txn,
            status=status,
            error=error,
            holder=linking.holder(txn),
            by_credentials=journey.links_by_credentials,
        )

    @blueprint.get("/signin/<handle>/link")
    def choice(handle: str) -> Response:
        return choice_page(journey_pages.at(handle, Step.LINK))

    @blueprint.post("/signin/<handle>/link")
    def choose(handle: str) -> Response:
        fields = shell.form(f"link:{handle}")
        txn = journey_pages.at(handle, Step.LINK)
        match fields.get("choice"):
            case "existing" if journey.links_by_credentials:
                return journey_pages.onward(linking.choose_existing(txn))
            case "none":
                return journey_pages.page("signin/no_account.html", txn, holder=linking.holder(txn))
        error = shell.translations.say(shell.language(txn.demand.ui_locale), "linking.choose")
        return choice_page(txn, status=RULE_REFUSED, error=error)

    @blueprint.get("/signin/<handle>/identity")
    def stale(handle: str) -> Response:
        txn = journey_pages.at(handle, Step.IDENTITY)
        return journey_pages.page("signin/identity_again.html", txn, kind=linking.holder(txn).kind.value)

    @blueprint.post("/signin/<handle>/link/give-up")
    def give_up(handle: str) -> Response:
        shell.form(f"give-up:{handle}")
        return journey_pages.onward(linking.give_up(journey_pages.found(handle)))


def _confirmation(blueprint: flask.Blueprint, journey_pages: JourneyPages, linking: Linking) -> None:
    shell = journey_pages.shell

    def confirmation_page(txn: SigninTransaction, *, status: int = 200) -> Response:
        return journey_pages.page("signin/confirm_link.html", txn, status=status, link=linking.preview(txn))

    @blueprint.get("/signin/<handle>/confirm_link")
    def confirmation(handle: str) -> Response:
        return confirmation_page(journey_pages.at(handle, Step.CONFIRM_LINK))

    @blueprint.post("/signin/<handle>/confirm_link")
    def confirm(handle: str) -> Response:
        txn = journey_pages.at(handle, Step.CONFIRM_LINK)
        shell.form(f"confirm-link:{handle}:{linking.preview(txn).binding}")
        context, activation = journey_pages.context(txn.demand.ui_locale), pending_activation(txn)
        try:
            return journey_pages.onward(linking.confirm(txn, context))
        except LinkRefused:
            return journey_pages.page(
                "signin/link_refused.html", txn, status=RULE_REFUSED, incident=context.request, activation=activation
            )
        except LinkGone:
            return shell.see_other("/activation")


def _situation(blueprint: flask.Blueprint, journey_pages: JourneyPages) -> None:
    """In which situation the person acts."""
    shell, journey = journey_pages.shell, journey_pages.journey

    @blueprint.get("/signin/<handle>/situation")
    def situation(handle: str) -> Response:
        return situation_page(journey_pages.at(handle, Step.SITUATION))

    def situation_page(txn: SigninTransaction, *, status: int = 200, error: str | None = None) -> Response:
        told = situations_of(txn.extra.get(UPSTREAM))
        language = shell.language(txn.demand.ui_locale)
        professions = [profession_in(shell.translations, language, one.profession) for one in told]
        return journey_pages.page(
            "signin/situation.html",
            txn,
            status=status,
            situations=list(zip(told, professions, strict=True)),
            person=journey.person(txn),
            error=error,
        )

    @blueprint.post("/signin/<handle>/situation")
    def choose_situation(handle: str) -> Response:
        fields = shell.form(f"situation:{handle}")
        txn = journey_pages.at(handle, Step.SITUATION)
        chosen = fields.get("situation", "")
        try:
            place = int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) <= 4 else -1
            return journey_pages.onward(journey.choose_situation(txn, place))
        except SituationNotTold as refusal:
            return situation_page(txn, status=RULE_REFUSED, error=shell.refusal_text(refusal, txn.demand.ui_locale))


def _not_me(blueprint: flask.Blueprint, journey_pages: JourneyPages, disputes: LinkDisputes) -> None:
    shell = journey_pages.shell

    def token() -> str:
        found = landed_token(flask.request.cookies.get(cookies.LINK), LinkPurpose.NOT_ME)
        if found is None:
            raise LinkGone("no link landed in this browser")
        return found

    @blueprint.errorhandler(LinkGone)
    def gone(_: LinkGone) -> Response:
        response = shell.message("link.gone_not_me", status=410)
        cookies.forget(response, cookies.LINK)
        return response

    @blueprint.get("/not_me/<unverified_token>")
    def land(unverified_token: str) -> Response:
        response = shell.see_other("/not_me")
        if TOKEN.fullmatch(unverified_token):
            cookies.put(response, cookies.LINK, landing(LinkPurpose.NOT_ME, unverified_token))
        else:
            cookies.forget(response, cookies.LINK)
        return response

    @blueprint.get("/not_me")
    def ask() -> Response:
        if "done" in flask.request.args:
            return shell.message("link.done_not_me")
        return shell.page("signin/not_me.html", link=disputes.inspect(token()))

    @blueprint.post("/not_me")
    def not_me() -> Response:
        shell.form("not_me")
        disputes.not_me(token(), journey_pages.context())
        response = shell.see_other("/not_me?done")
        cookies.forget(response, cookies.LINK)
        return response
