"""The trusted device: a signature over a fresh challenge, or a code."""

import pytest

from gateway.signin.journey import Step, TransactionMoved
from gateway.signin.policy import DAY
from tests.unit.signin.world import CONTEXT, Device, World


def test_a_signature_by_the_key_of_the_device_is_the_second_step() -> None:
    world = World()
    device, device_id = world.trusted_device()
    world.clock.advance(DAY)
    txn, challenge = world.device.challenge(world.with_password(), device_id)
    txn = world.device.submit(txn, device_id, device.sign(challenge), CONTEXT)
    assert world.step(txn, device_id) is Step.COMPLETE
    assert world.gate.assurance(world.complete(txn)).amr == ("pwd", "swk")
    assert world.devices.records[device_id].last_used_at == world.clock.now()
    assert world.devices.records[device_id].proved_at < world.clock.now()


@pytest.mark.spec("LOA-07")
def test_a_copied_cookie_without_the_key_is_asked_a_code_and_no_error_loops() -> None:
    world = World()
    device, device_id = world.trusted_device()
    thief = Device()

    def other_origin(challenge: str) -> bytes:
        return device.sign(challenge, origin="https://ailleurs.exemple.fr")

    for forge in (thief.sign, other_origin, lambda _: b"", lambda _: b"\x00" * 64, lambda c: device.sign(c + "x")):
        txn, challenge = world.device.challenge(world.with_password(), device_id)
        txn = world.device.submit(txn, device_id, forge(challenge), CONTEXT)
        assert world.step(txn, device_id) is Step.CODE
    assert [line.reason for line in world.written.of("signin.device")] == ["not_proved"] * 5


def test_a_challenge_serves_once() -> None:
    world = World()
    device, device_id = world.trusted_device()
    txn, challenge = world.device.challenge(world.with_password(), device_id)
    signature = device.sign(challenge)
    world.device.submit(txn, device_id, signature, CONTEXT)
    with pytest.raises(TransactionMoved):
        world.device.submit(txn, device_id, signature, CONTEXT)
    other, fresh = world.device.challenge(world.with_password(), device_id)
    assert fresh != challenge
    assert world.step(world.device.submit(other, device_id, signature, CONTEXT), device_id) is Step.CODE


def test_a_signature_without_a_challenge_proves_nothing() -> None:
    world = World()
    device, device_id = world.trusted_device()
    txn = world.device.submit(world.with_password(), device_id, device.sign(""), CONTEXT)
    assert world.step(txn, device_id) is Step.CODE


def test_a_trust_that_ends_between_challenge_and_signature_proves_nothing() -> None:
    world = World()
    device, device_id = world.trusted_device()
    world.clock.advance(30 * DAY - 1)
    txn, challenge = world.device.challenge(world.with_password(), device_id)
    world.clock.advance(1)
    assert world.step(world.device.submit(txn, device_id, device.sign(challenge), CONTEXT), device_id) is Step.CODE


def test_somebody_elses_device_proves_nothing() -> None:
    world = World()
    world.person("denis")
    device, device_id = world.trusted_device()
    txn, challenge = world.device.challenge(world.with_password(who="denis"), device_id)
    assert world.step(world.device.submit(txn, device_id, device.sign(challenge), CONTEXT), device_id) is Step.CODE


def test_a_browser_without_its_key_skips_to_the_code() -> None:
    world = World()
    _, device_id = world.trusted_device()
    txn = world.with_password()
    assert world.step(txn, device_id) is Step.DEVICE
    assert world.step(world.device.skip(txn), device_id) is Step.CODE


def test_no_challenge_before_the_password() -> None:
    world = World()
    _, device_id = world.trusted_device()
    with pytest.raises(TransactionMoved):
        world.device.challenge(world.open(), device_id)
