"""The numbers of the sign-in, from the parameter table (section 2 of the security requirements).

Plain values: settings choose them by profile and refuse to start outside the bounds; the rules only read them.
"""

from dataclasses import dataclass

from gateway.accounts.account import Account, CodeChannel
from gateway.signin.evidence import Means
from gateway.signin.ports import DelayRule

HOUR = 3600
DAY = 24 * HOUR


def doubling_delays(first: tuple[int, ...], cap: int) -> tuple[int, ...]:
    """`first`, then each delay twice the one before, up to `cap` (which repeats)."""
    delays = list(first)
    while delays[-1] < cap:
        delays.append(min(delays[-1] * 2, cap))
    return tuple(delays)


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` events in a fixed window of `seconds`."""

    limit: int
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SigninPolicy:
    """Durations are seconds. `otp_interval_seconds` None: a code at each session of the gateway (profile `regulated`)."""

    session_idle_seconds: int = 30 * 60
    session_idle_shared_seconds: int = 5 * 60
    """On a shared post (SES-11)."""
    session_absolute_seconds: int = 4 * HOUR
    sessions_at_once: int = 5
    """Of one person: beyond, the one opened first ends (SES-10)."""
    transaction_ttl_seconds: int = 10 * 60
    otp_interval_seconds: int | None = None

    means: frozenset[Means] = frozenset({Means.PASSWORD})
    """Those that are switched on; the others are off at every door (DECISIONS 4). A password brings its codes and devices."""
    minimum_acr: str | None = None
    """The level below which nobody gets a session, whatever the application asks (profile `regulated`)."""
    sms_available: bool = True
    """Whether this deployment has an SMS provider: a code that cannot leave is never offered."""
    code_digits_email: int = 8
    code_digits_sms: int = 6
    code_ttl_email_seconds: int = 10 * 60
    code_ttl_sms_seconds: int = 5 * 60
    code_attempts: int = 5
    code_resend_min_interval_seconds: int = 60
    code_sends_per_challenge: int = 3
    code_sends_per_account: tuple[Window, ...] = (Window(5, HOUR), Window(10, DAY))
    code_sends_per_contact: tuple[Window, ...] = (Window(5, HOUR), Window(10, DAY))
    code_sends_per_ip: tuple[Window, ...] = (Window(30, HOUR),)

    factor_disabled_after: int = 20
    """Consecutive wrong codes, across challenges, that disable a factor until it is bound again (OTP-09)."""
    totp_applications: int = 5
    """Authenticator applications that one account may have."""
    passkeys_per_account: int = 10
    administrators_passkeys_stay: bool = False
    """Administrators' passkeys must be bound to one device (FID-08)."""
    sensitive_change_seconds: int = 5 * 60
    """How old the proof behind a change of contact, password or authenticator may be."""

    link_ttl_seconds: int = DAY
    resets_per_account: tuple[Window, ...] = (Window(3, HOUR), Window(6, DAY))
    resets_per_ip: tuple[Window, ...] = (Window(20, HOUR),)

    link_freshness_seconds: int = 5 * 60
    """How old the identity and the credentials may be when an identity is linked (LNK-01)."""
    not_me_seconds: int = 72 * HOUR

    password_delays: tuple[int, ...] = doubling_delays((0, 0, 5, 20, 90), HOUR)
    password_failures: Window = Window(25, DAY)
    password_disabled_after: int = 100
    """Consecutive failures of one account, whatever the identifier (THR-03)."""
    administrator_password_seconds: int = 365 * DAY
    """How old an administrator's password may grow (PWD-08)."""

    spray_seconds: int = 5 * 60
    spray_identifiers: int = 20
    """How many identifiers may fail from one address in that time before further attempts from there wait (THR-05)."""
    spray_identifiers_declared: int = 200
    """The same, of an establishment's declared network."""
    spray_wait_seconds: tuple[int, int] = (5, 60)
    """How long such an attempt waits: at least, and at most."""
    spray_interval_seconds: float = 1.0
    """One attempt after the other; a declared network has four in that time."""

    def idle_on_shared_post(self, idle_seconds: int) -> int:
        """A shared post only shortens the limit."""
        return min(idle_seconds, self.session_idle_shared_seconds)

    def code_digits(self, channel: CodeChannel) -> int:
        return self.code_digits_sms if channel is CodeChannel.SMS else self.code_digits_email

    def code_ttl_seconds(self, channel: CodeChannel) -> int:
        return self.code_ttl_sms_seconds if channel is CodeChannel.SMS else self.code_ttl_email_seconds

    def takes_passkey(self, account: Account, *, backup_eligible: bool) -> bool:
        """Whether a passkey that may, or may not, leave its device is one for this person."""
        return not (backup_eligible and self.administrators_passkeys_stay and account.is_administrator)

    def password_rule(self) -> DelayRule:
        """The delays of one typed identifier (THR-01)."""
        return DelayRule(self.password_delays, self.password_failures.limit, self.password_failures.seconds)

    def account_rule(self) -> DelayRule:
        """Whatever the identifier typed, one account fails so many times a day, without delays in between."""
        return DelayRule((0,), self.password_failures.limit, self.password_failures.seconds)
