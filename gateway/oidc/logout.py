"""What a logout request may do (OpenID Connect RP-Initiated Logout 1.0; SES-06, WEB-04).

An ID token of ours, even expired, whose `sid` is this browser's session, ends that session at once. So it does where no
session is presented: an application's server may call by itself, or the browser have lost its cookie. Anything less asks the
person. The way back is an address that the identified client registered, to the letter; a client is identified by a valid
hint, or by `client_id`, which then also needs the person's confirmation.
"""

from dataclasses import dataclass

from gateway.applications.client import Client
from gateway.applications.ports import Clients
from gateway.keys.signer import Signer, TokenRefused
from gateway.oidc.authorization_request import ID_TOKEN_TYP, LIMITS
from gateway.oidc.parameters import UnverifiedParameters
from gateway.oidc.redirect_uri import is_registered, with_answer
from gateway.oidc.subjects import Subjects
from gateway.refusal import Refusal
from gateway.signin.session import Session


class UnusableLogout(Refusal):
    """A page of ours says so; nothing ends and nobody is sent anywhere."""

    code = "unusable_logout_request"
    text = "oidc.unusable_request"


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """`sid` and `sub` are those of a valid hint. `way_back` is registered, with `state` added; None: a page of ours."""

    client: Client | None
    way_back: str | None
    sid: str | None = None
    sub: str | None = None

    def has_hint(self) -> bool:
        return self.sid is not None

    def account_id(self) -> str | None:
        """Whose session a valid hint names; None where its sector hides it."""
        return self.sub if self.client is not None and self.client.sector is None else None

    def is_about(self, session: Session, subjects: Subjects) -> bool:
        """Whether the hint proves that the application speaks of this very session."""
        if self.client is None or self.sid is None:
            return False
        sector = self.client.sector
        return (self.sid, self.sub) == (
            subjects.sid(session.sid, sector),
            subjects.sub(session.account_id, sector),
        )


def read_logout_request(
    unverified: UnverifiedParameters, *, clients: Clients, signer: Signer, issuer: str, now: float
) -> LogoutRequest:
    """Raises UnusableLogout."""
    if unverified.repeated:
        raise UnusableLogout("a parameter more than once")
    if len(unverified.get("state", "")) > LIMITS["state"]:
        raise UnusableLogout("state is too long")
    client_id, sid, sub = unverified.get("client_id"), None, None
    hint = _hint(unverified.get("id_token_hint"), signer, issuer, now)
    if hint is not None:
        audience, sid, sub = hint
        if client_id not in {None, audience}:
            raise UnusableLogout("client_id is not the audience of id_token_hint")
        client_id = audience
    client = clients.find(client_id) if client_id is not None else None
    if client is None and client_id is not None:
        raise UnusableLogout("unknown client")
    return LogoutRequest(client, _way_back(unverified, client), sid, sub)


def _hint(unverified: str | None, signer: Signer, issuer: str, now: float) -> tuple[str, str, str] | None:
    """Audience, sid and sub; None when it is missing or not a token of ours (it may be older than our published keys)."""
    if unverified is None:
        return None
    signer.keep_fresh()
    try:
        claims = signer.verify(
            unverified,
            expected_typ=ID_TOKEN_TYP,
            expected_issuer=issuer,
            expected_audience=None,  # it says who the client is; compared with client_id by the caller
            now=now,
            accept_expired=True,
        )
    except TokenRefused:
        return None
    return str(claims["aud"]), str(claims.get("sid")), str(claims.get("sub"))


def _way_back(unverified: UnverifiedParameters, client: Client | None) -> str | None:
    """Without an identified client there is no list to compare with, so no way back, but a logout all the same."""
    uri = unverified.get("post_logout_redirect_uri")
    if uri is None or client is None:
        return None
    if not is_registered(uri, client.post_logout_redirect_uris):
        raise UnusableLogout("post_logout_redirect_uri is not registered")
    return with_answer(uri, {"state": unverified.get("state")})
