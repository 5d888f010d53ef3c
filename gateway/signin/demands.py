"""What a demand asks of a person, given what is proved: which proofs count, whether the level is reached, by which
channels it can be (DECISIONS 2 and 3; LOA-04, OTP-14), and what linking an identity asks (DECISIONS 6; LNK-01, LNK-08). Plain
answers; the journey and the gate decide with them.
"""

from collections.abc import Sequence

from gateway.accounts.account import Account, AccountStatus, CodeChannel
from gateway.accounts.trusted_device import TrustedDevice
from gateway.signin.assurance import ACR_CARD, ACR_PSC, ACR_PWD_OTP_MAIL, ACR_PWD_OTP_SMS, AssuranceScale
from gateway.signin.evidence import STRONG, Evidence, Means
from gateway.signin.policy import SigninPolicy
from gateway.signin.transaction import Demand

MEANS_OF_CHANNEL = {CodeChannel.EMAIL: Means.EMAIL_CODE, CodeChannel.SMS: Means.SMS_CODE}
_ALL_CHANNELS = (CodeChannel.SMS, CodeChannel.EMAIL)
PERSONAL = frozenset({Means.PASSWORD, *STRONG})
"""Means that prove a person, not a thing beside them."""
LEVEL_OF_CHANNEL = {CodeChannel.EMAIL: ACR_PWD_OTP_MAIL, CodeChannel.SMS: ACR_PWD_OTP_SMS}
LEVEL_OF_STRONG = {Means.PSC: ACR_PSC, Means.CARD: ACR_CARD}


