"""The authorization request, from unverified parameters to a validated value (OpenID Connect Core §3.1.2.1, RFC 6749 §4.1.1).

CHECKS is the whole of it, in order, each a small function. Until client and redirect URI are known good a refusal is
`UnusableRequest` (a page of ours); from then on `RefusedRequest` (told to the application). Parameters can raise what the
person must prove, never what the answer says was proved (LOA-01). How they came here is `presented_request`'s matter.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from gateway.applications.client import Client, ClientAuthenticationMethod, ResponseMode
from gateway.applications.ports import Clients
from gateway.keys.signer import Signer, TokenRefused
from gateway.oidc.claims_request import ClaimsRequest, MalformedClaimsRequest, read_claims_request
from gateway.oidc.parameters import RESOURCE, UnverifiedParameters
from gateway.oidc.pkce import METHOD, is_challenge
from gateway.oidc.ports import AssuranceRanking
from gateway.oidc.problems import RefusedRequest, UnusableRequest
from gateway.oidc.redirect_uri import is_on_loopback, is_redirect_uri_of

ID_TOKEN_TYP = "JWT"
LIMITS = {
    "client_id": 128,
    "redirect_uri": 512,
    "state": 2048,
    "nonce": 512,
    "scope": 512,
    "prompt": 64,
    "max_age": 10,
    "acr_values": 512,
    "ui_locales": 128,
    "login_hint": 256,
    "id_token_hint": 16 * 1024,
    "structure": 128,
    "resource": 512,
    "dpop_jkt": 64,
}
"""Characters. What has another bound (`claims`, `code_challenge`) is judged where it is read."""
PARAMETERS = frozenset(LIMITS) | {
    "response_type", "response_mode", "code_challenge", "code_challenge_method", "claims", "display", "registration",
}  # fmt: skip
"""All that a request can say to us; what else is in it means nothing here (RFC 6749 §3.1)."""
LANGUAGES = ("fr", "en")
DISPLAYS = ("page", "popup", "touch")
"""One page serves them all: it is as wide as its window, and its controls are made for fingers too."""
ONE_RESOURCE = "A token is for one resource server, the one this client is registered for; another was asked for."
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")
_STRUCTURE = re.compile(r"[a-z]+:[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A validated request. `forced`: a proof given before `received_at` does not count; `fresh_since` is that instant, or
    the oldest that `max_age` allows. `expected_sub`: the only person the answer may be about."""

    client_id: str
    redirect_uri: str
    received_at: float
    response_mode: str = ResponseMode.QUERY
    state: str | None = None
    scope: tuple[str, ...] = ()
    code_challenge: str | None = None
    nonce: str | None = None
    silent: bool = False
    forced: bool = False
    other_account: bool = False
    consent: bool = False
    fresh_since: float | None = None
    acr_values: tuple[str, ...] = ()
    acr_essential: bool = False
    id_token_claims: tuple[str, ...] = ()
    userinfo_claims: tuple[str, ...] = ()
    expected_sub: str | None = None
    ui_locale: str | None = None
    login_hint: str | None = None
    structure: str | None = None
    dpop_jkt: str | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the checks compare with."""

    clients: Clients
    signer: Signer
    scale: AssuranceRanking
    issuer: str


@dataclass(slots=True)
class Draft:
    """A request under examination: what was sent, what is known of it so far. `pushed` (RFC 9126) and `signed` (RFC 9101)
    say how it came."""

    unverified: UnverifiedParameters
    rules: Rules
    client: Client
    request: AuthorizationRequest
    pushed: bool = False
    signed: bool = False

    def set(self, **known: Any) -> None:
        self.request = replace(self.request, **known)

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(self.unverified.get(name, "").split(" ")) if name in self.unverified else ()


def identify(unverified: UnverifiedParameters, clients: Clients) -> Client:
    """The client that the request names. Raises UnusableRequest."""
    if "client_id" in unverified.repeated:
        raise UnusableRequest("client_id more than once")
    client = clients.find(unverified.get("client_id", ""))
    if client is None:
        raise UnusableRequest("unknown client")
    return client


def addressed(unverified: UnverifiedParameters, client: Client, now: float) -> AuthorizationRequest:
    """The beginning of a request: the one place where answers may be sent, and how. Raises UnusableRequest."""
    if "redirect_uri" in unverified.repeated:
        raise UnusableRequest("redirect_uri more than once")
    redirect_uri = unverified.get("redirect_uri", "")
    if not is_redirect_uri_of(client, redirect_uri):
        raise UnusableRequest("redirect_uri is not registered")
    state = unverified.get("state")
    if state is not None and len(state) > LIMITS["state"]:
        state = None
    asked = unverified.get("response_mode", ResponseMode.QUERY)
    mode = asked if asked in client.response_modes else client.response_modes[0]
    return AuthorizationRequest(client.client_id, redirect_uri, now, ResponseMode(mode), state)


def examine(draft: Draft) -> AuthorizationRequest:
    """Runs every check in order. Raises RefusedRequest."""
    for check in CHECKS:
        check(draft)
    return draft.request


def _invalid(description: str) -> NoReturn:
    raise RefusedRequest("invalid_request", description)


def no_parameter_twice(draft: Draft) -> None:
    """But `resource`, which RFC 8707 §2 lets come several times."""
    if draft.unverified.repeated - RESOURCE:
        _invalid("A parameter is present more than once.")


def no_parameter_too_long(draft: Draft) -> None:
    if any(len(draft.unverified.get(name, "")) > limit for name, limit in LIMITS.items()):
        _invalid("A parameter is too long.")


def came_as_the_client_must_send_it(draft: Draft) -> None:
    """RFC 9126 §5, RFC 9101 §10.5: what its file demands of its requests."""
    if draft.client.require_pushed_authorization_requests and not draft.pushed:
        _invalid("This client must push its authorization requests.")
    if draft.client.require_signed_request_object and not draft.signed:
        _invalid("This client must sign its authorization requests.")


def no_registration(draft: Draft) -> None:
    if "registration" in draft.unverified:
        raise RefusedRequest("registration_not_supported", "Clients are registered beforehand.")


def response_type_is_code(draft: Draft) -> None:
    if "response_type" not in draft.unverified:
        _invalid("response_type is missing.")
    if draft.unverified["response_type"] != "code":
        raise RefusedRequest("unsupported_response_type", "Only response_type=code is supported.")


def response_mode_is_the_clients_own(draft: Draft) -> None:
    """Never `fragment`: it is for flows that do not exist here."""
    if draft.unverified.get("response_mode", ResponseMode.QUERY) not in draft.client.response_modes:
        _invalid("The response_mode is not one of this client.")


def scope_is_the_clients_own(draft: Draft) -> None:
    """Unknown scopes and those of other clients are refused, not dropped (OID-10)."""
    scope = tuple(dict.fromkeys(draft.words("scope")))
    if "openid" not in scope:
        raise RefusedRequest("invalid_scope", "The scope openid is missing.")
    if not set(scope) <= draft.client.scopes | {"openid"}:
        raise RefusedRequest("invalid_scope", "A scope is not allowed to this client.")
    draft.set(scope=scope)


def challenge_is_s256(draft: Draft) -> None:
    challenge, method = draft.unverified.get("code_challenge"), draft.unverified.get("code_challenge_method")
    if challenge is None and method is None and may_omit_pkce(draft.client):
        return
    if challenge is None:
        _invalid("code_challenge is missing.")
    if method != METHOD:
        _invalid("code_challenge_method must be S256.")
    if not is_challenge(challenge):
        _invalid("code_challenge is malformed.")
    draft.set(code_challenge=challenge)


def may_omit_pkce(client: Client) -> bool:
    return (
        client.legacy_no_pkce_reason is not None and client.authentication_method is not ClientAuthenticationMethod.NONE
    )


def nonce_is_kept(draft: Draft) -> None:
    draft.set(nonce=draft.unverified.get("nonce"))


def prompt_is_understood(draft: Draft) -> None:
    """`select_account` is a sign-in from nothing: its page is where a person says who they are."""
    prompt = set(draft.words("prompt"))
    if not prompt <= {"none", "login", "consent", "select_account"}:
        _invalid("A prompt value is not supported.")
    if "none" in prompt and len(prompt) > 1:
        _invalid("prompt=none stands alone.")
    forced = bool(prompt & {"login", "select_account"})
    draft.set(
        silent="none" in prompt,
        forced=forced,
        other_account="select_account" in prompt,
        consent="consent" in prompt,
        fresh_since=draft.request.received_at if forced else None,
    )


def an_answer_to_a_port_is_agreed_to(draft: Draft) -> None:
    """RFC 8252 §8.6: any program of the computer may listen there and say that it is this client, so nothing is given
    before the person has said that she is signing in to it."""
    if is_on_loopback(draft.client, draft.request.redirect_uri):
        draft.set(consent=True)


def max_age_is_a_number(draft: Draft) -> None:
    """`max_age=0` means the same as `prompt=login` (Core §3.1.2.1). The client's file may set one, which a request shortens."""
    written, declared = draft.unverified.get("max_age"), draft.client.max_authentication_age_seconds
    if written is not None and not (written.isascii() and written.isdigit()):
        _invalid("max_age is not a number of seconds.")
    ages = [age for age in (declared, None if written is None else int(written)) if age is not None]
    if not ages:
        return
    oldest = draft.request.received_at - min(ages)
    draft.set(
        fresh_since=max(oldest, draft.request.fresh_since or 0.0),
        forced=draft.request.forced or min(ages) == 0,
    )


