"""Records as JSON documents that say their kind: a document of one kind is never read as another (ARCHITECTURE §4).

The handle is emptied before writing and given back from the caller's. What a store judges or changes by itself (limits,
counters, versions) stands beside the document, and replaces what the document says.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from gateway.oidc.ports import AuthorizationCode, Grant, PushedRequest
from gateway.signin.evidence import Evidence, Means
from gateway.signin.ports import CodeChallenge
from gateway.signin.session import Session
from gateway.signin.shared_post.post import SharedBy
from gateway.signin.transaction import Demand, SigninTransaction


class WrongKindError(Exception):
    """The document found is of another kind than the one asked for."""


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def _dump(kind: str, record: object) -> bytes:
    return orjson.dumps({"kind": kind, "record": record}, default=_plain)


def _load(kind: str, document: bytes | str) -> dict[str, Any]:
    content = orjson.loads(document)
    if content["kind"] != kind:
        raise WrongKindError(f"a {content['kind']} where a {kind} was expected")
    record: dict[str, Any] = content["record"]
    return record


def _evidence(listed: list[dict[str, Any]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(**{**one, "means": Means(one["means"])}) for one in listed)


def _shared(record: Mapping[str, Any]) -> SharedBy | None:
    """Records of before shared posts were known do not say."""
    said = record.get("shared")
    return None if said is None else SharedBy(said)


def dump_transaction(transaction: SigninTransaction) -> bytes:
    return _dump("transaction", replace(transaction, handle=""))


def load_transaction(document: bytes | str, handle: str) -> SigninTransaction:
    record = _load("transaction", document)
    demand = record["demand"]
    record |= {
        "handle": handle,
        "demand": Demand(
            **(demand | {name: tuple(demand.get(name, ())) for name in ("acr_values", "consent")}),
        ),
        "evidence": _evidence(record["evidence"]),
        "shared": _shared(record),
    }
    return SigninTransaction(**record)


def _signin(said: list[Any] | None) -> tuple[float, str] | None:
    return None if said is None else (said[0], said[1])


def dump_session(session: Session) -> bytes:
    return _dump("session", replace(session, handle=""))


def load_session(
    document: bytes | str, handle: str, *, last_used_at: float, idle_seconds: int, absolute_end: float, version: int
) -> Session:
    record = _load("session", document)
    record |= {
        "handle": handle,
        "last_used_at": last_used_at,
        "idle_seconds": idle_seconds,
        "absolute_end": absolute_end,
        "version": version,
        "evidence": _evidence(record["evidence"]),
        "clients": tuple(record["clients"]),
        "agreed": tuple(record.get("agreed", ())),
        "received": tuple(record.get("received", ())),
        "signin_before": _signin(record.get("signin_before")),
        "shared": _shared(record),
    }
    return Session(**record)


def dump_challenge(challenge: CodeChallenge) -> bytes:
    return _dump("challenge", replace(challenge, id="", mac=b""))


def load_challenge(
    document: bytes | str,
    challenge_id: str,
    *,
    mac: bytes,
    send_number: int,
    sent_at: float,
    expires_at: float,
    attempts_left: int,
    undelivered: bool,
) -> CodeChallenge:
    record = _load("challenge", document)
    record |= {
        "id": challenge_id,
        "mac": mac,
        "send_number": send_number,
        "sent_at": sent_at,
        "expires_at": expires_at,
        "attempts_left": attempts_left,
        "undelivered": undelivered,
    }
    return CodeChallenge(**record)


def dump_code(code: AuthorizationCode) -> bytes:
    return _dump("code", replace(code, handle=""))


def load_code(
    document: bytes | str, handle: str, *, session_digest: str, life: tuple[float, float]
) -> AuthorizationCode:
    """`life`: when its session ends unless it is used before, and when it ends anyhow."""
    record = _load("code", document)
    record |= {
        "handle": handle,
        "session_handle_digest": session_digest,
        "session_idle_at": life[0],
        "scope": tuple(record["scope"]),
        "amr": tuple(record["amr"]),
    }
    return AuthorizationCode(**record)


def dump_pushed(request: PushedRequest) -> bytes:
    return _dump("pushed_request", replace(request, handle=""))


def load_pushed(document: bytes | str, handle: str) -> PushedRequest:
    record = _load("pushed_request", document)
    record |= {"handle": handle, "parameters": tuple((name, value) for name, value in record["parameters"])}
    return PushedRequest(**record)


def dump_grant(grant: Grant) -> bytes:
    return _dump("grant", replace(grant, id=""))


def load_grant(document: bytes | str, grant_id: str, *, session_digest: str, life: tuple[float, float]) -> Grant:
    """`life`: as for a code."""
    record = _load("grant", document)
    record |= {
        "id": grant_id,
        "session_handle_digest": session_digest,
        "session_idle_at": life[0],
        "session_ends_at": life[1],
        "scope": tuple(record["scope"]),
        "amr": tuple(record["amr"]),
    }
    return Grant(**record)
