"""How signing keys come, serve and go (KEY-01, KEY-02): a plan first, then its application (CLI-02).

`plan` is pure: from the keys and the hour it says what may be done now. A key is published `publish_lead` before it signs,
so that an application which caches our keys knows it already; it stays published `retain` after. Only the very first
keys of a deployment sign at once, because nobody can have cached anything. `apply_plan` refuses when the keys moved.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.journal.effects import NO_EFFECTS, Effects, because
from gateway.journal.events import Event, Outcome
from gateway.keys.ports import KeysMovedError, SigningKeyStore
from gateway.keys.signing_key import Algorithm, KeyState, SigningKey
from gateway.randomness import Randomness, opaque

DAY = 86_400
FORWARD = {
    (None, KeyState.STAGED): "key.staged",
    (None, KeyState.ACTIVE): "key.activated",
    (KeyState.STAGED, KeyState.ACTIVE): "key.activated",
    (KeyState.ACTIVE, KeyState.RETIRING): "key.retired",
    (KeyState.RETIRING, KeyState.RETIRED): "key.retired",
    (KeyState.STAGED, KeyState.RETIRED): "key.retired",
}
"""Every lawful transition and the journal event that says it. The last one abandons a key that never signed."""


class UnlawfulStepError(ValueError):
    """A transition that is not forward, or of a key that is not in the state the plan says."""


@dataclass(frozen=True, slots=True)
class RotationRules:
    """Seconds. `period`: the age at which an active key gets a successor without being asked. `algorithms`: those that sign;
    the key of one that is no longer among them stays as it is."""

    publish_lead: int = DAY
    retain: int = DAY
    period: int = 90 * DAY
    algorithms: tuple[Algorithm, ...] = (Algorithm.ES256, Algorithm.RS256)
    rsa_bits: int = 3072


@dataclass(frozen=True, slots=True)
class Step:
    """`kid` None: a key to be made. `before` None: it does not exist yet."""

    algorithm: Algorithm
    kid: str | None
    before: KeyState | None
    after: KeyState


@dataclass(frozen=True, slots=True)
class Plan:
    """`waits_until`: the first instant at which a further step becomes possible, None when nothing is under way."""

    steps: tuple[Step, ...]
    expected_version: int
    waits_until: float | None = None

    @property
    def hash(self) -> str:
        """Names this exact change of this exact state: what a person approves."""
        written = json.dumps(
            [self.expected_version, [[step.algorithm, step.kid, step.before, step.after] for step in self.steps]]
        )
        return hashlib.sha256(written.encode()).hexdigest()[:16]


def plan(keys: Sequence[SigningKey], now: float, *, version: int, rules: RotationRules, renew: bool = False) -> Plan:
    """What is due now. `renew`: someone asks for a rotation, so a successor is staged whatever the age of the key."""
    draft = _Draft(now)
    for algorithm in rules.algorithms:
        _plan_one(algorithm, keys, rules, draft, renew=renew)
    for key in keys:
        if key.state is KeyState.RETIRING:
            draft.due(key, KeyState.RETIRED, key.state_since + rules.retain)
    return Plan(tuple(draft.steps), version, min(draft.waits, default=None))


def plan_abandon(keys: Sequence[SigningKey], kid: str, *, version: int) -> Plan:
    """Withdraws a staged key before it ever signs."""
    for key in keys:
        if key.kid == kid and key.state is KeyState.STAGED:
            return Plan((Step(key.algorithm, kid, KeyState.STAGED, KeyState.RETIRED),), version)
    raise UnlawfulStepError(f"{kid} is not a staged key")


@dataclass(slots=True)
class _Draft:
    now: float
    steps: list[Step] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def due(self, key: SigningKey, after: KeyState, at: float) -> bool:
        if self.now < at:
            self.waits.append(at)
            return False
        self.steps.append(Step(key.algorithm, key.kid, key.state, after))
        return True


def _plan_one(
    algorithm: Algorithm, keys: Sequence[SigningKey], rules: RotationRules, draft: _Draft, *, renew: bool
) -> None:
    own = [key for key in keys if key.algorithm is algorithm]
    active = next((key for key in own if key.state is KeyState.ACTIVE), None)
    staged = next((key for key in own if key.state is KeyState.STAGED), None)
    if not keys:
        draft.steps.append(Step(algorithm, None, None, KeyState.ACTIVE))
    elif staged is not None:
        if draft.due(staged, KeyState.ACTIVE, staged.state_since + rules.publish_lead) and active is not None:
            draft.steps.append(Step(algorithm, active.kid, KeyState.ACTIVE, KeyState.RETIRING))
    elif active is None or renew or draft.now >= active.state_since + rules.period - rules.publish_lead:
        draft.steps.append(Step(algorithm, None, None, KeyState.STAGED))
    else:
        draft.waits.append(active.state_since + rules.period - rules.publish_lead)


def apply_plan(
    approved: Plan,
    store: SigningKeyStore,
    *,
    now: float,
    randomness: Randomness,
    rules: RotationRules,
    operator: str,
    effects: Effects = NO_EFFECTS,
) -> Sequence[SigningKey]:
    """Does exactly the approved plan in one transaction, with a journal line per step; gives the keys as they became.
    KeysMovedError when the stored keys are not the ones it was made from."""
    if store.version() != approved.expected_version:
        raise KeysMovedError(approved.hash)
    known = {key.kid: key for key in store.all()}
    changed: list[SigningKey] = []
    events: list[Event] = []
    for step in approved.steps:
        if (step.before, step.after) not in FORWARD:
            raise UnlawfulStepError(f"{step.before} to {step.after}")
        if step.kid is None:
            key = new_key(step.algorithm, step.after, now=now, randomness=randomness, rsa_bits=rules.rsa_bits)
        elif step.kid in known and known[step.kid].state is step.before:
            key = replace(known[step.kid], state=step.after, state_since=now)
        else:
            raise UnlawfulStepError(f"{step.kid} is not {step.before}")
        changed.append(key)
        events.append(_event(key, FORWARD[step.before, step.after], now, operator, approved.hash))
    store.replace(changed, expected_version=approved.expected_version, effects=because(*events) + effects)
    return changed


def new_key(
    algorithm: Algorithm, state: KeyState, *, now: float, randomness: Randomness, rsa_bits: int = 3072
) -> SigningKey:
    """A P-256 key for ES256, Ed25519 for EdDSA, an RSA key of `rsa_bits` for RS256 and another for PS256. `kid` is random: it
    says nothing (KEY-05)."""
    kid = opaque(randomness, 12)
    key: ECKey | OKPKey | RSAKey
    if algorithm is Algorithm.ES256:
        key = ECKey.generate_key("P-256")
    elif algorithm is Algorithm.EDDSA:
        key = OKPKey.generate_key("Ed25519")
    elif rsa_bits >= 2048:
        key = RSAKey.generate_key(rsa_bits)
    else:
        raise ValueError("an RSA key has at least 2048 bits")
    public = {name: str(value) for name, value in key.as_dict(private=False).items()}
    return SigningKey(
        kid=kid,
        algorithm=algorithm,
        state=state,
        public_jwk=public | {"kid": kid, "use": "sig", "alg": str(algorithm)},
        private_pem=key.as_pem(private=True),
        created_at=now,
        state_since=now,
    )


def _event(key: SigningKey, name: str, now: float, operator: str, plan_hash: str) -> Event:
    details = {"kid": key.kid, "algorithm": str(key.algorithm), "operator": operator, "plan": plan_hash}
    return Event(name, Outcome.SUCCESS, now, reason=str(key.state), details=details)
