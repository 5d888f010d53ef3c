"""Everything a sign-in needs, over stores made of dictionaries, with people to sign in."""

from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.common_passwords import common_passwords
from gateway.accounts.password_hash import Argon2Parameters, PasswordHasher
from gateway.accounts.password_policy import PasswordPolicy
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.signin.assurance import AssuranceScale
from gateway.signin.demands import Demands
from gateway.signin.enrolment.access_link import AccessLinks
from gateway.signin.enrolment.reset_order import ResetLinks
from gateway.signin.factors import StoredFactors
from gateway.signin.fresh_proof import FreshProof
from gateway.signin.gate import Gate
from gateway.signin.journey import Journey, Step
from gateway.signin.known_browsers import KnownBrowsers
from gateway.signin.linking.pending import IdentitySeal
from gateway.signin.linking.renewal import Renewal
from gateway.signin.one_time_code.code import derive_code
from gateway.signin.one_time_code.signin import CodeSignin
from gateway.signin.one_time_code.sms_gate import SmsGate, SmsPolicy
from gateway.signin.password.new_password import NewPassword
from gateway.signin.password.signin import PasswordSignin
from gateway.signin.password.spray_guard import SprayGuard
from gateway.signin.policy import DAY, SigninPolicy
from gateway.signin.recovery.sheet import RecoverySheets
from gateway.signin.recovery.signin import RecoverySignin
from gateway.signin.remaining_proofs import RemainingProofs
from gateway.signin.request_context import RequestContext
from gateway.signin.session import Session
from gateway.signin.throttle import ThrottleKeys
from gateway.signin.totp.enrolment import TotpEnrolment
from gateway.signin.totp.signin import TotpSignin
from gateway.signin.transaction import Demand, SigninTransaction
from gateway.signin.trusted_device import DeviceSignin, signed_message
from tests.authenticator_fakes import (
    FakeCodeFailures,
    FakeHeld,
    FakePasskeys,
    FakeRecoveryCodes,
    FakeTotpAuthenticators,
)
from tests.fakes import (
    CountedRandomness,
    FakeAccounts,
    FakeCodes,
    FakeDevices,
    FakeFailedIdentifiers,
    FakeLinks,
    FakeSessions,
    FakeSmsMeter,
    FakeStructures,
    FakeThrottle,
    FakeTransactions,
    SetClock,
    Written,
)
from tests.unit.signin.linking.identities import FakeIdentities

CONTEXT = RequestContext("192.0.2.7", "ua", "incident")
PASSWORD = "le héron gris traverse"
ORIGIN = "https://connexion.exemple.fr"
BROWSER = "the browser's cookie"
LIGHT = Argon2Parameters(memory=64, passes=1, lanes=1)


def key(purpose: Purpose) -> PurposeKey:
    return PurposeKey(purpose, purpose.value.encode().ljust(32, b".")[:32])


class CountingHasher(PasswordHasher):
    """Counts the hashes it computes."""

    computed = 0

    def _argon2(self, salt: bytes) -> Any:
        self.computed += 1
        return super()._argon2(salt)

    def _verified(self, phc: str, password: str) -> bool:
        self.computed += 1
        return super()._verified(phc, password)


