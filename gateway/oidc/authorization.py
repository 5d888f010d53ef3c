"""From a validated authorization request to an answer: a code, an error, or the way to the sign-in pages.

A code is issued for a session that satisfies the demand at that very moment, whether it was there before or comes from the
journey: the journey's word is not taken, the session is judged again (LOA-04). `prompt=none` shows nothing and does not
count as use of the session (OID-14); a session on a shared post never serves without a page (SES-11), nor does any before a
consent that the request or the client's file wants (OID-17). Every answer carries `iss` (RFC 9207) and `state` as it came.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gateway.applications.client import Client, ResponseMode
from gateway.clock import Clock
from gateway.journal.effects import because
from gateway.journal.events import Event, Outcome
from gateway.journal.quota import LineQuota
from gateway.oidc.authorization_request import AuthorizationRequest, Draft, Rules, addressed, examine, identify
from gateway.oidc.claims import SCOPE_CLAIMS
from gateway.oidc.parameters import UnverifiedParameters
from gateway.oidc.policy import ProviderPolicy
from gateway.oidc.ports import (
    AuthorizationCode,
    AuthorizationCodes,
    Notes,
    People,
    PushedRequests,
    SessionGate,
    SigninJourney,
)
from gateway.oidc.presented_request import presented
from gateway.oidc.problems import RefusedRequest, UnusableRequest
from gateway.oidc.redirect_uri import is_redirect_uri_of, with_answer
from gateway.oidc.subjects import Subjects
from gateway.randomness import Randomness, digest, handle, partition_of
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.throttle import ip_block
from gateway.signin.transaction import Demand, SigninTransaction

RESUME = "/authorize/resume/"
SIGNIN = "/signin/"


@dataclass(frozen=True, slots=True)
class PostedAnswer:
    """An answer that a page of ours posts to the application (OAuth 2.0 Form Post Response Mode)."""

    client: Client
    redirect_uri: str
    fields: Mapping[str, str]


Answer = str | PostedAnswer
"""The address to send the browser to, or what it must post."""


class _StructureMustBeChosen(Exception):  # noqa: N818 -- a turn of the path, not a failure
    pass


class Authorization:
    def __init__(
        self,
        *,
        rules: Rules,
        gate: SessionGate,
        journey: SigninJourney,
        codes: AuthorizationCodes,
        pushed: PushedRequests,
        people: People,
        notes: Notes,
        policy: ProviderPolicy,
        subjects: Subjects,
        clock: Clock,
        randomness: Randomness,
        quota: LineQuota | None = None,
    ) -> None:
        self._quota = quota or LineQuota()
        self._rules = rules
        self._gate = gate
        self._journey = journey
        self._codes = codes
        self._pushed = pushed
        self._people = people
        self._notes = notes
        self._policy = policy
        self._subjects = subjects
        self._clock = clock
        self._randomness = randomness

    def begin(
        self,
        unverified: UnverifiedParameters,
        *,
        session_cookie: str | None,
        browser: Callable[[], str],
        context: RequestContext,
    ) -> Answer:
        """`browser` gives the pre-session cookie, made only when a journey opens. Raises UnusableRequest: nothing is sent
        anywhere."""
        now = self._clock.now()
        client = identify(unverified, self._rules.clients)
        try:
            came = presented(unverified, client, self._pushed, issuer=self._policy.issuer, now=now)
        except RefusedRequest as refusal:
            # What was to be asked is not known; the address beside it may still be a good one to say so.
            return self._refuse(client, addressed(unverified, client, now), refusal, context)
        request = addressed(came.parameters, client, now)
        try:
            draft = Draft(came.parameters, self._rules, client, request, pushed=came.pushed, signed=came.signed)
            request = examine(draft)
            look = self._gate.find if request.silent else self._gate.use
            session = look(session_cookie, context)
            if session is not None and not request.forced and self._may_serve(session, client, request):
                try:
                    return self._grant(client, request, session, None, context, may_ask=True)
                except _StructureMustBeChosen:
                    if request.silent:
                        raise RefusedRequest("interaction_required", "A structure must be chosen.") from None
            if request.silent:
                raise self._silent_refusal(session, client, request)
            return self._sign_in(client, request, session, browser(), context, hidden=came.hidden)
        except RefusedRequest as refusal:
            return self._refuse(client, request, refusal, context)

    def resume(
        self, txn_handle: str, *, session_cookie: str | None, browser_cookie: str | None, context: RequestContext
    ) -> Answer:
        """What the journey's end gives the application. Raises TransactionGone, or UnusableRequest when the registration
        changed."""
        session = self._gate.find(session_cookie, context)
        txn = self._journey.take(txn_handle, browser_cookie=browser_cookie, session=session, context=context)
        request = _from_continuation(txn.continuation)
        client = self._rules.clients.find(request.client_id)
        if client is None or not is_redirect_uri_of(client, request.redirect_uri):
            raise UnusableRequest("the registration changed during the journey")
        try:
            session = self._signed_in(txn, session, client, request)
            return self._grant(client, request, session, txn.chosen_structure, context, may_ask=False)
        except RefusedRequest as refusal:
            return self._refuse(client, request, refusal, context)

    def _signed_in(
        self, txn: SigninTransaction, session: Session | None, client: Client, request: AuthorizationRequest
    ) -> Session:
        """The session that the journey led to, judged again. Raises RefusedRequest."""
        if txn.refusal is not None:
            raise RefusedRequest(txn.refusal, "The sign-in did not reach its end.")
        if session is None:
            raise RefusedRequest("login_required", "The session has ended.")
        demand = _demand(client, request, agreed=txn.agreed_by == session.account_id)
        if not self._is_enough(session, client, request, demand):
            raise self._unmet(session, client, request, demand)
        return session

    def _may_serve(self, session: Session, client: Client, request: AuthorizationRequest) -> bool:
        """Whether the session serves without a page: on a shared post, never (SES-11); the journey asks whose it is."""
        return session.shared is None and self._is_enough(session, client, request, _demand(client, request))

    def _is_enough(self, session: Session, client: Client, request: AuthorizationRequest, demand: Demand) -> bool:
        """The gate's judgement, and the two floors that must hold whatever it says."""
        if not self._is_expected(session, client, request):
            return False
        if not self._gate.is_enough(session, demand):
            return False
        acr, satisfies = self._gate.assurance(session).acr, self._rules.scale.satisfies
        if client.min_acr is not None and not satisfies(acr, client.min_acr):
            return False
        return not request.acr_essential or any(satisfies(acr, value) for value in request.acr_values)

    def _is_expected(self, session: Session, client: Client, request: AuthorizationRequest) -> bool:
        """Whether the answer may be about this person, whom the client knows by her name in its sector."""
        if request.expected_sub is None:
            return True
        return request.expected_sub == self._subjects.sub(session.account_id, client.sector)

    def _is_stale(self, session: Session, request: AuthorizationRequest) -> bool:
        return request.fresh_since is not None and self._gate.assurance(session).auth_time < request.fresh_since

    def _lacks_consent_alone(self, session: Session, demand: Demand) -> bool:
        return bool(demand.consent) and self._gate.is_enough(session, replace(demand, consent=()))

    def _silent_refusal(self, session: Session | None, client: Client, request: AuthorizationRequest) -> RefusedRequest:
        if session is None or not self._is_expected(session, client, request):
            return RefusedRequest("login_required", "The person must sign in.")
        if request.forced or self._is_stale(session, request):
            return RefusedRequest("login_required", "The person must sign in again.")
        if session.shared is not None:
            return RefusedRequest("interaction_required", "The workstation is shared: the person must be asked.")
        if self._lacks_consent_alone(session, _demand(client, request)):
            return RefusedRequest("consent_required", "The person must be asked.")
        return RefusedRequest("interaction_required", "The session does not reach the demanded level.")

    def _unmet(self, session: Session, client: Client, request: AuthorizationRequest, demand: Demand) -> RefusedRequest:
        if not self._is_expected(session, client, request):
            return RefusedRequest("login_required", "Another person signed in.")
        if self._is_stale(session, request):
            return RefusedRequest("login_required", "The sign-in is too old.")
        if self._lacks_consent_alone(session, demand):
            return RefusedRequest("consent_required", "The person was not asked.")
        return RefusedRequest("unmet_authentication_requirements", "The demanded level was not reached.")

    def _sign_in(
        self,
        client: Client,
        request: AuthorizationRequest,
        session: Session | None,
        browser_cookie: str,
        context: RequestContext,
        *,
        hidden: bool,
    ) -> str:
        """A step-up starts from the session; a forced sign-in keeps the person's name only; a change of person nothing."""
        if session is not None:
            if request.other_account or not self._is_expected(session, client, request):
                session = None
            elif request.forced:
                session = replace(session, evidence=())
        continuation = {"resume": RESUME, "request": asdict(request)}
        demand = _demand(client, request)
        txn = self._journey.open(demand, continuation, browser_cookie=browser_cookie, session=session, context=context)
        # Pages speak the language that an address asked last: what came hidden from them is asked here.
        language = f"?ui_locales={request.ui_locale}" if hidden and request.ui_locale else ""
        return SIGNIN + txn.handle + language

    def _grant(
        self,
        client: Client,
        request: AuthorizationRequest,
        session: Session,
        chosen_structure: str | None,
        context: RequestContext,
        *,
        may_ask: bool,
    ) -> Answer:
        now = self._clock.now()
        assurance = self._gate.assurance(session)
        structure = self._structure(client, request, session, chosen_structure, may_ask=may_ask)
        partition = partition_of(session.account_id)
        code = AuthorizationCode(
            handle=handle(self._randomness, partition),
            grant_id=handle(self._randomness, partition),
            account_id=session.account_id,
            session_handle_digest=digest(session.handle),
            sid=session.sid,
            client_id=client.client_id,
            redirect_uri=request.redirect_uri,
            scope=request.scope,
            code_challenge=request.code_challenge,
            nonce=request.nonce,
            auth_time=assurance.auth_time,
            acr=assurance.acr,
            amr=assurance.amr,
            structure=structure,
            issued_at=now,
            expires_at=now + self._policy.code_ttl_seconds,
            session_ends_at=session.absolute_end,
            claims_request=_claims_request(request),
            dpop_jkt=request.dpop_jkt,
        )
        event = _event("authorization.granted", now, client, request, context)
        event = replace(
            event,
            actor=session.account_id,
            acr=assurance.acr,
            structure=structure,
            session=digest(session.handle),
            details={**event.details, "scope": " ".join(request.scope)},
        )
        # First: whatever takes the session over once the code is there then knows whom to tell of its end.
        self._gate.remember_client(session, client.client_id, structure, _what_it_learns(client, request))
        if not self._codes.issue(code, because(event)):
            raise RefusedRequest("login_required", "The session has just ended.")
        return self._answer(client, request, {"code": code.handle})

    def _structure(
        self,
        client: Client,
        request: AuthorizationRequest,
        session: Session,
        chosen: str | None,
        *,
        may_ask: bool,
    ) -> str | None:
        """The active structure: the one asked, the one just chosen, the last one, the only one (DECISIONS 10)."""
        if request.structure is None and "ror" not in request.scope:
            return None
        acr = self._gate.assurance(session).acr
        rights, *_ = self._people.rights(session.account_id, client.role_application, acr, self._clock.now())
        held = [structure.id for structure in rights]
        if request.structure is not None:
            if request.structure not in held:
                raise RefusedRequest("access_denied", "The person holds nothing in the requested structure.")
            return request.structure
        for candidate in (chosen, session.active_structure):
            if candidate in held:
                return candidate
        if len(held) > 1 and may_ask:
            raise _StructureMustBeChosen
        return held[0] if len(held) == 1 else None

    def _refuse(
        self, client: Client, request: AuthorizationRequest, refusal: RefusedRequest, context: RequestContext
    ) -> Answer:
        event = _event("authorization.refused", self._clock.now(), client, request, context)
        refused = replace(event, outcome=Outcome.REFUSED, reason=refusal.error)
        if (line := self._quota.within(refused, ip_block(context.ip))) is not None:
            self._notes.note(because(line))
        return self._answer(client, request, {"error": refusal.error, "error_description": refusal.description})

    def _answer(self, client: Client, request: AuthorizationRequest, answer: Mapping[str, str]) -> Answer:
        fields = {
            **answer,
            **({"state": request.state} if request.state is not None else {}),
            "iss": self._policy.issuer,
        }
        if request.response_mode == ResponseMode.FORM_POST:
            return PostedAnswer(client, request.redirect_uri, fields)
        return with_answer(request.redirect_uri, fields)


