"""Whether a text message may leave (SMS-03, SMS-04, SMS-05): the country, the person's number, its block, the day's budget.

A number's own windows are counted under a keyed hash; its block (all but the last four digits) and its country are counted
readable, because somebody has to judge and open them again. What is refused here is never said to the person (OTP-11): another
factor is offered.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.accounts.french_territories import FRENCH
from gateway.accounts.phone import country_of, prefix_of
from gateway.clock import PARIS, civil_date
from gateway.journal.effects import Effects, Outgoing, because
from gateway.journal.events import Event, Outcome
from gateway.keys.purposes import PurposeKey
from gateway.randomness import digest
from gateway.signin.one_time_code.sms_meter import ConversionFloor, SmsMeter, SmsRefusal, SmsWindow
from gateway.signin.policy import DAY, HOUR, Window
from gateway.signin.ports import CodeChallenge
from gateway.signin.throttle import ThrottleKeys

BUDGET = "budget"
ALERTS = (50, 80, 100)
"""Shares of the day's budget, in percent, that are told to the operator."""


_FLOOR = ConversionFloor(sends=30, percent=20, window_seconds=HOUR, patience_seconds=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsPolicy:
    """`budget_daily`: messages between two midnights in Paris, for the whole deployment."""

    budget_daily: int
    countries: frozenset[str] = FRENCH
    per_phone: tuple[Window, ...] = (Window(5, HOUR), Window(10, DAY))
    per_prefix: tuple[Window, ...] = (Window(10, HOUR), Window(30, DAY))
    per_country: tuple[Window, ...] = (Window(600, HOUR), Window(4_000, DAY))
    floor: ConversionFloor = _FLOOR


class SmsGate:
    def __init__(self, meter: SmsMeter, throttle_key: PurposeKey, policy: SmsPolicy) -> None:
        self._meter = meter
        self._keys = ThrottleKeys(throttle_key)
        self._policy = policy

    def is_open(self, phone: str, now: float) -> bool:
        """Whether a message to this number could leave, as far as it does not depend on the number's own past: what is
        closed here is not offered."""
        scopes = self._scopes(phone)
        return bool(scopes) and self._meter.refusal(scopes=scopes, windows=[self._budget(now)], now=now) is None

    def admit(self, challenge: CodeChallenge, phone: str, now: float) -> str | None:
        """Counts the message of this challenge, or says why it must not leave: `sms_country`, `sms_stopped`, `sms_budget`,
        `send_limit`."""
        scopes = self._scopes(phone)
        if not scopes:
            return "sms_country"
        refusal = self._meter.take(
            _send_id(challenge),
            scopes=scopes,
            windows=[*self._windows(phone, scopes, now), self._budget(now)],
            floor=self._policy.floor,
            now=now,
            when_counted={BUDGET: self._alerts(now)},
            when_stopped={scope: _stopped(scope, now) for scope in scopes},
        )
        return _why(refusal)

    def admit_notice(self, phone: str, now: float) -> str | None:
        """As `admit`, of a message that brings no code: nobody types anything back, so that it is not held against its country
        and its block (SMS-05); where these are stopped it does not leave either."""
        scopes = self._scopes(phone)
        if not scopes:
            return "sms_country"
        windows = [*self._windows(phone, scopes, now), self._budget(now)]
        refusal = self._meter.refusal(scopes=scopes, windows=windows, now=now) or self._meter.take(
            "",
            scopes=(),
            windows=windows,
            floor=self._policy.floor,
            now=now,
            when_counted={BUDGET: self._alerts(now)},
            when_stopped={},
        )
        return _why(refusal)

    def verified(self, challenge: CodeChallenge, phone: str) -> None:
        """The code was typed: whoever received it wanted it."""
        self._meter.verified(_send_id(challenge), self._scopes(phone))

    def _scopes(self, phone: str) -> Sequence[str]:
        """The country and the block; nothing for a country that is not served (any more)."""
        country = country_of(phone)
        return (country, prefix_of(phone)) if country is not None and country in self._policy.countries else ()

    def _windows(self, phone: str, scopes: Sequence[str], now: float) -> Sequence[SmsWindow]:
        country, prefix = scopes
        counted = (
            (f"phone:{self._keys.of('sms-phone', phone)}", self._policy.per_phone),
            (f"prefix:{prefix}", self._policy.per_prefix),
            (f"country:{country}", self._policy.per_country),
        )
        return [
            SmsWindow(f"{name}:{window.seconds}", window.limit, now + window.seconds)
            for name, windows in counted
            for window in windows
        ]

    def _budget(self, now: float) -> SmsWindow:
        tomorrow = civil_date(now) + datetime.timedelta(days=1)
        midnight = datetime.datetime.combine(tomorrow, datetime.time(), PARIS).timestamp()
        return SmsWindow(BUDGET, self._policy.budget_daily, midnight)

    def _alerts(self, now: float) -> Mapping[int, Effects]:
        """By the count that makes it; of a small budget the highest share is told."""
        budget = self._policy.budget_daily
        return {-(-budget * percent // 100): _budget_used(percent, budget, now) for percent in ALERTS}


def _why(refusal: SmsRefusal | None) -> str | None:
    if refusal is None:
        return None
    if refusal.reason == "stopped":
        return "sms_stopped"
    return "sms_budget" if refusal.name == BUDGET else "send_limit"


def _send_id(challenge: CodeChallenge) -> str:
    return digest(f"{challenge.id}:{challenge.send_number}")


def _budget_used(percent: int, budget: int, at: float) -> Effects:
    outcome = Outcome.REFUSED if percent == 100 else Outcome.SUCCESS
    return because(
        Event("sms.budget", outcome, at, details={"percent": percent, "count": budget}),
        outgoing=(Outgoing("operator_alert", {"what": "sms_budget", "percent": percent, "budget": budget}),),
    )


def _stopped(scope: str, at: float) -> Effects:
    return because(
        Event("sms.stopped", Outcome.REFUSED, at, reason="conversion", details={"scope_stopped": scope}),
        outgoing=(Outgoing("operator_alert", {"what": "sms_stopped", "scope": scope}),),
    )
