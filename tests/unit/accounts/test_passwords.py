"""Passwords: which are accepted, how they rest."""

import base64
import socket
import threading
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.breached_passwords import BreachedPasswords, UnreadableSetError, index, sha1_of
from gateway.accounts.common_passwords import common_passwords
from gateway.accounts.hashing_pool import HashingPool
from gateway.accounts.password_hash import Argon2Parameters, PasswordHasher
from gateway.accounts.password_policy import (
    PasswordKnown,
    PasswordPolicy,
    PasswordTooLong,
    PasswordTooWeak,
    entropy,
)
from gateway.keys.purposes import Purpose, PurposeKey, WrongPurposeError
from tests.fakes import CountedRandomness

PEPPER = PurposeKey(Purpose.PASSWORD_PEPPER, b"p" * 32)
LIGHT = Argon2Parameters(memory=64, passes=1)
HASHER = PasswordHasher(PEPPER, CountedRandomness(), LIGHT)
POLICY = PasswordPolicy(common_passwords(), ["Passerelle", "Maison des Tilleuls"])


def account(*, administrator: bool = False) -> Account:
    return Account(
        id="an-account",
        username="claire.fontaine",
        family_name="Fontaine",
        given_name="Claire",
        email="claire.fontaine@cabinet.exemple.fr",
        status=AccountStatus.ACTIVE,
        created_at=0.0,
        rpps="99900000011",
        is_administrator=administrator,
    )


@pytest.mark.spec("PWD-02")
@pytest.mark.parametrize(
    ("password", "bits"),
    [
        ("abcdefghijkl", 56.4),
        ("493817264058", 39.9),
        ("4938172640583917", 53.2),
        ("aB3dE5gH", 47.6),
        ("aB3dE5gHiJ7lM9", 83.4),
        ("aB3dE5gH!J7-", 79.6),
        ("abcdefghijklmnopqr", 84.6),
    ],
)
def test_entropy_is_computed_as_the_table_says(password: str, bits: float) -> None:
    assert int(entropy(password) * 10) / 10 == pytest.approx(bits, abs=0.11)


@pytest.mark.spec("PWD-02", "AC-009")
def test_twelve_digits_are_refused_in_words_of_length() -> None:
    with pytest.raises(PasswordTooWeak) as refusal:
        POLICY.check("493817264058", account())
    assert refusal.value.text == "password.too_short"
    assert refusal.value.facts["missing_length"] == 4
    POLICY.check("4938172640583917", account())


@pytest.mark.spec("PWD-01")
def test_twelve_characters_are_needed_counted_after_composition() -> None:
    with pytest.raises(PasswordTooWeak) as refusal:
        POLICY.check("kqzvhwlnrtb", account())
    assert refusal.value.facts["missing_length"] == 1
    POLICY.check("kqzvhwlnrtbm", account())
    decomposed = unicodedata.normalize("NFD", "ééééééézvqx")
    assert len(decomposed) > 12
    with pytest.raises(PasswordTooWeak):
        POLICY.check(decomposed, account())


@pytest.mark.spec("PWD-01")
def test_any_character_is_accepted_up_to_256_of_them() -> None:
    POLICY.check("une phrase de passe longue sans chiffre ni capitale", account())
    POLICY.check("🦊🦔🐿🦡🦫🦦🐇🐁🦇🐺🦌🐗", account())
    POLICY.check("aé 🦊" * 64, account())
    with pytest.raises(PasswordTooLong):
        POLICY.check("aé 🦊" * 64 + "x", account())


def test_an_administrator_needs_fifteen_characters_and_eighty_bits() -> None:
    for weak, missing in (("kqzvhwlnrtbmdf", 4), ("kqzvhwlnrtbmdfg", 3), ("aB3dE5gH!J7-kM", 1)):
        with pytest.raises(PasswordTooWeak) as refusal:
            POLICY.check(weak, account(administrator=True))
        assert refusal.value.facts["missing_length"] == missing
    POLICY.check("kqzvhwlnrtbmdfgpxs", account(administrator=True))
    POLICY.check("aB3dE5gH!J7-kMq", account(administrator=True))


@pytest.mark.spec("PWD-03")
@pytest.mark.parametrize(
    "password",
    [
        "azertyuiop123",
        "AzertyUiop123",
        "motdepasse123!",
        "passerelle2026",
        "Maison des Tilleuls",
        "maisondestilleuls26",
        "claire.fontaine",
        "Fontaine123456",
        "fontaineclaire1!",
        "claire.fontaine@cabinet.exemple.fr",
    ],
)
def test_known_passwords_and_ones_own_words_are_refused(password: str) -> None:
    with pytest.raises(PasswordKnown):
        POLICY.check(password, account())


