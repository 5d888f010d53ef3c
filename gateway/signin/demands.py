"""What a demand asks of a person, given what is proved: which proofs count, whether the level is reached, by which
second factors it can be (DECISIONS 2 and 3; LOA-04, OTP-14), and what linking an identity and changing what proves a person ask
(DECISIONS 6; LNK-01, LNK-08, FID-10). Plain answers; the journey and the gate decide with them.
"""

from collections.abc import Sequence

from gateway.accounts.account import Account, AccountStatus, CodeChannel
from gateway.accounts.password_renewal import must_renew
from gateway.accounts.trusted_device import TrustedDevice
from gateway.signin.assurance import (
    ACR_CARD,
    ACR_PASSKEY,
    ACR_PSC,
    ACR_PWD_OTP_MAIL,
    ACR_PWD_OTP_SMS,
    ACR_PWD_TOTP,
    AssuranceScale,
)
from gateway.signin.evidence import LINKED, STRONG, Evidence, Means
from gateway.signin.factors import CHANNEL_OF_MEANS, MEANS_OF_CHANNEL, EnrolledFactors, OneReading
from gateway.signin.policy import SigninPolicy
from gateway.signin.transaction import Demand

PERSONAL = frozenset({Means.PASSWORD, *STRONG})
"""Means that prove a person, not a thing beside them."""
LEVEL_OF_FACTOR = {
    Means.TOTP: ACR_PWD_TOTP,
    Means.SMS_CODE: ACR_PWD_OTP_SMS,
    Means.EMAIL_CODE: ACR_PWD_OTP_MAIL,
    Means.RECOVERY_CODE: ACR_PWD_OTP_MAIL,
}
"""The second factors that a password goes with, best first, and the level that the two reach."""
BETTER = frozenset({Means.TOTP, Means.PASSKEY})
"""What is better than a code sent to a contact: where the best one is asked, no such code does. A passkey needs no password
beside it."""
LEVEL_OF_STRONG = {Means.PSC: ACR_PSC, Means.CARD: ACR_CARD, Means.PASSKEY: ACR_PASSKEY}
_LEVEL = LEVEL_OF_FACTOR | LEVEL_OF_STRONG