def claims_are_read(draft: Draft) -> None:
    try:
        asked = read_claims_request(draft.unverified["claims"]) if "claims" in draft.unverified else ClaimsRequest()
    except MalformedClaimsRequest:
        _invalid("The claims parameter is malformed.")
    draft.set(
        id_token_claims=asked.id_token,
        userinfo_claims=asked.userinfo,
        acr_values=asked.acr_values,
        acr_essential=asked.acr_essential and bool(asked.acr_values),
        expected_sub=asked.sub,
    )


def acr_is_attainable(draft: Draft) -> None:
    """An essential level that nobody here can reach is an error at once; a preference for one is no demand (LOA-04).
    Values of an essential claim outrank `acr_values`, which are preferences."""
    asked = draft.request.acr_values or tuple(value for value in draft.words("acr_values") if value)
    known = tuple(value for value in asked if draft.rules.scale.known(value))
    if draft.request.acr_essential and not known:
        raise RefusedRequest("unmet_authentication_requirements", "The demanded acr is unknown.")
    draft.set(acr_values=known)


def display_is_known(draft: Draft) -> None:
    if draft.unverified.get("display", DISPLAYS[0]) not in DISPLAYS:
        _invalid("The display is not supported.")


def ui_locale_is_ours(draft: Draft) -> None:
    wished = (locale.split("-")[0].lower() for locale in draft.words("ui_locales"))
    draft.set(ui_locale=next((language for language in wished if language in LANGUAGES), None))


