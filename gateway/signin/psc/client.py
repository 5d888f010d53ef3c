"""The calls to Pro Santé Connect, on Authlib's client without framework; the only module that knows Authlib (LIB-02, PSC-08).

Calls go to the issuer's own host and nowhere else: no redirect, no proxy from the environment, TLS verified, answers bounded
in size and time. Authlib sends the code and authenticates us; what comes back is judged by our own rules (§7.4), and none of
it reaches a log.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session

from gateway.clock import Clock
from gateway.settings import ConfigurationError
from gateway.signin.psc.bounded_answer import BoundedAdapter
from gateway.signin.psc.breaker import CircuitBreaker
from gateway.signin.psc.environment import PscEnvironment, origin
from gateway.signin.psc.json_object import MalformedObject, read_object
from gateway.signin.psc.ports import UnverifiedTokens, UnverifiedUserinfo
from gateway.signin.psc.refusals import PscRefused, PscUnavailable

TOKEN_ERRORS = frozenset(
    {"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type"}
)
Answer = TypeVar("Answer")
_log = logging.getLogger(__name__)

# The one writes PKCE verifiers at DEBUG, the other the pieces of an answer it cannot parse: their lines go nowhere, whatever
# level an administrator sets.
for _talkative in ("authlib", "urllib3.connection"):
    logging.getLogger(_talkative).addHandler(logging.NullHandler())
    logging.getLogger(_talkative).propagate = False


class PscClient:
    """The PscProvider port. `client_secret` is asked at each use; `ca_file` for an authority that the system does not know."""

    def __init__(
        self,
        environment: PscEnvironment,
        *,
        client_secret: Callable[[], str],
        clock: Clock,
        ca_file: Path | None = None,
    ) -> None:
        self._environment = environment
        self._client_secret = client_secret
        self._breaker = CircuitBreaker(clock)
        self._verify: bool | str = True if ca_file is None else str(ca_file)
        limits = environment.limits
        self._timeout = (limits.connect_seconds, limits.answer_seconds)
        self._adapters = {
            size: BoundedAdapter(size, limits.answer_seconds)
            for size in (limits.token_answer, limits.userinfo, limits.keys)
        }

    def redeem(self, code: str, code_verifier: str) -> UnverifiedTokens:
        environment, secret = self._environment, self._secret()
        answers: list[requests.Response] = []

        def judged(answer: requests.Response) -> requests.Response:
            _token_answer(answer)
            answers.append(answer)
            return answer

        def ask() -> Any:
            session = self._session(environment.limits.token_answer, secret)
            session.register_compliance_hook("access_token_response", judged)
            return session.fetch_token(
                environment.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=code_verifier,
                redirect_uri=environment.redirect_uri,
                allow_redirects=False,
            )

        self._called(ask)
        return _tokens(answers[0].content)

    def _secret(self) -> str:
        """A secret that was spoilt since the start is for the administrators' log; people are offered another way in."""
        try:
            return self._client_secret()
        except ConfigurationError as error:
            _log.error("Pro Santé Connect: our secret cannot be used: %s", error)
            raise PscUnavailable("client secret: cannot be used") from None

    def userinfo(self, access_token: str) -> UnverifiedUserinfo:
        """By a plain request: Authlib takes a token of two minutes for nearly dead and would refresh it (§7.4)."""
        answer = self._get(
            self._environment.userinfo_endpoint,
            self._environment.limits.userinfo,
            {"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
        )
        if answer.status_code != requests.codes.ok:
            raise PscRefused(f"userinfo: status {answer.status_code}")
        return UnverifiedUserinfo(answer.headers.get("Content-Type", ""), answer.content)

    def keys(self) -> bytes:
        return self._document(self._environment.jwks_uri, "keys")

    def metadata(self) -> bytes:
        """How the provider describes itself: for comparison only (PSC-02)."""
        if self._environment.metadata_address is None:
            raise PscUnavailable("metadata: no address is declared")
        return self._document(self._environment.metadata_address, "metadata")

    def _document(self, address: str, what: str) -> bytes:
        answer = self._get(address, self._environment.limits.keys, {"Accept": "application/json"})
        if answer.status_code != requests.codes.ok:
            raise PscUnavailable(f"{what}: status {answer.status_code}")
        return bytes(answer.content)

    def _get(self, address: str, max_octets: int, headers: dict[str, str]) -> requests.Response:
        def ask() -> requests.Response:
            answer: requests.Response = self._session(max_octets).get(
                address, headers=headers, withhold_token=True, allow_redirects=False
            )
            if answer.status_code >= requests.codes.internal_server_error:
                raise PscUnavailable(f"provider: status {answer.status_code}")
            return answer

        return self._called(ask)

    def _called(self, ask: Callable[[], Answer]) -> Answer:
        def translated() -> Answer:
            try:
                return ask()
            except requests.RequestException as error:
                raise PscUnavailable(f"provider: {type(error).__name__}") from None
            except (AuthlibBaseError, ValueError, TypeError) as error:
                raise PscRefused(f"provider: unreadable answer ({type(error).__name__})") from None

        return self._breaker.call(translated)

    def _session(self, max_octets: int, client_secret: str | None = None) -> Any:
        """A session of its own for each call: it keeps tokens and cookies, and dies with them. Connections are shared."""
        session = OAuth2Session(
            client_id=self._environment.client_id,
            client_secret=client_secret,
            token_endpoint_auth_method=self._environment.authentication_method,
            default_timeout=self._timeout,
        )
        session.trust_env = False
        session.verify = self._verify
        session.adapters.clear()
        session.mount(f"{origin(self._environment.issuer)}/", self._adapters[max_octets])
        return session


def _token_answer(answer: requests.Response) -> None:
    """Before Authlib reads it: a redirect is no answer, an error is named only if we know its name."""
    status = answer.status_code
    if status >= requests.codes.internal_server_error or status == requests.codes.too_many_requests:
        raise PscUnavailable(f"token: status {status}")
    if status != requests.codes.ok:
        raise PscRefused(f"token: status {status}, {_error_name(answer.content)}")


def _error_name(unverified: bytes) -> str:
    try:
        error = read_object(unverified).get("error")
    except MalformedObject:
        return "no error"
    return error if isinstance(error, str) and error in TOKEN_ERRORS else "another error"


def _tokens(unverified: bytes) -> UnverifiedTokens:
    """Both tokens are needed: an answer without ID token proves nobody (§7.4)."""
    try:
        answer = read_object(unverified)
    except MalformedObject:
        raise PscRefused("token: malformed") from None
    if str(answer.get("token_type", "")).lower() != "bearer":
        raise PscRefused("token: token_type")
    id_token, access_token = answer.get("id_token"), answer.get("access_token")
    if not isinstance(id_token, str) or not id_token:
        raise PscRefused("token: no ID token")
    if not isinstance(access_token, str) or not access_token or not all("!" <= one <= "~" for one in access_token):
        raise PscRefused("token: access_token")
    return UnverifiedTokens(id_token, access_token)
