"""/compte/sessions and /compte/applications: what is open in the person's name, where, and ending it (SES-09, OID-17).

Ending is never refused for want of a fresh proof: it gives nothing, and whoever is robbed must be able to do it at once.
"""

import flask
from werkzeug.wrappers import Response

from gateway.applications.ports import Clients
from gateway.my_account.pages import ROOT, AccountPages
from gateway.signin.gate import Gate
from gateway.signin.own_devices import OwnDevices
from gateway.signin.own_sessions import OwnSessions
from gateway.signin.session import Session

SESSIONS = f"{ROOT}/sessions"
DEVICES = f"{ROOT}/appareils"
APPLICATIONS = f"{ROOT}/applications"
_LONGEST = 200


def pages(
    account_pages: AccountPages, sessions: OwnSessions, devices: OwnDevices, gate: Gate, clients: Clients
) -> flask.Blueprint:
    blueprint = account_pages.blueprint("sessions")
    _sessions(blueprint, account_pages, sessions, devices)
    _devices(blueprint, account_pages, devices)
    _applications(blueprint, account_pages, gate, clients)
    return blueprint


def _sessions(
    blueprint: flask.Blueprint, account_pages: AccountPages, sessions: OwnSessions, devices: OwnDevices
) -> None:
    shell = account_pages.shell

    @blueprint.get(SESSIONS)
    def overview() -> Response:
        session, account = account_pages.visitor(SESSIONS)
        return account_pages.page(
            "sessions.html",
            sessions=[(one, account_pages.names_of(one.clients)) for one in sessions.seen_from(session)],
            devices=devices.of(account.id),
            said=account_pages.said("my_account.said"),
        )

    @blueprint.post(f"{SESSIONS}/fin")
    def end() -> Response:
        fields = shell.form("session-end")
        session, _ = account_pages.visitor(SESSIONS)
        ended = sessions.end(session, fields.get("session", "")[:_LONGEST], account_pages.context())
        return shell.see_other(f"{SESSIONS}?said={'session_ended' if ended else 'session_gone'}")

    @blueprint.post(f"{SESSIONS}/autres")
    def end_others() -> Response:
        shell.form("sessions-others")
        session, _ = account_pages.visitor(SESSIONS)
        sessions.end_others(session, account_pages.context())
        return shell.see_other(f"{SESSIONS}?said=sessions_ended")


def _devices(blueprint: flask.Blueprint, account_pages: AccountPages, devices: OwnDevices) -> None:
    shell = account_pages.shell

    @blueprint.get(f"{DEVICES}/<device_id>")
    def one_device(device_id: str) -> Response:
        _, account = account_pages.visitor(SESSIONS)
        found = [one for one in devices.of(account.id) if one.id == device_id]
        if not found:
            return shell.see_other(f"{SESSIONS}?said=device_gone")
        return account_pages.page("device.html", device=found[0])

    @blueprint.post(f"{DEVICES}/<device_id>/nom")
    def rename(device_id: str) -> Response:
        fields = shell.form(f"device-name:{device_id}")
        _, account = account_pages.visitor(SESSIONS)
        renamed = devices.rename(account.id, device_id, fields.get("label", ""), account_pages.context())
        return shell.see_other(f"{SESSIONS}?said={'device_renamed' if renamed else 'device_gone'}")

    @blueprint.post(f"{DEVICES}/<device_id>/retrait")
    def revoke(device_id: str) -> Response:
        shell.form(f"device-remove:{device_id}")
        _, account = account_pages.visitor(SESSIONS)
        revoked = devices.revoke(account.id, device_id, account_pages.context())
        return shell.see_other(f"{SESSIONS}?said={'device_removed' if revoked else 'device_gone'}")


def _applications(blueprint: flask.Blueprint, account_pages: AccountPages, gate: Gate, clients: Clients) -> None:
    shell = account_pages.shell

    def received(session: Session, client_id: str) -> list[str]:
        """In the words of the consent page."""
        translations, language = shell.translations, shell.language()
        scopes = [one.removeprefix(f"{client_id} ") for one in session.received if one.startswith(f"{client_id} ")]
        keys = {scope: f"consent.scope_{scope}" for scope in scopes}
        return [translations.say(language, key) if translations.has(key) else scope for scope, key in keys.items()]

    @blueprint.get(APPLICATIONS)
    def applications() -> Response:
        session, _ = account_pages.visitor(APPLICATIONS)
        joined = []
        for client_id in session.clients:
            client = clients.find(client_id)
            name = account_pages.client_name(client) if client is not None else client_id
            agreed = any(one.startswith(f"{client_id} ") for one in session.agreed)
            joined.append((client_id, name, received(session, client_id), agreed))
        joined.sort(key=lambda one: one[1])
        said = account_pages.said("my_account.said")
        return account_pages.page("applications.html", applications=joined, said=said)

    @blueprint.post(f"{APPLICATIONS}/retrait")
    def withdraw() -> Response:
        fields = shell.form("application-withdraw")
        session, _ = account_pages.visitor(APPLICATIONS)
        done = gate.withdraw(session, fields.get("application", "")[:_LONGEST], account_pages.context())
        return shell.see_other(f"{APPLICATIONS}?said={'application_withdrawn' if done else 'application_gone'}")
