"""The sheet of recovery codes, and the sign-in by one of them."""

import math

import pytest

from gateway.keys.purposes import Purpose
from gateway.signin.evidence import Means
from gateway.signin.gone import TransactionMoved
from gateway.signin.journey import Step
from gateway.signin.recovery.codes import ALPHABET, LENGTH, new_code, recovery_digest
from gateway.signin.transaction import Demand
from gateway.signin.tries import FactorRefused
from tests.fakes import CountedRandomness
from tests.unit.signin.factor_world import enrolled
from tests.unit.signin.world import CONTEXT, World, key


@pytest.fixture
def world() -> World:
    return World()


def told(world: World) -> list[str]:
    return [str(item.payload["what"]) for item in world.written.sent("notice")]


def with_code(world: World, code: str, demand: Demand | None = None):
    txn = world.journey.choose_factor(world.with_password(demand), "recovery_code")
    assert world.step(txn) is Step.RECOVERY_CODE
    return world.recovery.submit(txn, code, CONTEXT)


@pytest.mark.spec("FID-12")
def test_ten_codes_of_64_bits_and_more_without_look_alikes(world: World) -> None:
    sheet = world.sheets.make(world.claire, CONTEXT)
    assert len(set(sheet)) == 10
    assert LENGTH * math.log2(len(ALPHABET)) >= 64
    assert not set(ALPHABET) & set("01OIQLBGSUVZAE")
    for code in sheet:
        assert [len(group) for group in code.split("-")] == [5, 5, 5]
        assert set(code) <= {*ALPHABET, "-"}


@pytest.mark.spec("FID-12")
def test_every_character_is_equally_likely() -> None:
    randomness = CountedRandomness()
    drawn = "".join(new_code(randomness) for _ in range(4_000))
    expected = len(drawn) / len(ALPHABET)
    chi_square = sum((drawn.count(one) - expected) ** 2 / expected for one in ALPHABET)
    assert chi_square < 46.8, "99.9 % of fair draws with 21 degrees of freedom stay below"


@pytest.mark.spec("FID-12", "OTP-08")
def test_a_code_is_kept_as_a_hash_under_a_key_of_its_own_and_for_its_account(world: World) -> None:
    (code, *_) = world.sheets.make(world.claire, CONTEXT)
    typed = code.replace("-", "")
    mine = recovery_digest(key(Purpose.RECOVERY_CODE), world.claire.id, typed)
    assert mine in world.recovery_code_sets.unused[world.claire.id]
    assert recovery_digest(key(Purpose.RECOVERY_CODE), "somebody-else", typed) != mine
    assert typed.encode() not in b"".join(world.recovery_code_sets.unused[world.claire.id])
    assert code not in str(world.written.outgoing) + str(world.written.events)


@pytest.mark.spec("FID-12", "LOA-02")
def test_a_code_signs_in_once_at_the_level_of_the_weakest_code_and_its_holder_is_told(world: World) -> None:
    (code, *_) = world.sheets.make(world.claire, CONTEXT)
    session = world.complete(with_code(world, code))
    assurance = world.gate.assurance(session)
    assert (assurance.acr, assurance.amr) == ("urn:passerelle:acr:pwd-otp-mail", ("pwd", "otp"))
    assert told(world) == ["recovery_codes_made", "recovery_code_used"]
    assert world.sheets.left(world.claire) == 9
    with pytest.raises(FactorRefused):
        with_code(world, code)


@pytest.mark.spec("FID-12")
@pytest.mark.parametrize(
    "written",
    [str.lower, lambda code: code.replace("-", ""), lambda code: code.replace("-", " "), lambda code: f" {code}\n",
     lambda code: code.replace("-", "–")],
    ids=["lower", "joined", "spaces", "around", "dashes"],
)  # fmt: skip
def test_how_a_code_is_written_does_not_matter(world: World, written) -> None:
    (code, *_) = world.sheets.make(world.claire, CONTEXT)
    assert world.step(with_code(world, written(code))) is Step.COMPLETE


@pytest.mark.spec("FID-12")
def test_a_new_sheet_revokes_the_one_before(world: World) -> None:
    (old, *_) = world.sheets.make(world.claire, CONTEXT)
    (new, *_) = world.sheets.make(world.claire, CONTEXT)
    with pytest.raises(FactorRefused):
        with_code(world, old)
    assert world.step(with_code(world, new)) is Step.COMPLETE


def test_a_code_of_somebody_else_signs_nobody_in(world: World) -> None:
    (theirs, *_) = world.sheets.make(world.person("paul"), CONTEXT)
    world.sheets.make(world.claire, CONTEXT)
    with pytest.raises(FactorRefused):
        with_code(world, theirs)


@pytest.mark.spec("OTP-04")
def test_five_tries_and_the_holder_is_told(world: World) -> None:
    (code, *_) = world.sheets.make(world.claire, CONTEXT)
    txn = world.journey.choose_factor(world.with_password(), "recovery_code")
    for _ in range(5):
        with pytest.raises(FactorRefused):
            world.recovery.submit(world.stored(txn), "WRONG", CONTEXT)
    with pytest.raises(TransactionMoved):
        world.recovery.submit(world.stored(txn), code, CONTEXT)
    assert world.step(txn) is Step.FACTOR
    assert told(world)[-1] == "password_wrong_code"


def test_a_recovery_code_is_asked_only_by_choice(world: World) -> None:
    world.sheets.make(world.claire, CONTEXT)
    txn = world.with_password()
    assert world.step(txn) is Step.CODE
    assert world.journey.second_factors(txn) == (Means.EMAIL_CODE, Means.RECOVERY_CODE)
    enrolled(world)
    assert world.journey.second_factors(world.with_password()) == (Means.TOTP, Means.EMAIL_CODE, Means.RECOVERY_CODE)


@pytest.mark.spec("LOA-04")
def test_a_recovery_code_is_not_offered_where_more_is_wanted(world: World) -> None:
    world.sheets.make(world.claire, CONTEXT)
    enrolled(world)
    txn = world.with_password(Demand(min_acr="urn:passerelle:acr:pwd-otp-sms"))
    assert world.journey.second_factors(txn) == (Means.TOTP,)
    (code, *_) = world.sheets.make(world.claire, CONTEXT)
    with pytest.raises(TransactionMoved):
        world.recovery.submit(txn, code, CONTEXT)
