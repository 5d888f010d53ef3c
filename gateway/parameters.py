"""The parameter table: one default per profile and one bound for each value that a deployment may move.

Source: the parameter table of the security requirements, as the product decisions change it (DECISIONS 1, 2, 21). A value out
of its bound refuses to start. Durations are written `30 min`, `4 h`, `30 d` or as a number of seconds.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

MINUTE, HOUR, DAY = 60, 3600, 86400

_UNITS = {"s": 1, "min": MINUTE, "h": HOUR, "d": DAY}


class ParameterError(ValueError):
    """Names the key, the value and its bound."""


def seconds(value: object) -> int:
    """`value` in seconds: a number, or text such as `30 min`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and (match := re.fullmatch(r"\s*(\d+)\s*(s|min|h|d)\s*", value)):
        return int(match[1]) * _UNITS[match[2]]
    raise ParameterError(f"{value!r} is not a duration; write seconds, or text such as `30 min`")


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ParameterError(f"{value!r} is not a whole number")


def _interval(value: object) -> int | None:
    return None if value == "session" else seconds(value)


@dataclass(frozen=True, slots=True)
class _Parameter:
    standard: Any
    low: int
    high: int
    regulated: Any = None
    regulated_high: int | None = None
    read: Callable[[object], int | None] = seconds


_TABLE: Mapping[str, _Parameter] = {
    "idp.session.absolute": _Parameter(4 * HOUR, 5 * MINUTE, 12 * HOUR, regulated_high=4 * HOUR),
    "idp.session.idle": _Parameter(30 * MINUTE, 4 * MINUTE, 30 * MINUTE),
    "idp.session.idle.shared": _Parameter(5 * MINUTE, 4 * MINUTE, 10 * MINUTE),
    "idp.session.at_once": _Parameter(5, 1, 20, read=_count),
    "otp.interval": _Parameter(30 * DAY, HOUR, 30 * DAY, regulated="session", regulated_high=0, read=_interval),
    "otp.digits.email": _Parameter(8, 6, 8, read=_count),
    "otp.digits.sms": _Parameter(6, 6, 8, read=_count),
    "otp.ttl.email": _Parameter(10 * MINUTE, MINUTE, 10 * MINUTE),
    "otp.ttl.sms": _Parameter(5 * MINUTE, MINUTE, 10 * MINUTE),
    "otp.max_attempts": _Parameter(5, 1, 5, read=_count),
    "otp.resend_min_interval": _Parameter(MINUTE, 30, 10 * MINUTE),
    "otp.max_sends_per_challenge": _Parameter(3, 1, 5, read=_count),
    "otp.sends.account.hour": _Parameter(5, 1, 10, read=_count),
    "otp.sends.account.day": _Parameter(10, 1, 50, read=_count),
    "otp.sends.phone.hour": _Parameter(5, 1, 10, read=_count),
    "otp.sends.phone.day": _Parameter(10, 1, 50, read=_count),
    "sms.prefix.hour": _Parameter(10, 1, 1_000, read=_count),
    "sms.prefix.day": _Parameter(30, 1, 10_000, read=_count),
    "sms.country.hour": _Parameter(600, 1, 100_000, read=_count),
    "sms.country.day": _Parameter(4_000, 1, 1_000_000, read=_count),
    "sms.conversion_floor.percent": _Parameter(20, 5, 90, read=_count),
    "sms.conversion_floor.sends": _Parameter(30, 10, 1_000, read=_count),
    "pwd.min_length": _Parameter(12, 12, 64, read=_count),
    "pwd.min_entropy": _Parameter(50, 50, 128, read=_count),
    "pwd.administrator_max_age": _Parameter(365 * DAY, 365 * DAY, 1095 * DAY),
    "argon2id.memory_kib": _Parameter(19456, 19456, 1048576, read=_count),
    "argon2id.iterations": _Parameter(2, 2, 10, read=_count),
    "login.max_failures_24h": _Parameter(25, 5, 25, read=_count),
    "login.disable_password_after": _Parameter(100, 10, 100, read=_count),
    "login.spray.identifiers": _Parameter(20, 5, 100, read=_count),
    "login.spray.identifiers.declared": _Parameter(200, 20, 2_000, read=_count),
    "link.activation.ttl": _Parameter(DAY, HOUR, DAY),
    "link.reset.ttl": _Parameter(DAY, 10 * MINUTE, DAY),
    "oidc.code.ttl": _Parameter(60, 10, 60),
    "oidc.par.ttl": _Parameter(90, 5, 600),
    "oidc.at.ttl": _Parameter(5 * MINUTE, MINUTE, 15 * MINUTE),
    "oidc.id_token.ttl": _Parameter(5 * MINUTE, MINUTE, 15 * MINUTE),
    "oidc.rt.idle": _Parameter(30 * MINUTE, MINUTE, 30 * MINUTE),
    "oidc.txn.ttl": _Parameter(10 * MINUTE, MINUTE, 15 * MINUTE),
    "logout_token.ttl": _Parameter(2 * MINUTE, 30, 2 * MINUTE),
    "jwks.cache_max_age": _Parameter(HOUR, MINUTE, DAY),
    "key.sign.publish_lead": _Parameter(DAY, 2 * HOUR, 30 * DAY),
    "key.sign.retain": _Parameter(DAY, 2 * HOUR, 90 * DAY),
    "key.sign.rsa_bits": _Parameter(3072, 2048, 4096, read=_count),
    "client_secret.overlap": _Parameter(7 * DAY, 0, 30 * DAY),
    "directory.stale_after": _Parameter(72 * HOUR, HOUR, 72 * HOUR),
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """The values in force, by dotted name; durations in seconds."""

    _values: Mapping[str, int | None]

    def __getitem__(self, name: str) -> int:
        value = self._values[name]
        if value is None:
            raise KeyError(f"{name} is `session`: ask otp_interval instead")
        return value

    @property
    def otp_interval(self) -> int | None:
        """Seconds between two one-time codes on a trusted device; None: a code at each session."""
        return self._values["otp.interval"]

    def as_mapping(self) -> Mapping[str, int | None]:
        return dict(self._values)


def parameters_for(profile: Literal["demo", "standard", "regulated"], given: Mapping[str, Any]) -> Parameters:
    """The table of `profile` with `given` values in their bounds; ParameterError otherwise."""
    if unknown := set(given) - set(_TABLE):
        raise ParameterError(f"parameters.{min(unknown)}: no such parameter; known ones: {', '.join(sorted(_TABLE))}")
    values: dict[str, int | None] = {}
    for name, row in _TABLE.items():
        regulated = profile == "regulated"
        default = row.regulated if regulated and row.regulated is not None else row.standard
        value = row.read(given.get(name, default))
        high = row.regulated_high if regulated and row.regulated_high is not None else row.high
        if value is not None and not row.low <= value <= high:
            expected = "`session`" if high < row.low else f"{row.low} to {high}"
            raise ParameterError(
                f"parameters.{name}: {value} is out of its bound in the {profile} profile ({expected})"
            )
        values[name] = value
    if values["key.sign.publish_lead"] < 2 * values["jwks.cache_max_age"]:  # type: ignore[operator]
        raise ParameterError(
            "parameters.key.sign.publish_lead: at least twice jwks.cache_max_age, or clients miss a key"
        )
    return Parameters(values)
