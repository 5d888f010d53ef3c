"""What an account can prove beside its password, as it is now: the second factors that it has, and those that twenty wrong
codes in a row have disabled (FID-01, OTP-09, OTP-14); and the passkeys that prove the person without one.

A contact is disabled until it is verified again; an application until another one is enrolled, or an administrator takes it
away. What is disabled is still enrolled: nothing weaker takes its place where the best factor is asked.
"""

from dataclasses import dataclass
from typing import Protocol

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.authenticator import HeldAuthenticators
from gateway.accounts.ports import AuthenticatorsHeld
from gateway.signin.evidence import Means
from gateway.signin.policy import SigninPolicy

MEANS_OF_CHANNEL = {CodeChannel.EMAIL: Means.EMAIL_CODE, CodeChannel.SMS: Means.SMS_CODE}
CHANNEL_OF_MEANS = {means: channel for channel, means in MEANS_OF_CHANNEL.items()}


@dataclass(frozen=True, slots=True)
class Factors:
    """`enrolled`: the second factors of the account, disabled ones too, and passkeys; `passkeys`: those that sign in."""

    enrolled: frozenset[Means] = frozenset({Means.EMAIL_CODE})
    disabled: frozenset[Means] = frozenset()
    passkeys: frozenset[str] = frozenset()

    @property
    def usable(self) -> frozenset[Means]:
        return self.enrolled - self.disabled


class EnrolledFactors(Protocol):
    """What the demands ask of an account."""

    def of(self, account: Account) -> Factors: ...


class OneReading:
    """`EnrolledFactors` of one decision, which writes nothing: each account's are read once in it."""

    def __init__(self, factors: EnrolledFactors) -> None:
        self._factors = factors
        self._read: dict[str, Factors] = {}

    def of(self, account: Account) -> Factors:
        known = self._read.get(account.id)
        if known is None:
            known = self._read[account.id] = self._factors.of(account)
        return known


class StoredFactors:
    """`EnrolledFactors`, as the stores have them."""

    def __init__(self, held: AuthenticatorsHeld, policy: SigninPolicy) -> None:
        self._held = held
        self._policy = policy

    def of(self, account: Account) -> Factors:
        held = self._held.of(account.id)
        enrolled, disabled = {Means.EMAIL_CODE}, set[Means]()
        if self._policy.sms_available and account.phone is not None and account.phone_verified_at is not None:
            # SMS-10: never for an administrator.
            enrolled |= set() if account.is_administrator else {Means.SMS_CODE}
        for channel, at in held.disabled.items():
            if at >= bound_at(account, channel):
                disabled.add(MEANS_OF_CHANNEL[channel])
        if held.applications:
            enrolled.add(Means.TOTP)
            if all(failures >= self._policy.factor_disabled_after for failures in held.applications):
                disabled.add(Means.TOTP)
        if held.recovery_codes:
            enrolled.add(Means.RECOVERY_CODE)
        passkeys = self._taken_passkeys(account, held)
        if passkeys:
            enrolled.add(Means.PASSKEY)
        return Factors(frozenset(enrolled), frozenset(disabled) & frozenset(enrolled), passkeys)

    def _taken_passkeys(self, account: Account, held: HeldAuthenticators) -> frozenset[str]:
        if Means.PASSKEY not in self._policy.means:
            return frozenset()
        return frozenset(
            name
            for name, backup_eligible in held.passkeys.items()
            if self._policy.takes_passkey(account, backup_eligible=backup_eligible)
        )


def bound_at(account: Account, channel: CodeChannel) -> float:
    """When its holder last proved that the contact of this channel is theirs."""
    at = account.phone_verified_at if channel is CodeChannel.SMS else account.email_verified_at
    return at or 0.0
