"""The end of a session: where the browser goes next, and the optional word to the client (back-channel logout).

Refuses a return address that is not declared, whoever asks (dossier §5 and S19).
"""

import logging
import threading
from collections.abc import Mapping
from urllib.parse import urlencode

import requests

from sandbox.psc.lies import Lie
from sandbox.psc.quirks import Quirk
from sandbox.psc.realm import Realm
from sandbox.psc.refusals import NoWayBack
from sandbox.psc.sessions import PscSession
from sandbox.psc.tokens import logout_token

_TIMEOUT_SECONDS = 5


def post_logout_address(realm: Realm, asked: Mapping[str, str], *, client_is_proven: bool) -> str | None:
    """None when nobody is to be gone back to. Raises NoWayBack."""
    uri = asked.get("post_logout_redirect_uri")
    if uri is None:
        return None
    client_is_ours = (
        asked.get("client_id", realm.client.client_id if client_is_proven else "") == realm.client.client_id
    )
    if not client_is_ours or uri not in realm.client.post_logout_redirect_uris:
        raise NoWayBack("L’adresse de retour après déconnexion n’est pas déclarée.")
    state = asked.get("state")
    if realm.conduct.lie is Lie.LOGOUT_STATE_CHANGED:
        state = "x" * 43
    if state is None or realm.conduct.quirk is Quirk.LOGOUT_WITHOUT_STATE:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode({'state': state})}"


def end_session(realm: Realm, session: PscSession) -> None:
    already, session.ended = session.ended, True
    uri = realm.client.backchannel_logout_uri
    if uri and not already:
        form = {"logout_token": logout_token(realm, session)}
        threading.Thread(target=_tell, args=(uri, form), name="psc-logout", daemon=True).start()


def _tell(uri: str, form: dict[str, str]) -> None:
    try:
        with requests.Session() as http:
            http.trust_env = False
            http.post(uri, data=form, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
    except (requests.RequestException, OSError) as failure:
        logging.getLogger(__name__).warning("the client did not hear the end of a session: %s", type(failure).__name__)
