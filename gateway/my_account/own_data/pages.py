"""/compte/journal and /compte/donnees: twelve months of one's own journal in sentences, and a copy of one's data.

Both ask a fresh proof: they tell a thief much. A line is shown when there is a sentence for it; no line names anybody else,
and no copy holds a secret, a hash of one, or an address of the network.
"""

import json

import flask
from werkzeug.wrappers import Response

from gateway.accounts.account import Account
from gateway.accounts.identity_link import LinkState
from gateway.accounts.ports import IdentityLinks, TrustedDevices
from gateway.applications.ports import Clients
from gateway.habilitations.own_habilitations import OwnHabilitations
from gateway.journal.events import Event, Outcome
from gateway.journal.ports import OwnJournal
from gateway.my_account.pages import ROOT, AccountPages

JOURNAL = f"{ROOT}/journal"
DATA = f"{ROOT}/donnees"
_A_YEAR = 366 * 86_400
_LINES = 500
_TOLD = (
    "id", "username", "family_name", "given_name", "email", "email_verified_at", "email_changed_at", "recovery_email",
    "recovery_email_verified_at", "phone", "phone_verified_at", "code_channel", "rpps", "rpps_proof", "profession", "language",
    "created_at", "last_signin_at", "last_signin_acr", "is_administrator",
)  # fmt: skip


def pages(
    account_pages: AccountPages,
    *,
    journal: OwnJournal,
    clients: Clients,
    devices: TrustedDevices,
    identities: IdentityLinks,
    habilitations: OwnHabilitations,
) -> flask.Blueprint:
    blueprint = account_pages.blueprint("own_data")
    shell = account_pages.shell

    def lines(account: Account) -> list[Event]:
        return list(journal.about(account.id, since=account_pages.now() - _A_YEAR, limit=_LINES))

    def sentence(event: Event) -> str | None:
        key = f"journal.{event.name.replace('.', '_')}"
        key = f"{key}_refused" if event.outcome is not Outcome.SUCCESS else key
        return shell.translations.say(shell.language(), key) if shell.translations.has(key) else None

    def application(event: Event) -> str | None:
        client = clients.find(event.client) if event.client else None
        return account_pages.client_name(client) if client is not None else None

    @blueprint.get(JOURNAL)
    def show_journal() -> Response:
        account = account_pages.proved(JOURNAL)
        shown = [
            (event.at, said, application(event), event.details.get("place"))
            for event in lines(account)
            if (said := sentence(event)) is not None
        ]
        return account_pages.page("journal.html", lines=shown)

    @blueprint.get(DATA)
    def about_data() -> Response:
        account_pages.proved(DATA)
        return account_pages.page("own_data.html")

    @blueprint.post(DATA)
    def copy() -> Response:
        shell.form("own-data")
        account = account_pages.proved(DATA)
        now = account_pages.now()
        known = {
            "account": {name: getattr(account, name) for name in _TOLD},
            "trusted_devices": [
                {"label": one.label, "created_at": one.created_at, "last_used_at": one.last_used_at}
                for one in devices.of(account.id)
            ],
            "identities": [
                {
                    "kind": link.kind,
                    "national_id": link.national_id,
                    "created_at": link.created_at,
                    "last_used_at": link.last_used_at,
                    "active": link.state is LinkState.ACTIVE,
                }
                for link in identities.of(account.id)
            ],
            "habilitations": [
                {"role": one.role_label, "structure": one.structure, "start": str(one.start), "end": str(one.end)}
                for one in habilitations.of(account, now)
            ],
            "journal": [
                {"at": event.at, "what": event.name, "outcome": event.outcome, "application": event.client}
                for event in lines(account)
            ],
            "made_at": now,
        }
        response = Response(json.dumps(known, ensure_ascii=False, indent=2), content_type="application/json")
        response.headers["Content-Disposition"] = 'attachment; filename="mes-donnees.json"'
        return response

    return blueprint