class Demands:
    def __init__(self, scale: AssuranceScale, policy: SigninPolicy) -> None:
        self._scale = scale
        self._policy = policy

    def interval(self, demand: Demand) -> int | None:
        """For how many seconds a device stays trusted; None: not at all. An application can only be stricter."""
        mine, theirs = self._policy.otp_interval_seconds, demand.otp_interval_seconds
        if mine is None or theirs is None:
            return mine or None
        return min(mine, theirs) or None

    def counted(self, evidence: Sequence[Evidence], account: Account, demand: Demand) -> tuple[Evidence, ...]:
        """The proofs that count: none by a means that is switched off since, none older than the demand wants, nor than a
        reset, a change of contact or a link (which say nothing against Pro Santé Connect and the card); and nothing at all
        when no person is among them."""
        demanded = demand.fresh_since or 0.0
        fresh = tuple(
            item
            for item in evidence
            if item.at >= demanded and self._is_switched_on(item.means) and _outlives(item, account)
        )
        return fresh if any(item.means in PERSONAL for item in fresh) else ()

    def _is_switched_on(self, means: Means) -> bool:
        """Codes and devices go with the password."""
        return (means if means in STRONG else Means.PASSWORD) in self._policy.means

    def carried(self, evidence: Sequence[Evidence], account: Account, demand: Demand) -> tuple[Evidence, ...]:
        """What a session's proofs are still worth for a new demand. A proof by device says nothing of the age of the trust
        behind it: when the demand's interval is shorter than the usual one, the device must prove itself again."""
        counted = self.counted(evidence, account, demand)
        if self.interval(demand) == self.interval(Demand()):
            return counted
        return tuple(item for item in counted if item.means is not Means.TRUSTED_DEVICE)

    def trusts(self, device: TrustedDevice | None, account: Account, demand: Demand, now: float) -> bool:
        """Whether this device stands in for a code now. A trust that is exactly as old as the interval is over."""
        interval = self.interval(demand)
        return (
            device is not None
            and interval is not None
            and device.account_id == account.id
            and device.revoked_at is None
            and now - device.proved_at < interval
            and device.proved_at >= (account.code_demanded_since or 0.0)
        )

    def met(self, counted: Sequence[Evidence], account: Account, demand: Demand) -> bool:
        """Whether these proofs hold a second step and reach the level. A strong means is both steps."""
        means = {item.means for item in counted}
        if not means.isdisjoint(STRONG):
            return self._level_met(self._scale.level_of(counted).acr, self._enrolled(account), demand)
        if Means.PASSWORD not in means:
            return False
        code = not means.isdisjoint(MEANS_OF_CHANNEL.values())
        if not code and not (Means.TRUSTED_DEVICE in means and self.interval(demand) is not None):
            return False
        return self._level_met(self._scale.level_of(counted).acr, self._enrolled(account), demand)

    def code_could_do(self, account: Account | None, demand: Demand) -> bool:
        """Whether a password and a code can give what the demand insists on; of an account not known yet, the best is hoped."""
        if Means.PASSWORD not in self._policy.means:
            return False
        return bool(self.channels(account, demand) if account is not None else self._reachable(_ALL_CHANNELS, demand))

    def strong_could_do(self, demand: Demand) -> bool:
        """Whether a strong means that is switched on can."""
        return any(
            means in self._policy.means and self._level_met(level, (), demand)
            for means, level in LEVEL_OF_STRONG.items()
        )

    def channels(self, account: Account, demand: Demand) -> tuple[CodeChannel, ...]:
        """The channels whose code would reach the level, the person's usual one first. SMS only to a verified phone and
        never for an administrator (SMS-10)."""
        usable = self._reachable(self._enrolled(account), demand)
        return tuple(sorted(usable, key=lambda channel: channel is not account.code_channel))

    def _reachable(self, enrolled: Sequence[CodeChannel], demand: Demand) -> Sequence[CodeChannel]:
        return [channel for channel in enrolled if self._level_met(LEVEL_OF_CHANNEL[channel], enrolled, demand)]

    def identity_fresh(self, proved_at: float, now: float) -> bool:
        """Whether an identity was proved recently enough to be linked. Exactly as old as the limit is too old."""
        return now - proved_at < self._policy.link_freshness_seconds

    def credentials_for_link(self, evidence: Sequence[Evidence], account: Account, now: float) -> tuple[Evidence, ...]:
        """The account's own proofs that linking accepts: fresh, and a code by a channel that it accepts."""
        accepted = {Means.PASSWORD, *(MEANS_OF_CHANNEL[channel] for channel in link_channels(account))}
        return tuple(
            item
            for item in evidence
            if item.means in accepted and self.identity_fresh(item.at, now) and _outlives(item, account)
        )

    def link_provable(self, proved_at: float, evidence: Sequence[Evidence], account: Account, now: float) -> bool:
        """Whether identity, password and second factor are all proved, and fresh."""
        means = {item.means for item in self.credentials_for_link(evidence, account, now)}
        return self.identity_fresh(proved_at, now) and Means.PASSWORD in means and len(means) > 1

    def _level_met(self, acr: str, enrolled: Sequence[CodeChannel], demand: Demand) -> bool:
        for minimum in (self._policy.minimum_acr, demand.min_acr):
            if minimum is not None and not self._scale.satisfies(acr, minimum):
                return False
        if not demand.acr_values or any(self._scale.satisfies(acr, wanted) for wanted in demand.acr_values):
            return True
        if demand.acr_essential:
            return False
        # A wish, not a condition: it is granted when it can be, and otherwise does not lock the person out.
        best = [LEVEL_OF_CHANNEL[channel] for channel in enrolled]
        return not any(self._scale.satisfies(level, wanted) for level in best for wanted in demand.acr_values)

    def _enrolled(self, account: Account) -> tuple[CodeChannel, ...]:
        phone = account.phone is not None and account.phone_verified_at is not None
        if self._policy.sms_available and phone and not account.is_administrator:
            return (CodeChannel.SMS, CodeChannel.EMAIL)
        return (CodeChannel.EMAIL,)


def link_channels(account: Account) -> tuple[CodeChannel, ...]:
    """The channels whose code is a second factor for linking: a verified address, nothing better being enrolled yet; never
    SMS (DECISIONS 6, SMS-10)."""
    return (CodeChannel.EMAIL,) if account.email_verified_at is not None else ()


def _outlives(item: Evidence, account: Account) -> bool:
    return item.means in STRONG or item.at >= (account.code_demanded_since or 0.0)


def usable(account: Account | None) -> bool:
    """Only an active account signs in, at every step."""
    return account is not None and account.status is AccountStatus.ACTIVE
