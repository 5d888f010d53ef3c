"""Identifiers as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.accounts.identifiers import (
    luhn_ok,
    normalise_identifier,
    parse_email,
    parse_finess,
    parse_rpps,
    parse_siret,
    parse_username,
)

FICTITIOUS = ["99900000003", "99900000011", "99900000029", "99900000037", "99900000045"]


def with_key(payload: str) -> str:
    return next(payload + key for key in "0123456789" if luhn_ok(payload + key))


rpps_numbers = st.text("0123456789", min_size=10, max_size=10).map(with_key)


@pytest.mark.spec("R002-11")
@given(rpps_numbers, st.lists(st.tuples(st.integers(0, 11), st.sampled_from(" \t\u00a0\u202f")), max_size=6))
def test_an_rpps_is_understood_with_any_spaces_and_with_its_national_prefix(
    rpps: str, spaces: list[tuple[int, str]]
) -> None:
    for prefix in ("", "8"):
        typed = prefix + rpps
        for place, space in spaces:
            typed = typed[:place] + space + typed[place:]
        assert parse_rpps(typed) == rpps


@given(rpps_numbers, st.integers(0, 10), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(rpps: str, place: int, shift: int) -> None:
    wrong = rpps[:place] + str((int(rpps[place]) + shift) % 10) + rpps[place + 1 :]
    assert parse_rpps(wrong) is None


@given(rpps_numbers)
def test_a_number_with_its_national_prefix_never_passes_as_it_stands(rpps: str) -> None:
    assert not luhn_ok("8" + rpps)


@given(st.text(max_size=30))
def test_anything_can_be_typed(typed: str) -> None:
    for parse in (parse_rpps, parse_finess, parse_siret, parse_username, parse_email):
        parsed = parse(typed)
        assert parsed is None or parse(parsed) == parsed
    kind, value = normalise_identifier(typed)
    assert kind in {"rpps", "email", "username"}
    assert (kind == "rpps") is (parse_rpps(typed) is not None)
    assert value is not None


@pytest.mark.parametrize("rpps", FICTITIOUS)
def test_fictitious_numbers_pass(rpps: str) -> None:
    assert parse_rpps(rpps) == rpps


@pytest.mark.parametrize(
    "typed",
    ["", "9990000001", "999000000111", "10003461033", "99900000011a", "-99900000011", "799900000011", "９" * 10],
)
def test_what_is_not_an_rpps_is_not_cut_into_one(typed: str) -> None:
    assert parse_rpps(typed) is None


def test_full_width_digits_are_digits() -> None:
    assert parse_rpps("".join(chr(0xFF10 + int(digit)) for digit in "99900000011")) == "99900000011"


def test_luhn_refuses_what_is_not_digits() -> None:
    assert not luhn_ok("")
    assert not luhn_ok("²")
    assert not luhn_ok("٣")


def test_finess_numbers_have_their_key_except_in_corsica() -> None:
    assert parse_finess("990 000 010") == "990000010"
    assert parse_finess("990000011") is None
    assert parse_finess("2a0000001") == "2A0000001"
    assert parse_finess("2C0000001") is None


def test_siret_numbers_have_their_key_and_la_poste_its_own() -> None:
    assert parse_siret(with_key("9990000000001")) == with_key("9990000000001")
    assert parse_siret("99900000000000") is None
    post = next(
        f"356000000{nic:05d}"
        for nic in range(100)
        if sum(map(int, f"356000000{nic:05d}")) % 5 == 0 and not luhn_ok(f"356000000{nic:05d}")
    )
    assert parse_siret(post) == post
    assert parse_siret("3560000000000²") is None


@pytest.mark.spec("R002-12")
def test_a_user_name_never_looks_like_another_identifier() -> None:
    assert parse_username(" Claire.Fontaine ") == "claire.fontaine"
    assert parse_username("Ttest31") == "ttest31"
    for name in ("999.000.000.11", "99900000-011", "8_999_000_000_11", "８９９９0000001１"):
        assert parse_username(name) is None, "somebody's number, to whoever reads it"
    for name in ("99900000011", "12345", "claire@exemple.fr", "", "-claire", "claire fontaine", "c" * 65):
        assert parse_username(name) is None


def test_an_address_that_could_break_a_header_is_refused() -> None:
    assert parse_email(" Claire.Fontaine@Exemple.FR ") == "Claire.Fontaine@exemple.fr"
    for address in (
        "claire",
        "claire@",
        "@exemple.fr",
        "a@b",
        "a b@exemple.fr",
        "a@exemple.fr\r\nBcc: x@y.fr",
        "a@@b.fr",
        "a,b@c.fr",
    ):
        assert parse_email(address) is None
