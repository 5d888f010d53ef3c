"""/compte: who the person is, the identifier to copy for the e-CPS, how they signed in last, until when they are and where, the
way out, and the way to everything else (R003-13, SES-13). Whoever is signed in and opens our address comes here."""

from collections.abc import Callable

import flask
from werkzeug.wrappers import Response

from gateway.accounts.account import Account
from gateway.my_account.pages import ROOT, AccountPages
from gateway.signin.linking.unlink import LinkedIdentities


def pages(
    account_pages: AccountPages,
    identities: LinkedIdentities,
    rooms: list[str],
    leads: Callable[[Account, float], object],
) -> flask.Blueprint:
    """`rooms`: the addresses under /compte that this deployment has, in their order. `leads`: whether the person is a
    référent of some structure now."""
    blueprint = account_pages.blueprint("overview")

    @blueprint.get(ROOT)
    def overview() -> Response:
        session, account = account_pages.visitor(ROOT)
        return account_pages.page(
            "overview.html",
            account=account,
            national_id=_national_id(account, identities),
            before=account_pages.signin_before(session),
            session=session,
            applications=account_pages.names_of(session.clients),
            rooms=rooms,
            leads=bool(leads(account, account_pages.now())),
        )

    return blueprint


def _national_id(account: Account, identities: LinkedIdentities) -> str | None:
    """What the e-CPS application asks for: as a means proved it, or made of the RPPS (`8` and its eleven digits)."""
    proved = [link.national_id for link in identities.of(account.id) if link.national_id]
    if proved:
        return proved[-1]
    return f"8{account.rpps}" if account.rpps else None