def test_a_known_word_inside_a_longer_phrase_is_accepted() -> None:
    POLICY.check("claire chante sous la pluie", account())


@pytest.mark.spec("PWD-03")
def test_the_list_holds_thousands_of_passwords_that_would_otherwise_pass() -> None:
    permissive = PasswordPolicy([])
    listed = common_passwords()
    entries = set(listed)
    assert len(entries) >= 3_000
    two = "\n".join(list(listed)[:2])
    assert [part for part in ("", "\n", "\ud800", "motdepass", two, f"{two}\n") if part in listed] == []
    assert [entry for entry in entries if len(entry) < 12 or entropy(entry) < 50] == []
    stranger = replace(account(), username="zo", given_name="Zo", family_name="Zy", email="zo@zy.exemple")
    for entry in sorted(entries)[::50]:
        permissive.check(entry, stranger)
        assert entry in listed


@pytest.mark.spec("PWD-03")
@pytest.mark.parametrize(
    "password",
    [
        "Soleil123456!",
        "M0tdep@sse2026",
        "Septembre2026!",
        "sandrine1984!",
        "AllezLOM-2024",
        "qwertyuiop1234",
        "Marseille13013",
    ],
)
def test_what_people_make_of_a_common_word_is_on_the_list(password: str) -> None:
    with pytest.raises(PasswordKnown):
        PasswordPolicy(common_passwords()).check(password, account())


@pytest.mark.spec("PWD-03", "AC-011")
@pytest.mark.parametrize(
    "password", ["Foyer des Grands Chênes", "foyerdesgrandschênes2026", "2026 FOYER des grands chênes !"]
)
def test_the_name_of_ones_establishment_is_refused_alone_and_with_a_year(password: str) -> None:
    policy = PasswordPolicy([], words_of=lambda whose: ["Foyer des Grands Chênes"] if whose == account() else [])
    with pytest.raises(PasswordKnown) as refusal:
        policy.check(password, account())
    assert refusal.value.text == "password.known"
    policy.check(password, replace(account(), id="somebody-elses"))


BREACHED = [f"breached password number {number}" for number in range(500)]


@pytest.fixture(params=["lines", "compact"])
def breached_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    lines = tmp_path / "lines.txt"
    digests = sorted(sha1_of(password) for password in BREACHED)
    lines.write_text("".join(f"{digest.hex().upper()}:{number + 1}\r\n" for number, digest in enumerate(digests)))
    if request.param == "lines":
        return lines
    assert index(lines, tmp_path / "compact.set") == 500
    return tmp_path / "compact.set"


@pytest.mark.spec("PWD-04")
def test_a_breached_password_is_found_on_the_disk_and_refused(breached_file: Path) -> None:
    found = BreachedPasswords(breached_file)
    assert all(password in found for password in BREACHED)
    assert not [number for number in range(2_000) if f"no breach knows number {number}" in found]
    policy = PasswordPolicy([], breached=found)
    with pytest.raises(PasswordKnown):
        policy.check(BREACHED[7], account())
    policy.check("no breach knows this one", account())
    assert policy.is_breached(BREACHED[499])


@pytest.mark.spec("PWD-04")
def test_the_question_leaves_nothing_of_the_password_outside(
    breached_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a breached password is looked for without any network")

    monkeypatch.setattr(socket, "socket", refused)
    assert BREACHED[0] in BreachedPasswords(breached_file)


def test_rare_ones_may_be_left_out_of_the_compact_file(tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    rare, frequent = sorted([sha1_of("rare"), sha1_of("frequent")])
    lines.write_text(f"{rare.hex()}:1\n{frequent.hex()}:250\n")
    assert index(lines, tmp_path / "set", at_least=100) == 1


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ("", "neither"),
        ("password123\n", "neither"),
        ("breached-passwords:1\n0123456789abc", "cut off"),
    ],
    ids=["empty", "clear text", "half a record"],
)
def test_another_file_is_refused(tmp_path: Path, content: str, wrong: str) -> None:
    (tmp_path / "set").write_text(content)
    with pytest.raises(UnreadableSetError, match=wrong):
        BreachedPasswords(tmp_path / "set")


