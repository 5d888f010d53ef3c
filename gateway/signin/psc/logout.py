"""Leaving Pro Santé Connect too: its end-session address, once our own session is dead (PSC-07, §5).

The way back is one of the declared addresses, exactly. Their answer may come without our `state`: that is tolerated (PSC-R23);
another state is not ours.
"""

import hmac
from urllib.parse import quote, urlencode

from gateway.signin.psc.environment import PscEnvironment


class UndeclaredPostLogoutUriError(ValueError):
    """A way back that was not declared to Pro Santé Connect; it would show people an error page."""


def end_session_address(
    environment: PscEnvironment, *, id_token: str, post_logout_redirect_uri: str, state: str
) -> str:
    """Where to send the browser. The local session has ended before: a failure over there keeps nothing alive here."""
    if post_logout_redirect_uri not in environment.post_logout_redirect_uris:
        raise UndeclaredPostLogoutUriError("post_logout_redirect_uris of the environment does not name it")
    parameters = {
        "id_token_hint": id_token,
        "post_logout_redirect_uri": post_logout_redirect_uri,
        "state": state,
    }
    separator = "&" if "?" in environment.end_session_endpoint else "?"
    return f"{environment.end_session_endpoint}{separator}{urlencode(parameters, quote_via=quote)}"


def is_our_return(unverified_state: str | None, *, expected_state: str) -> bool:
    """Whether this comes back from the logout that the browser's cookie remembers."""
    return unverified_state is None or hmac.compare_digest(unverified_state.encode(), expected_state.encode())
