"""Assurance: what the evidence of a session is worth, as `acr`, `amr` and `auth_time` (LOA-01, LOA-02, LOA-05).

The ranking of levels is configuration (`idp_config/assurance.yaml`); what each means proves is not. A mailed code never
gives `mfa`; two possession factors of one category never add up. `eidas…` values are never emitted from here (LOA-03).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.signin.evidence import STRONG, Evidence, Means

ACR_PWD = "urn:passerelle:acr:pwd"
ACR_PWD_DEVICE = "urn:passerelle:acr:pwd-device"
ACR_PWD_OTP_MAIL = "urn:passerelle:acr:pwd-otp-mail"
ACR_PWD_OTP_SMS = "urn:passerelle:acr:pwd-otp-sms"
ACR_PWD_TOTP = "urn:passerelle:acr:pwd-totp"
ACR_PASSKEY = "urn:passerelle:acr:passkey"
ACR_PSC = "urn:passerelle:acr:psc"
ACR_CARD = "urn:passerelle:acr:card"

_LEVELS: tuple[tuple[frozenset[Means], str, tuple[str, ...]], ...] = (
    (frozenset({Means.CARD}), ACR_CARD, ("sc", "hwk", "pin", "mfa")),
    (frozenset({Means.PSC}), ACR_PSC, ("psc",)),  # what it was upstream is kept apart, in `Session.upstream` (LOA-02)
    (frozenset({Means.PASSKEY}), ACR_PASSKEY, ("hwk", "user", "mfa")),  # "swk" when it may leave its device
    (frozenset({Means.PASSWORD, Means.TOTP}), ACR_PWD_TOTP, ("pwd", "otp", "mfa")),
    (frozenset({Means.PASSWORD, Means.SMS_CODE}), ACR_PWD_OTP_SMS, ("pwd", "sms", "mfa")),
    (frozenset({Means.PASSWORD, Means.EMAIL_CODE}), ACR_PWD_OTP_MAIL, ("pwd", "otp")),
    # A code from a sheet ranks with the weakest one-time code, whatever it was kept with (decision record 0007).
    (frozenset({Means.PASSWORD, Means.RECOVERY_CODE}), ACR_PWD_OTP_MAIL, ("pwd", "otp")),
    (frozenset({Means.PASSWORD, Means.TRUSTED_DEVICE}), ACR_PWD_DEVICE, ("pwd", "swk")),
    (frozenset({Means.PASSWORD}), ACR_PWD, ("pwd",)),
)
"""What must be proved, strongest first; the first that is proved whole is the level."""

SECOND_STEP_LEVELS = frozenset(acr for needed, acr, _ in _LEVELS if len(needed) > 1)
"""Those that a journey with a password can end in: it always asks for a second step."""

DEFAULT_RANKING: tuple[tuple[str, ...], ...] = (
    (ACR_PWD,),
    (ACR_PWD_DEVICE,),
    (ACR_PWD_OTP_MAIL,),
    (ACR_PWD_OTP_SMS,),
    (ACR_PWD_TOTP,),
    (ACR_PASSKEY,),
    (ACR_CARD, ACR_PSC),
)


class NothingProvedError(ValueError):
    """Evidence that proves nobody has no level."""


@dataclass(frozen=True, slots=True)
class Assurance:
    """`auth_time` is the instant of the newest proof of the person herself that the level rests on (the password, Pro Santé
    Connect, the card, a passkey), seconds since the epoch."""

    acr: str
    amr: tuple[str, ...]
    auth_time: float


class AssuranceScale:
    """The ranking: `AssuranceScale([["urn:…:pwd"], …, ["urn:…:card", "urn:…:psc"]])`, weakest first, equals together."""

    def __init__(self, ranking: Sequence[Sequence[str]] = DEFAULT_RANKING) -> None:
        self._rank = {acr: rank for rank, equals in enumerate(ranking) for acr in equals}
        if sum(len(equals) for equals in ranking) != len(self._rank):
            raise ValueError("the assurance ranking names a level twice")
        if missing := [acr for _, acr, _ in _LEVELS if acr not in self._rank]:
            raise ValueError(f"the assurance ranking does not say where {', '.join(missing)} stands")

    def level_of(self, evidence: Sequence[Evidence]) -> Assurance:
        """Raises NothingProvedError when no person is proved."""
        proved = {item.means for item in evidence}
        for needed, acr, amr in _LEVELS:
            if needed <= proved:
                personal = needed & {Means.PASSWORD, *STRONG}
                newest = max((item for item in evidence if item.means in personal), key=lambda item: item.at)
                synced = acr == ACR_PASSKEY and newest.synced
                return Assurance(acr, ("swk", *amr[1:]) if synced else amr, newest.at)
        raise NothingProvedError("no evidence of a person")

    def satisfies(self, acr: str, minimum: str) -> bool:
        """Whether `acr` ranks at least as high as `minimum`; an unknown level satisfies nothing and is never satisfied."""
        if acr not in self._rank or minimum not in self._rank:
            return False
        return self._rank[acr] >= self._rank[minimum]

    def known(self, acr: str) -> bool:
        return acr in self._rank
