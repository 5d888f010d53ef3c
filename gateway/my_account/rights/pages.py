"""/compte/habilitations: what the person holds, where and until when, and who to ask for more (R003-13, R003-14)."""

import flask
from werkzeug.wrappers import Response

from gateway.habilitations.own_habilitations import OwnHabilitations
from gateway.my_account.pages import ROOT, AccountPages

HERE = f"{ROOT}/habilitations"


def pages(account_pages: AccountPages, habilitations: OwnHabilitations) -> flask.Blueprint:
    blueprint = account_pages.blueprint("rights")

    @blueprint.get(HERE)
    def overview() -> Response:
        _, account = account_pages.visitor(HERE)
        now = account_pages.now()
        return account_pages.page(
            "habilitations.html",
            habilitations=habilitations.of(account, now),
            referents=habilitations.referents(account, now),
        )

    return blueprint
