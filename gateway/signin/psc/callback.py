"""The answer in the browser: unverified parameters become an authorization code, or a refusal (§2.3 items 1 and 2).

CHECKS is the whole of it, in order. The state is judged before anything else is believed, an error included; nothing here
calls Pro Santé Connect, so a forged answer costs it nothing (PSC-R4). Descriptions of errors are never repeated (PSC-R6).
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gateway.randomness import digest
from gateway.refusal import Refusal
from gateway.signin.psc.attempt import Attempt
from gateway.signin.psc.environment import PscEnvironment
from gateway.signin.psc.refusals import PscDeclined, PscRefused, PscUnavailable

MAX_LENGTH = 4096
"""Characters of one parameter."""

ERRORS: dict[str, Callable[[str], Refusal]] = {
    "access_denied": PscDeclined,
    "temporarily_unavailable": PscUnavailable,
    "server_error": PscUnavailable,
}
"""Any other error is a refusal like the others."""


@dataclass(frozen=True, slots=True)
class UnverifiedCallback:
    """The parameters as they came, names repeated or not."""

    pairs: Sequence[tuple[str, str]] = field(repr=False)

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.pairs if key == name), None)


@dataclass(frozen=True, slots=True)
class _Examined:
    unverified: UnverifiedCallback
    attempt: Attempt
    environment: PscEnvironment
    now: float


def examine_callback(
    unverified: UnverifiedCallback, *, expected: Attempt, environment: PscEnvironment, now: float
) -> str:
    """The authorization code. Raises PscRefused, PscDeclined or PscUnavailable."""
    examined = _Examined(unverified, expected, environment, now)
    for check in CHECKS:
        check(examined)
    return unverified.get("code") or ""


def no_parameter_twice(examined: _Examined) -> None:
    names = [name for name, _ in examined.unverified.pairs]
    if len(set(names)) < len(names):
        raise PscRefused("callback: a parameter twice")


def no_parameter_too_long(examined: _Examined) -> None:
    if any(len(value) > MAX_LENGTH for _, value in examined.unverified.pairs):
        raise PscRefused("callback: a parameter too long")


def state_is_ours(examined: _Examined) -> None:
    """In constant time, and of digests: nothing of the state can be learnt by trying."""
    state = examined.unverified.get("state") or ""
    if not hmac.compare_digest(digest(state), examined.attempt.state_digest):
        raise PscRefused("callback: state")


def attempt_is_in_time(examined: _Examined) -> None:
    if examined.now >= examined.attempt.started_at + examined.environment.limits.attempt_seconds:
        raise PscRefused("callback: the question is too old")


def issuer_is_the_one_asked(examined: _Examined) -> None:
    """RFC 9207, for errors too: one provider cannot answer in the place of another (LNK-11)."""
    issuer = examined.unverified.get("iss")
    if issuer is None and not examined.environment.iss_parameter:
        return
    if issuer != examined.environment.issuer:
        raise PscRefused("callback: iss")


def answer_is_a_yes_or_a_no(examined: _Examined) -> None:
    if examined.unverified.get("code") is not None and examined.unverified.get("error") is not None:
        raise PscRefused("callback: code and error")


def answer_is_no_error(examined: _Examined) -> None:
    error = examined.unverified.get("error")
    if error is not None:
        raise ERRORS.get(error, PscRefused)(f"callback: error {error if error in _KNOWN_ERRORS else 'of another kind'}")


def code_is_there(examined: _Examined) -> None:
    code = examined.unverified.get("code") or ""
    if not code or not all("!" <= character <= "~" for character in code):
        raise PscRefused("callback: code")


_KNOWN_ERRORS = frozenset(
    {
        *ERRORS,
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_response_type",
        "login_required",
        "interaction_required",
        "consent_required",
    }
)

CHECKS: Sequence[Callable[[_Examined], None]] = (
    no_parameter_twice,
    no_parameter_too_long,
    state_is_ours,
    attempt_is_in_time,
    issuer_is_the_one_asked,
    answer_is_a_yes_or_a_no,
    answer_is_no_error,
    code_is_there,
)