class Device:
    """A browser with its key."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    @property
    def public_key(self) -> bytes:
        return self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )

    def sign(self, challenge: str, origin: str = ORIGIN) -> bytes:
        r, s = utils.decode_dss_signature(self._key.sign(signed_message(origin, challenge), ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class World:
    def __init__(self, policy: SigninPolicy | None = None) -> None:
        self.policy = policy or SigninPolicy(otp_interval_seconds=30 * DAY)
        self.clock = SetClock()
        self.randomness = CountedRandomness()
        self.written = Written()
        self.transactions = FakeTransactions(self.written)
        self.sessions = FakeSessions(self.written)
        self.codes = FakeCodes(self.written)
        self.throttle = FakeThrottle(self.written)
        self.links = FakeLinks(self.written)
        self.devices = FakeDevices(self.written)
        self.accounts = FakeAccounts(self.written, self.links, self.devices)
        self.identities = FakeIdentities(self.written, self.accounts, self.links, self.devices)
        self.structures = FakeStructures()
        self.totp_authenticators = FakeTotpAuthenticators(self.written)
        self.recovery_code_sets = FakeRecoveryCodes(self.written)
        self.code_failures = FakeCodeFailures(self.written)
        self.passkey_store = FakePasskeys(self.written, self.accounts)
        self.held = FakeHeld(self.totp_authenticators, self.recovery_code_sets, self.code_failures, self.passkey_store)
        self.factors = StoredFactors(self.held, self.policy)
        self.scale = AssuranceScale()
        self.hasher = CountingHasher(key(Purpose.PASSWORD_PEPPER), self.randomness, LIGHT)
        self.code_key, self.throttle_key = key(Purpose.ONE_TIME_CODE), key(Purpose.THROTTLE)
        self.link_key = key(Purpose.LINK)
        at = {"clock": self.clock, "policy": self.policy}
        self.browsers = KnownBrowsers(
            key=key(Purpose.KNOWN_BROWSER), throttle=self.throttle, throttle_keys=ThrottleKeys(self.throttle_key)
        )
        self.journey = Journey(
            transactions=self.transactions,
            sessions=self.sessions,
            accounts=self.accounts,
            identities=self.identities,
            devices=self.devices,
            factors=self.factors,
            structures=self.structures,
            browsers=self.browsers,
            scale=self.scale,
            randomness=self.randomness,
            **at,
        )
        self.gate = Gate(sessions=self.sessions, accounts=self.accounts, factors=self.factors, scale=self.scale, **at)
        self.seal = IdentitySeal(key(Purpose.PENDING_IDENTITY), self.randomness)
        self.breached: set[str] = set()
        self.failed_identifiers = FakeFailedIdentifiers(self.written)
        self.spray = SprayGuard(
            failed=self.failed_identifiers,
            transactions=self.transactions,
            keys=ThrottleKeys(self.throttle_key),
            **at,
        )
        self.renewal = Renewal(transactions=self.transactions, seal=self.seal, randomness=self.randomness)
        self.password = PasswordSignin(
            renewal=self.renewal,
            accounts=self.accounts,
            throttle=self.throttle,
            spool=self.written,
            hasher=self.hasher,
            throttle_key=self.throttle_key,
            spray=self.spray,
            breached=self.breached,
            **at,
        )
        self.sms_meter = FakeSmsMeter()
        self.code = CodeSignin(
            transactions=self.transactions,
            renewal=self.renewal,
            codes=self.codes,
            accounts=self.accounts,
            devices=self.devices,
            factors=self.factors,
            failures=self.code_failures,
            throttle=self.throttle,
            spool=self.written,
            scale=self.scale,
            code_key=self.code_key,
            throttle_key=self.throttle_key,
            randomness=self.randomness,
            sms=SmsGate(self.sms_meter, self.throttle_key, SmsPolicy(budget_daily=1_000)),
            **at,
        )
        self.device = DeviceSignin(
            transactions=self.transactions,
            accounts=self.accounts,
            devices=self.devices,
            factors=self.factors,
            scale=self.scale,
            origin=ORIGIN,
            randomness=self.randomness,
            **at,
        )
        self.demands = Demands(self.scale, self.policy, self.factors)
        self.totp = TotpSignin(
            transactions=self.transactions,
            renewal=self.renewal,
            accounts=self.accounts,
            devices=self.devices,
            totp=self.totp_authenticators,
            demands=self.demands,
            randomness=self.randomness,
            **at,
        )
        self.recovery_key = key(Purpose.RECOVERY_CODE)
        self.recovery = RecoverySignin(
            transactions=self.transactions,
            renewal=self.renewal,
            accounts=self.accounts,
            codes=self.recovery_code_sets,
            spool=self.written,
            demands=self.demands,
            key=self.recovery_key,
            **at,
        )
        self.remaining = RemainingProofs(
            totp=self.totp_authenticators, passkeys=self.passkey_store, identities=self.identities, **at
        )
        self.enrolment = TotpEnrolment(
            totp=self.totp_authenticators,
            sessions=self.sessions,
            remaining=self.remaining,
            randomness=self.randomness,
            **at,
        )
        self.sheets = RecoverySheets(
            codes=self.recovery_code_sets, key=self.recovery_key, clock=self.clock, randomness=self.randomness
        )
        self.fresh_proof = FreshProof(journey=self.journey, gate=self.gate, **at)
        self.passwords = PasswordPolicy(common_passwords(), ["Passerelle"], breached=self.breached)
        self.new_password = NewPassword(
            journey=self.journey,
            fresh_proof=self.fresh_proof,
            accounts=self.accounts,
            sessions=self.sessions,
            throttle=self.throttle,
            spool=self.written,
            hasher=self.hasher,
            passwords=self.passwords,
            throttle_key=self.throttle_key,
            **at,
        )
        self.access = AccessLinks(
            accounts=self.accounts,
            links=self.links,
            sessions=self.sessions,
            throttle=self.throttle,
            spool=self.written,
            hasher=self.hasher,
            passwords=self.passwords,
            throttle_key=self.throttle_key,
            **at,
        )
        self.resets = ResetLinks(
            accounts=self.accounts,
            links=self.links,
            link_key=self.link_key,
            ttl_seconds=self.policy.link_ttl_seconds,
            randomness=self.randomness,
        )
        self.claire = self.person("claire", rpps="99900000011")

    def person(self, username: str, *, password: str | None = PASSWORD, **fields: Any) -> Account:
        account = Account(
            id=f"id-of-{username}",
            username=username,
            family_name="Fontaine",
            given_name="Claire",
            email=f"{username}@exemple.fr",
            status=AccountStatus.ACTIVE,
            created_at=0.0,
            email_verified_at=0.0,
        )
        hashed = self.hasher.hash(account.id, password) if password is not None else None
        return self.accounts.put(replace(account, **{"password_hash": hashed, **fields}))

    def ask_reset(self, typed: str, context: RequestContext = CONTEXT) -> None:
        """Asks, and does what the jobs do with the order."""
        self.clock.advance(1)
        known = len(self.written.sent("reset"))
        self.access.request_reset(typed, context)
        for order in self.written.sent("reset")[known:]:
            self.resets.issue(str(order.payload["account"]), int(order.payload["asked_at"]), self.clock.now())

    def change(self, account: Account, **fields: Any) -> Account:
        return self.accounts.put(replace(self.accounts.records[account.id], **fields))

    def open(self, demand: Demand | None = None, session: Session | None = None) -> SigninTransaction:
        return self.journey.open(
            demand or Demand(), {"resume": "/"}, browser_cookie=BROWSER, session=session, context=CONTEXT
        )

    def step(self, txn: SigninTransaction, device_id: str | None = None) -> Step:
        return self.journey.next_step(self.stored(txn), device_id=device_id)

    def step_in(self, browser: str, txn: SigninTransaction) -> Step:
        return self.journey.next_step(self.journey.find(txn.handle, browser_cookie=browser), device_id=None)

    def stored(self, txn: SigninTransaction) -> SigninTransaction:
        return self.journey.find(txn.handle, browser_cookie=BROWSER)

    def with_password(
        self, demand: Demand | None = None, *, who: str = "claire", session: Session | None = None
    ) -> SigninTransaction:
        return self.password.submit(self.open(demand, session), who, PASSWORD, CONTEXT)

    def sent_code(self, nth: int = -1) -> str:
        order = self.written.sent("one_time_code")[nth].payload
        digits = 6 if order["channel"] == "sms" else 8
        return derive_code(self.code_key, str(order["challenge"]), int(order["send_number"]), digits)

    def with_code(
        self, demand: Demand | None = None, *, who: str = "claire", device: Device | None = None
    ) -> SigninTransaction:
        txn = self.code.start(self.with_password(demand, who=who), CONTEXT)
        key_of_device = device.public_key if device is not None else None
        return self.code.submit(txn, self.sent_code(), CONTEXT, device_public_key=key_of_device)[0]

    def complete(self, txn: SigninTransaction, previous: str | None = None) -> Session:
        return self.journey.complete(txn, previous_session=previous, context=CONTEXT)

    def signed_in(self, demand: Demand | None = None, *, who: str = "claire") -> Session:
        return self.complete(self.with_code(demand, who=who))

    def trusted_device(self) -> tuple[Device, str]:
        """A device of Claire's, trusted now, and its identifier."""
        device = Device()
        self.complete(self.with_code(device=device))
        return device, next(iter(self.devices.records))