def test_lines_that_are_not_sorted_or_not_lines_make_no_compact_file(tmp_path: Path) -> None:
    one, other = sorted([sha1_of("one").hex(), sha1_of("other").hex()])
    for content in (f"{other}:1\n{one}:1\n", f"{one}:1\n{one}:1\n", f"{one}:1\nmot de passe\n"):
        (tmp_path / "lines").write_text(content)
        with pytest.raises(UnreadableSetError, match="line 2"):
            index(tmp_path / "lines", tmp_path / "set")
    assert not list(tmp_path.glob("set*"))


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=300))
def test_what_was_hashed_verifies_whole_and_in_either_composition(password: str) -> None:
    stored = HASHER.hash("an-account", password)
    assert HASHER.verify("an-account", stored, password)
    assert HASHER.verify("an-account", stored, unicodedata.normalize("NFD", unicodedata.normalize("NFC", password)))
    assert not HASHER.verify("an-account", stored, password + "x")


@pytest.mark.spec("PWD-01", "AC-010")
def test_case_matters_and_nothing_is_cut() -> None:
    phrase = "le martinet dort en volant au dessus des toits de montpellier"
    POLICY.check(phrase, account())
    whole = HASHER.hash("a", phrase)
    assert HASHER.verify("a", whole, phrase)
    assert not HASHER.verify("a", whole, phrase[:-1])
    stored = HASHER.hash("a", "x" * 256 + "y")
    assert not HASHER.verify("a", stored, "x" * 256 + "z")
    assert not HASHER.verify("a", stored, "X" * 256 + "y")


@pytest.mark.spec("PWD-05")
def test_the_stored_value_is_an_argon2id_string_with_its_parameters_and_a_random_salt() -> None:
    first, second = HASHER.hash("a", "secret"), HASHER.hash("a", "secret")
    opened = [HASHER._opened("a", stored) or "" for stored in (first, second)]
    assert all(phc.startswith("$argon2id$v=19$m=64,t=1,p=1$") for phc in opened)
    salts = [base64.b64decode(phc.split("$")[4] + "==") for phc in opened]
    assert len(salts[0]) == len(salts[1]) == 16
    assert salts[0] != salts[1]
    assert Argon2Parameters().phc_prefix() == "$argon2id$v=19$m=19456,t=2,p=1$"


def test_raised_parameters_ask_for_a_new_hash() -> None:
    stored = HASHER.hash("a", "secret")
    assert not HASHER.needs_rehash("a", stored)
    stronger = PasswordHasher(PEPPER, CountedRandomness(), Argon2Parameters(memory=128, passes=1))
    assert stronger.needs_rehash("a", stored)
    assert stronger.verify("a", stored, "secret")


@pytest.mark.spec("PWD-06", "AC-012")
def test_a_stolen_table_verifies_nothing_without_the_pepper_nor_under_another_account() -> None:
    stored = HASHER.hash("a", "secret")
    assert "argon2" not in stored
    other = PasswordHasher(PurposeKey(Purpose.PASSWORD_PEPPER, b"q" * 32), CountedRandomness(), LIGHT)
    assert not other.verify("a", stored, "secret")
    assert not HASHER.verify("b", stored, "secret")
    for spoilt in ("", "v1.", "v1.!!", stored[:-4], "v2." + stored[3:]):
        assert not HASHER.verify("a", spoilt, "secret")
    with pytest.raises(WrongPurposeError):
        PasswordHasher(PurposeKey(Purpose.LINK, b"p" * 32), CountedRandomness())


def test_hashes_wait_for_a_slot() -> None:
    """With one slot, a hash begun while another runs waits for its end."""
    hasher = PasswordHasher(PEPPER, CountedRandomness(), LIGHT, pool=HashingPool(at_once=1, waiting=20))
    inside, most, guard = 0, 0, threading.Lock()
    original = hasher._argon2

    def watched(salt: bytes) -> object:
        nonlocal inside, most
        kdf = original(salt)

        class Watched:
            def derive_phc_encoded(self, octets: bytes) -> str:
                nonlocal inside, most
                with guard:
                    inside += 1
                    most = max(most, inside)
                derived = kdf.derive_phc_encoded(octets)
                with guard:
                    inside -= 1
                return derived

        return Watched()

    hasher._argon2 = watched  # type: ignore[assignment,method-assign]
    threads = [threading.Thread(target=hasher.hash, args=("somebody", "x")) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