def _claims_request(request: AuthorizationRequest) -> Mapping[str, list[str]] | None:
    asked = {"id_token": list(request.id_token_claims), "userinfo": list(request.userinfo_claims)}
    return {place: names for place, names in asked.items() if names} or None


def _what_it_learns(client: Client, request: AuthorizationRequest) -> tuple[str, ...]:
    """In scopes, that a person may read: those asked, and those that the claims asked one by one belong to."""
    claims = {*request.id_token_claims, *request.userinfo_claims}
    of_claims = (scope for scope in sorted(client.scopes) if claims & set(SCOPE_CLAIMS.get(scope, ())))
    return tuple(dict.fromkeys((*request.scope, *of_claims)))


def _demand(client: Client, request: AuthorizationRequest, *, agreed: bool = False) -> Demand:
    """`agreed`: the person was asked in this very journey."""
    return Demand(
        consent=_what_it_learns(client, request) if client.consent or request.consent else (),
        consent_again=request.consent and not agreed,
        client_id=client.client_id,
        min_acr=client.min_acr,
        acr_values=request.acr_values,
        acr_essential=request.acr_essential,
        fresh_since=request.fresh_since,
        login_hint=request.login_hint,
        ui_locale=request.ui_locale,
        structure=request.structure,
        otp_interval_seconds=client.otp_interval_seconds,
    )


def _from_continuation(continuation: Mapping[str, Any]) -> AuthorizationRequest:
    """JSON has lists where the request has tuples. A transaction opened by another room has no request in it."""
    stored = continuation.get("request")
    if not isinstance(stored, Mapping):
        raise UnusableRequest("this journey was not opened by an application")
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    return AuthorizationRequest(**fields)


def _event(name: str, now: float, client: Client, request: AuthorizationRequest, context: RequestContext) -> Event:
    details: dict[str, str | int] = {}
    if request.silent or request.forced:
        details["prompt"] = "none" if request.silent else "login"
    if request.acr_values:
        details["acr_requested"] = " ".join(request.acr_values)
    return Event(
        name,
        Outcome.SUCCESS,
        now,
        client=client.client_id,
        ip=context.ip,
        user_agent=context.user_agent,
        request=context.request,
        details=details,
    )
