"""/compte/identites: the card and the e-CPS that sign the person in, and switching one off, alone and at once (DECISIONS 6).

A change of what proves somebody asks a fresh proof. It ends every session, this one included. Refused when nothing else would
sign the person in any more.
"""

import flask
from werkzeug.wrappers import Response

from gateway.accounts.identity_link import LinkState
from gateway.my_account.pages import ROOT, AccountPages
from gateway.signin.linking.unlink import LinkedIdentities
from gateway.signin.pages import RULE_REFUSED

HERE = f"{ROOT}/identites"


def pages(account_pages: AccountPages, identities: LinkedIdentities) -> flask.Blueprint:
    blueprint = account_pages.blueprint("identities")
    shell = account_pages.shell

    def overview_page(account_id: str, *, status: int = 200, error: str | None = None) -> Response:
        links = [link for link in identities.of(account_id) if link.state is LinkState.ACTIVE]
        said = account_pages.said("my_account.said")
        now = account_pages.now()
        shown = [(link, link.is_frozen(now)) for link in links]
        return account_pages.page("identities.html", status=status, links=shown, said=said, error=error)

    @blueprint.get(HERE)
    def overview() -> Response:
        _, account = account_pages.visitor(HERE)
        return overview_page(account.id)

    @blueprint.get(f"{HERE}/<link_id>")
    def one_link(link_id: str) -> Response:
        account = account_pages.proved(f"{HERE}/{link_id}")
        found = [link for link in identities.of(account.id) if link.id == link_id and link.state is LinkState.ACTIVE]
        if not found:
            return shell.see_other(f"{HERE}?said=identity_gone")
        return account_pages.page("identity.html", link=found[0])

    @blueprint.post(f"{HERE}/<link_id>/retrait")
    def unlink(link_id: str) -> Response:
        shell.form(f"identity-remove:{link_id}")
        account = account_pages.proved(f"{HERE}/{link_id}")
        if identities.is_the_only_way_in(account, link_id):
            error = shell.translations.say(shell.language(), "my_account.identity_last")
            return overview_page(account.id, status=RULE_REFUSED, error=error)
        if not identities.unlink(account.id, link_id, account_pages.context()):
            return shell.see_other(f"{HERE}?said=identity_gone")
        return shell.message("my_account.unlinked", way_out=("/signin", "home.signin"))

    return blueprint
