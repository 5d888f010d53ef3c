"""Records as the rooms make them, and what the spool then says. All times are near NOW, in whole seconds."""

from dataclasses import replace
from typing import Any

from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Event, Outcome
from gateway.journal.ports import Spool
from gateway.oidc.ports import AuthorizationCode, Grant, PushedRequest
from gateway.randomness import digest, handle, identifier, partition_of, system_randomness
from gateway.signin.evidence import Evidence, Means
from gateway.signin.ports import CodeChallenge
from gateway.signin.session import Session
from gateway.signin.transaction import Demand, SigninTransaction

NOW = 1_800_000_000.123457
MILLISECOND = 0.001


def an_account(partition: int | None = None) -> str:
    """An account's identifier; in this partition, if it matters."""
    while True:
        account_id = identifier(system_randomness)
        if partition is None or partition_of(account_id) == partition:
            return account_id


def a_handle(account_id: str | None = None) -> str:
    return handle(system_randomness, 7 if account_id is None else partition_of(account_id))


def a_throttle_key() -> str:
    return system_randomness(32).hex()


def because_of(reason: str, *, at: float = NOW) -> Effects:
    """One line, recognised by its reason."""
    return because(Event(name="admin.command", outcome=Outcome.SUCCESS, at=at, reason=reason))


def sending(number: int) -> Effects:
    return Effects(outgoing=(Outgoing("notice", {"account": "someone", "number": number}),))


def drained(spool: Spool, limit: int = 1000) -> list[str | None]:
    """The reasons of all lines that wait, which then wait no more."""
    reasons: list[str | None] = []
    while lines := spool.take_events(limit):
        reasons += [event.reason for _, event in lines]
        spool.drop_events([spool_id for spool_id, _ in lines])
    return reasons


def a_transaction(**changes: Any) -> SigninTransaction:
    return replace(
        SigninTransaction(
            handle=a_handle(),
            browser=digest("browser cookie"),
            demand=Demand(client_id="orientation", acr_values=("urn:passerelle:acr:pwd",), fresh_since=NOW - 0.5),
            continuation={"resume": "/authorize/resume/", "request": {"state": "é", "scope": ["openid"]}},
            opened_at=NOW,
            expires_at=NOW + 900,
            evidence=(Evidence(Means.PASSWORD, NOW),),
        ),
        **changes,
    )


def a_pushed_request(**changes: Any) -> PushedRequest:
    request = PushedRequest(
        handle=a_handle(),
        client_id="orientation",
        parameters=(("client_id", "orientation"), ("state", "état"), ("resource", "a"), ("resource", "b")),
        signed=True,
        pushed_at=NOW,
        expires_at=NOW + 90,
    )
    return replace(request, **changes)


def a_session(account_id: str | None = None, **changes: Any) -> Session:
    account_id = account_id or an_account()
    return replace(
        Session(
            handle=a_handle(account_id),
            sid=identifier(system_randomness),
            account_id=account_id,
            started_at=NOW,
            auth_time=NOW,
            last_used_at=NOW,
            absolute_end=NOW + 14_400,
            idle_seconds=1_800,
            evidence=(Evidence(Means.PASSWORD, NOW), Evidence(Means.EMAIL_CODE, NOW + 0.25)),
            clients=("orientation",),
            active_structure="990000002",
        ),
        **changes,
    )


def a_challenge(account_id: str | None = None, **changes: Any) -> CodeChallenge:
    account_id = account_id or an_account()
    return replace(
        CodeChallenge(
            id=a_handle(account_id),
            account_id=account_id,
            transaction=digest("transaction"),
            purpose="signin",
            channel="email",
            contact_version=3,
            client_id="orientation",
            mac=bytes(range(32)),
            send_number=1,
            sent_at=NOW,
            expires_at=NOW + 600,
            attempts_left=5,
        ),
        **changes,
    )


RIGHT_MAC = bytes(range(32))
WRONG_MAC = bytes(32)


def a_code(session: Session, **changes: Any) -> AuthorizationCode:
    return replace(
        AuthorizationCode(
            handle=a_handle(session.account_id),
            grant_id=a_handle(session.account_id),
            account_id=session.account_id,
            session_handle_digest=digest(session.handle),
            sid=session.sid,
            client_id="orientation",
            redirect_uri="http://127.0.0.5:8091/callback",
            scope=("openid", "profile"),
            code_challenge="challenge",
            nonce="nonce",
            auth_time=NOW,
            acr="urn:passerelle:acr:pwd-otp-mail",
            amr=("pwd", "otp"),
            structure=None,
            issued_at=NOW,
            expires_at=NOW + 60,
            claims_request={"userinfo": {"email": None}},
        ),
        **changes,
    )


def a_grant(code: AuthorizationCode, **changes: Any) -> Grant:
    return replace(
        Grant(
            id=code.grant_id,
            account_id=code.account_id,
            session_handle_digest=code.session_handle_digest,
            sid=code.sid,
            client_id=code.client_id,
            scope=code.scope,
            structure=code.structure,
            auth_time=code.auth_time,
            acr=code.acr,
            amr=code.amr,
            expires_at=NOW + 300,
        ),
        **changes,
    )
