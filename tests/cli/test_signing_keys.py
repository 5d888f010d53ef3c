"""A rotation of the signing keys, as an administrator makes it over three days, seen by an application that knows our JWKS."""

from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.keys.key_ring import KeyRing
from gateway.keys.signer import Signer
from gateway.keys.signing_key import Algorithm, KeyState
from tests.cli.deployment import Deployment

DAY = 86_400


def apply(deployment: Deployment, *flags: str) -> dict[str, Any]:
    plan = deployment.json("rotate", "signing-keys", *flags)["plan"]
    applied: dict[str, Any] = deployment.json("rotate", "signing-keys", "--apply", plan)
    return applied


def states(deployment: Deployment) -> list[str]:
    with deployment.stores() as stores:
        return sorted(f"{key.algorithm} {key.state}" for key in stores.database.signing_keys.all())


def published(deployment: Deployment) -> dict[str, Any]:
    with deployment.serving() as door:
        jwks: dict[str, Any] = door.get("/jwks")
        return jwks


def sign(deployment: Deployment, algorithm: Algorithm = Algorithm.ES256) -> str:
    with deployment.stores() as stores:
        return Signer(KeyRing(stores.database.signing_keys, clock=stores.clock)).sign(
            {"sub": "x"}, typ="JWT", algorithm=algorithm
        )


def verifies(token: str, jwks: dict[str, Any]) -> bool:
    """As an application does, with a library of its own choice."""
    try:
        jwt.decode(token, KeySet.import_key_set(jwks), algorithms=["ES256", "RS256"])  # type: ignore[arg-type]
    except JoseError:
        return False
    return True


@pytest.mark.spec("KEY-01", "KEY-02", "CLI-02")
def test_three_runs_a_day_apart_change_the_keys_and_no_token_ever_fails(deployment):
    first = published(deployment)
    old = [sign(deployment, algorithm) for algorithm in (Algorithm.ES256, Algorithm.RS256)]

    assert {key["state"] for key in apply(deployment)["keys"]} == {"staged"}
    both = published(deployment)
    assert len(both["keys"]) == 4
    assert states(deployment) == ["ES256 active", "ES256 staged", "RS256 active", "RS256 staged"]
    assert verifies(sign(deployment), first)  # who has not read the keys again still understands us

    deployment.set_clock(DAY - 60)
    early = deployment.json("rotate", "signing-keys")
    assert (early["plan"], early["steps"], early["waits_until"] > 0) == (None, [], True)
    deployment.set_clock(DAY + 60)
    assert sorted(key["state"] for key in apply(deployment)["keys"]) == ["active", "active", "retiring", "retiring"]
    new = [sign(deployment, algorithm) for algorithm in (Algorithm.ES256, Algorithm.RS256)]
    assert all(verifies(token, both) for token in new)  # published a day before its use
    assert not any(verifies(token, first) for token in new)
    assert all(verifies(token, published(deployment)) for token in old + new)

    deployment.set_clock(2 * DAY)
    assert deployment.json("rotate", "signing-keys")["steps"] == []
    assert all(verifies(token, published(deployment)) for token in old)
    deployment.set_clock(2 * DAY + 120)
    assert {key["state"] for key in apply(deployment)["keys"]} == {"retired"}
    last = published(deployment)
    assert len(last["keys"]) == 2
    assert all(verifies(token, last) for token in new)
    assert not any(verifies(token, last) for token in old)
    assert states(deployment) == ["ES256 active", "RS256 active"]
    names = [event.name for event in deployment.journal() if event.name.startswith("key.")]
    assert names[2:] == ["key.staged"] * 2 + ["key.activated", "key.retired"] * 2 + ["key.retired"] * 2


@pytest.mark.spec("CLI-02")
def test_a_plan_changes_nothing_and_a_stale_one_is_refused(deployment):
    before = published(deployment)
    plan = deployment.json("rotate", "signing-keys")
    assert [step["to"] for step in plan["steps"]] == ["staged", "staged"]
    assert f"--apply {plan['plan']}" in deployment.run("rotate", "signing-keys").out
    assert published(deployment) == before
    deployment.json("rotate", "signing-keys", "--apply", plan["plan"])
    after = published(deployment)
    for offset in (0, DAY):  # with nothing due, and with another step due
        deployment.set_clock(offset)
        again = deployment.run("rotate", "signing-keys", "--apply", plan["plan"])
        assert (again.code, "moved" in again.err) == (1, True)
        assert published(deployment) == after


@pytest.mark.spec("CLI-02", "CLI-03")
def test_of_two_parallel_applications_of_one_plan_one_is_done(deployment):
    plan = deployment.json("rotate", "signing-keys")["plan"]
    started = [deployment.start("rotate", "signing-keys", "--apply", plan) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in started]
    assert sorted(process.returncode for process in started) == [0, 1], said
    assert len(published(deployment)["keys"]) == 4


@pytest.mark.spec("CLI-03")
@pytest.mark.parametrize(
    ("step", "keys"),
    [
        ("gateway.storage.sql.signing_keys:record", 2),
        ("gateway.storage.sql.signing_keys:SqlSigningKeys.replace", 4),
    ],
)
def test_a_sudden_death_leaves_the_old_keys_or_the_new_ones(deployment, step, keys):
    plan = deployment.json("rotate", "signing-keys")["plan"]
    assert deployment.process("rotate", "signing-keys", "--apply", plan, dying_after=step).code == -9
    assert len(published(deployment)["keys"]) == keys


def test_a_rotation_under_way_is_finished_before_another_begins_unless_asked(deployment):
    apply(deployment)
    deployment.set_clock(DAY)
    apply(deployment)
    deployment.set_clock(2 * DAY)
    assert {step["to"] for step in deployment.json("rotate", "signing-keys")["steps"]} == {"retired"}
    renewed = deployment.json("rotate", "signing-keys", "--renew")
    assert {step["to"] for step in renewed["steps"]} == {"retired", "staged"}
    deployment.json("rotate", "signing-keys", "--apply", renewed["plan"])
    assert states(deployment).count(f"ES256 {KeyState.STAGED}") == 1


def test_doctor_says_when_a_step_is_due(deployment):
    apply(deployment)
    assert "A step is due" not in deployment.run("doctor").out
    deployment.set_clock(DAY)
    assert deployment.run("doctor").out.count("A step is due") == 2