def login_hint_is_text(draft: Draft) -> None:
    """Untrusted: at most shown in a form field, for the person to correct (OID-14)."""
    hint = draft.unverified.get("login_hint", "")
    draft.set(login_hint=hint if hint and hint.isprintable() else None)


def id_token_hint_is_ours(draft: Draft) -> None:
    hint = draft.unverified.get("id_token_hint")
    if hint is None:
        return
    draft.rules.signer.keep_fresh()
    try:
        claims = draft.rules.signer.verify(
            hint,
            expected_typ=ID_TOKEN_TYP,
            expected_issuer=draft.rules.issuer,
            expected_audience=draft.client.client_id,
            now=draft.request.received_at,
            accept_expired=True,
        )
    except TokenRefused:
        _invalid("id_token_hint is not an ID token of ours for this client.")
    subject = str(claims.get("sub"))
    if draft.request.expected_sub not in {None, subject}:
        _invalid("id_token_hint and the claims parameter name different people.")
    draft.set(expected_sub=subject)


def structure_is_an_identifier(draft: Draft) -> None:
    """Whether the person holds something there is judged once we know who it is."""
    structure = draft.unverified.get("structure")
    if structure is not None and not _STRUCTURE.fullmatch(structure):
        _invalid("structure is malformed.")
    draft.set(structure=structure)


def resource_is_the_clients_own(draft: Draft) -> None:
    """RFC 8707 §2: asking for another resource server than the registered one, even beside it, is refused (TOK-04)."""
    if not set(draft.unverified.every("resource")) <= {draft.client.audience}:
        raise RefusedRequest("invalid_target", ONE_RESOURCE)


def dpop_jkt_is_a_thumbprint(draft: Draft) -> None:
    """RFC 9449 §10: the code will be for whoever holds this key."""
    thumbprint = draft.unverified.get("dpop_jkt")
    if thumbprint is not None and not _THUMBPRINT.fullmatch(thumbprint):
        _invalid("dpop_jkt is malformed.")
    draft.set(dpop_jkt=thumbprint)


CHECKS: Sequence[Callable[[Draft], None]] = (
    no_parameter_twice,
    no_parameter_too_long,
    came_as_the_client_must_send_it,
    no_registration,
    response_type_is_code,
    response_mode_is_the_clients_own,
    scope_is_the_clients_own,
    challenge_is_s256,
    nonce_is_kept,
    prompt_is_understood,
    an_answer_to_a_port_is_agreed_to,
    max_age_is_a_number,
    claims_are_read,
    acr_is_attainable,
    display_is_known,
    ui_locale_is_ours,
    login_hint_is_text,
    id_token_hint_is_ours,
    structure_is_an_identifier,
    resource_is_the_clients_own,
    dpop_jkt_is_a_thumbprint,
)