class Demands:
    def __init__(self, scale: AssuranceScale, policy: SigninPolicy, factors: EnrolledFactors) -> None:
        self._scale = scale
        self._factors = factors
        self._policy = policy

    def of_one_decision(self) -> "Demands":
        """The same, for questions between which nothing is written: what an account can prove is read once."""
        return Demands(self._scale, self._policy, OneReading(self._factors))

    def interval(self, demand: Demand) -> int | None:
        """For how many seconds a device stays trusted; None: not at all. An application can only be stricter."""
        mine, theirs = self._policy.otp_interval_seconds, demand.otp_interval_seconds
        if mine is None or theirs is None:
            return mine or None
        return min(mine, theirs) or None

    def counted(self, evidence: Sequence[Evidence], account: Account, demand: Demand) -> tuple[Evidence, ...]:
        """The proofs that count: none by a means that is switched off since, none older than the demand wants, nor than a
        reset, a change of contact or a link (which say nothing against Pro Santé Connect, the card and passkeys), none by a
        passkey that signs in no more; and nothing at all when no person is among them."""
        demanded = demand.fresh_since or 0.0
        by_passkey = any(item.means is Means.PASSKEY for item in evidence)
        passkeys = self._factors.of(account).passkeys if by_passkey else frozenset[str]()
        fresh = tuple(
            item
            for item in evidence
            if item.at >= demanded
            and self._is_switched_on(item.means)
            and _outlives(item, account)
            and (item.means is not Means.PASSKEY or item.passkey in passkeys)
        )
        return fresh if any(item.means in PERSONAL for item in fresh) else ()

    def _is_switched_on(self, means: Means) -> bool:
        """Codes, applications and devices go with the password."""
        return (means if means in STRONG else Means.PASSWORD) in self._policy.means

    def carried(self, evidence: Sequence[Evidence], account: Account, demand: Demand) -> tuple[Evidence, ...]:
        """What a session's proofs are still worth for a new demand. A proof by device says nothing of the age of the trust
        behind it: when the demand's interval is shorter than the usual one, the device must prove itself again."""
        counted = self.counted(evidence, account, demand)
        if self.interval(demand) == self.interval(Demand()):
            return counted
        return tuple(item for item in counted if item.means is not Means.TRUSTED_DEVICE)

    def must_renew(self, evidence: Sequence[Evidence], account: Account, now: float) -> bool:
        """Whether these proofs rest on a password that must be replaced first. A strong means does not care."""
        limit = self._policy.administrator_password_seconds
        by_password = any(item.means is Means.PASSWORD for item in evidence)
        return by_password and must_renew(account, now, administrators_after=limit)

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
        if means.isdisjoint(STRONG):
            if Means.PASSWORD not in means:
                return False
            second = not means.isdisjoint(LEVEL_OF_FACTOR)
            device = Means.TRUSTED_DEVICE in means and self.interval(demand) is not None and not demand.best_factor
            if not second and not device:
                return False
            # The code of recovery just given may have been the last one.
            if demand.best_factor and means.isdisjoint({*self._best(account), Means.RECOVERY_CODE}):
                return False
        return self._level_met(self._scale.level_of(counted).acr, account, demand)

    def code_could_do(self, account: Account | None, demand: Demand) -> bool:
        """Whether a password and a second factor can give what the demand insists on, were it not disabled; of an account not
        known yet, the best is hoped."""
        if Means.PASSWORD not in self._policy.means:
            return False
        if account is None:
            hoped = {*LEVEL_OF_FACTOR} - (set() if self._policy.sms_available else {Means.SMS_CODE})
        else:
            hoped = {*LEVEL_OF_FACTOR} & self._factors.of(account).enrolled
        return any(self._level_met(LEVEL_OF_FACTOR[factor], account, demand) for factor in hoped)

    def strong_could_do(self, demand: Demand, account: Account | None = None) -> bool:
        """Whether a strong means that is switched on can; of passkeys, when the account has one."""
        return self.passkey_could_do(account, demand) or any(
            means in self._policy.means and self._level_met(LEVEL_OF_STRONG[means], None, demand) for means in LINKED
        )

    def has_passkey(self, account: Account) -> bool:
        return bool(self._factors.of(account).passkeys)

    def passkey_could_do(self, account: Account | None, demand: Demand) -> bool:
        """Whether a passkey can give what the demand insists on; of an account not known yet, one is hoped."""
        has_one = account is None or self.has_passkey(account)
        return Means.PASSKEY in self._policy.means and has_one and self._level_met(ACR_PASSKEY, None, demand)

    def second_factors(self, account: Account, demand: Demand) -> tuple[Means, ...]:
        """Those that would reach the level beside the password now: the best first, of the contacts the person's usual one
        first, a recovery code last. SMS only to a verified phone and never for an administrator (SMS-10)."""
        usable = self._best(account, with_recovery=True) if demand.best_factor else self._factors.of(account).usable
        reaching = [
            factor
            for factor, level in LEVEL_OF_FACTOR.items()
            if factor in usable and self._level_met(level, account, demand)
        ]
        usual = MEANS_OF_CHANNEL[account.code_channel]
        contacts = sorted((one for one in reaching if one in CHANNEL_OF_MEANS), key=lambda one: one is not usual)
        return (
            *(one for one in reaching if one in BETTER),
            *contacts,
            *(one for one in reaching if one is Means.RECOVERY_CODE),
        )

    def channels(self, account: Account, demand: Demand) -> tuple[CodeChannel, ...]:
        """The channels among them."""
        return channels_among(self.second_factors(account, demand))

    def disabled(self, account: Account) -> frozenset[Means]:
        """The second factors that too many wrong codes have disabled (OTP-09)."""
        return self._factors.of(account).disabled

    def _best(self, account: Account, *, with_recovery: bool = False) -> frozenset[Means]:
        """The best factor enrolled, when it is not disabled: nothing weaker takes its place, but a recovery code where the
        person only has to come back to their own account."""
        factors = self._factors.of(account)
        better = factors.enrolled & BETTER
        best = better or factors.enrolled & frozenset(CHANNEL_OF_MEANS)
        recovery = factors.enrolled & {Means.RECOVERY_CODE} if with_recovery else frozenset[Means]()
        return (best | recovery) - factors.disabled

    def identity_fresh(self, proved_at: float, now: float) -> bool:
        """Whether an identity was proved recently enough to be linked. Exactly as old as the limit is too old."""
        return now - proved_at < self._policy.link_freshness_seconds

    def credentials_for_link(self, evidence: Sequence[Evidence], account: Account, now: float) -> tuple[Evidence, ...]:
        """The account's own proofs that linking accepts: fresh, and a code by a channel that it accepts."""
        accepted = {Means.PASSWORD, Means.PASSKEY, *self.link_factors(account)}
        passkeys = self._factors.of(account).passkeys
        return tuple(
            item
            for item in evidence
            if item.means in accepted
            and self.identity_fresh(item.at, now)
            and _outlives(item, account)
            and (item.means is not Means.PASSKEY or item.passkey in passkeys)
        )

    def link_provable(self, proved_at: float, evidence: Sequence[Evidence], account: Account, now: float) -> bool:
        """Whether the identity is proved, with a passkey or with password and second factor, and all of them fresh."""
        means = {item.means for item in self.credentials_for_link(evidence, account, now)}
        account_proved = Means.PASSKEY in means or (Means.PASSWORD in means and len(means) > 1)
        return self.identity_fresh(proved_at, now) and account_proved

    def link_factors(self, account: Account) -> tuple[Means, ...]:
        """The second factors that linking accepts beside the password: the best one enrolled; a mailed code when there is no
        better one, to a verified address; never SMS, nor a code of rescue (DECISIONS 6, LNK-08, SMS-10)."""
        accepted = BETTER if account.email_verified_at is None else BETTER | {Means.EMAIL_CODE}
        return tuple(factor for factor in LEVEL_OF_FACTOR if factor in self._best(account) & accepted)

    def linkable(self, account: Account) -> bool:
        """Whether the account has such a factor at all, were it not disabled."""
        return account.email_verified_at is not None or bool(self._factors.of(account).enrolled & BETTER)

    def _level_met(self, acr: str, account: Account | None, demand: Demand) -> bool:
        for minimum in (self._policy.minimum_acr, demand.min_acr):
            if minimum is not None and not self._scale.satisfies(acr, minimum):
                return False
        if not demand.acr_values or any(self._scale.satisfies(acr, wanted) for wanted in demand.acr_values):
            return True
        if demand.acr_essential:
            return False
        # A wish, not a condition: it is granted when it can be, and otherwise does not lock the person out.
        usable = self._factors.of(account).usable if account is not None else ()
        best = [_LEVEL[factor] for factor in usable]
        return not any(self._scale.satisfies(level, wanted) for level in best for wanted in demand.acr_values)


def channels_among(factors: Sequence[Means]) -> tuple[CodeChannel, ...]:
    return tuple(CHANNEL_OF_MEANS[factor] for factor in factors if factor in CHANNEL_OF_MEANS)


def _outlives(item: Evidence, account: Account) -> bool:
    return item.means in STRONG or item.at >= (account.code_demanded_since or 0.0)


def usable(account: Account | None) -> bool:
    """Only an active account signs in, at every step."""
    return account is not None and account.status is AccountStatus.ACTIVE
