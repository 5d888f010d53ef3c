"""Sealing, wrapping and the file of the key-encryption key."""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from gateway.keys.envelope import Envelope, UnreadableError
from gateway.keys.field_cipher import BlindIndex, FieldCipher, Place
from gateway.keys.key_encryption_key import KeyEncryptionKey, KeyFileError
from gateway.keys.purpose_keys import WrongKeyEncryptionKeyError, draw, unwrap, wrap
from gateway.keys.purposes import Purpose, PurposeKey, WrongPurposeError
from gateway.randomness import system_randomness

PLACE = Place("account", "email", "record-1")


class Keys:
    """Field-encryption keys held in memory."""

    def __init__(self, *epochs: PurposeKey) -> None:
        self.epochs = dict(enumerate(epochs, start=1))

    def newest(self) -> tuple[int, PurposeKey]:
        return max(self.epochs), self.epochs[max(self.epochs)]

    def of_epoch(self, epoch: int) -> PurposeKey:
        return self.epochs[epoch]


def a_key(purpose: Purpose = Purpose.FIELD_ENCRYPTION) -> PurposeKey:
    return draw(purpose, system_randomness)


def a_cipher(*keys: PurposeKey) -> FieldCipher:
    return FieldCipher(Keys(*(keys or (a_key(),))), system_randomness)


@pytest.mark.spec("CRY-01")
def test_a_field_is_sealed_with_aes_256_gcm_and_a_fresh_96_bit_nonce() -> None:
    drawn: list[int] = []

    def randomness(octets: int) -> bytes:
        drawn.append(octets)
        return system_randomness(octets)

    cipher = FieldCipher(Keys(a_key()), randomness)
    first, second = cipher.seal(PLACE, b"secret"), cipher.seal(PLACE, b"secret")
    assert drawn == [12, 12]
    assert first != second
    assert b"secret" not in first
    assert len(first) == 3 + 12 + len(b"secret") + 16
    assert cipher.open(PLACE, first) == cipher.open(PLACE, second) == b"secret"
    with pytest.raises(ValueError, match="32 octets"):
        Envelope(bytes(16))


@pytest.mark.spec("CRY-02")
@pytest.mark.parametrize(
    "elsewhere",
    [PLACE._replace(table="other"), PLACE._replace(column="phone"), PLACE._replace(record="record-2")],
)
def test_a_field_moved_to_another_table_column_or_record_does_not_open(elsewhere: Place) -> None:
    cipher = a_cipher()
    with pytest.raises(UnreadableError):
        cipher.open(elsewhere, cipher.seal(PLACE, b"secret"))


@pytest.mark.spec("CRY-02")
def test_names_that_run_into_each_other_are_different_places() -> None:
    cipher = a_cipher()
    field = cipher.seal(Place("account", "email", "x"), b"secret")
    with pytest.raises(UnreadableError):
        cipher.open(Place("accoun", "temail", "x"), field)


@pytest.mark.spec("CRY-02")
def test_a_field_relabelled_with_another_version_or_epoch_does_not_open() -> None:
    key = a_key()
    cipher = a_cipher(key, key)
    field = cipher.seal(PLACE, b"secret")
    assert field[:3] == b"\x01\x00\x02"
    for header in (b"\x01\x00\x01", b"\x01\x00\x09", b"\x02\x00\x02", b""):
        with pytest.raises(UnreadableError):
            cipher.open(PLACE, header + field[3:])


def test_any_altered_or_missing_octet_makes_a_field_unreadable() -> None:
    cipher = a_cipher()
    field = cipher.seal(PLACE, b"secret")
    for position in range(len(field)):
        altered = bytearray(field)
        altered[position] ^= 1
        with pytest.raises(UnreadableError):
            cipher.open(PLACE, bytes(altered))
        with pytest.raises(UnreadableError):
            cipher.open(PLACE, field[:position])


def test_fields_of_an_older_key_stay_readable_and_new_ones_use_the_newest() -> None:
    old, new = a_key(), a_key()
    before = a_cipher(old).seal(PLACE, b"before")
    cipher = a_cipher(old, new)
    after = cipher.seal(PLACE, b"after")
    assert (cipher.open(PLACE, before), cipher.open(PLACE, after)) == (b"before", b"after")
    with pytest.raises(UnreadableError):
        a_cipher(old).open(PLACE, after)


@pytest.mark.spec("KEY-04")
def test_a_key_of_another_purpose_neither_encrypts_nor_indexes() -> None:
    with pytest.raises(WrongPurposeError):
        a_cipher(a_key(Purpose.LINK)).seal(PLACE, b"secret")
    with pytest.raises(WrongPurposeError):
        BlindIndex(lambda: a_key(Purpose.FIELD_ENCRYPTION)).of("account", "email", "x")


@pytest.mark.spec("CRY-04")
def test_an_index_depends_on_its_key_its_column_and_the_folded_value_alone() -> None:
    key, other = a_key(Purpose.BLIND_INDEX), a_key(Purpose.BLIND_INDEX)
    index = BlindIndex(lambda: key)
    found = index.of("account", "email", "prenoma@exemple.invalid")
    assert found == index.of("account", "email", " PRENOMA@exemple.INVALID ")
    assert found != index.of("account", "rpps", "prenoma@exemple.invalid")
    assert found != index.of("account", "email", "prenomb@exemple.invalid")
    assert found != BlindIndex(lambda: other).of("account", "email", "prenoma@exemple.invalid")
    assert len(found) == 32


@pytest.mark.spec("CRY-01")
def test_a_wrapped_key_opens_only_with_its_own_key_encryption_key() -> None:
    kek = KeyEncryptionKey("kek-1", system_randomness(32))
    key = a_key()
    wrapped = wrap(key, epoch=1, kek=kek, randomness=system_randomness, created_at=None)
    assert key.raw not in wrapped.wrapped
    assert wrapped.kek_id == "kek-1"
    assert unwrap(wrapped, kek) == key
    with pytest.raises(WrongKeyEncryptionKeyError, match="kek-1"):
        unwrap(wrapped, KeyEncryptionKey("kek-2", system_randomness(32)))
    with pytest.raises(UnreadableError):
        unwrap(wrapped, KeyEncryptionKey("kek-1", system_randomness(32)))


def test_a_wrapped_key_cannot_be_given_another_purpose_epoch_or_name() -> None:
    kek = KeyEncryptionKey("kek-1", system_randomness(32))
    wrapped = wrap(a_key(), epoch=1, kek=kek, randomness=system_randomness, created_at=None)
    for change in ({"purpose": Purpose.LINK}, {"epoch": 2}, {"id": "another"}):
        with pytest.raises(UnreadableError):
            unwrap(dataclasses.replace(wrapped, **change), kek)


def test_a_created_key_file_is_for_its_owner_and_loads_as_the_same_key(tmp_path: Path) -> None:
    file = tmp_path / "kek.json"
    before = os.umask(0)
    try:
        created = KeyEncryptionKey.create(file, system_randomness)
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["kek.json"]
    loaded = KeyEncryptionKey.load(file)
    wrapped = created.wrap(b"secret", context=(), randomness=system_randomness)
    assert (loaded.id, loaded.unwrap(wrapped, expected_context=())) == (created.id, b"secret")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o660])
def test_a_key_file_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "kek.json"
    KeyEncryptionKey.create(file, system_randomness)
    file.chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        KeyEncryptionKey.load(file)


def test_a_key_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "kek.json"
    KeyEncryptionKey.create(file, system_randomness)
    content = file.read_bytes()
    with pytest.raises(KeyFileError, match="never overwritten"):
        KeyEncryptionKey.create(file, system_randomness)
    assert file.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nothing",
        "[]",
        "{}",
        json.dumps({"format": "another", "id": "x", "key": "A" * 43}),
        json.dumps({"format": "passerelle-kek-1", "id": "", "key": "A" * 43}),
        json.dumps({"format": "passerelle-kek-1", "id": "x", "key": "A" * 22}),
        json.dumps({"format": "passerelle-kek-1", "id": "x", "key": 7}),
        json.dumps({"format": "passerelle-kek-1", "id": "x", "key": "*" * 43}),
    ],
)
def test_a_damaged_key_file_is_refused_without_showing_what_it_holds(tmp_path: Path, content: str) -> None:
    file = tmp_path / "kek.json"
    file.touch(mode=0o600)
    file.write_text(content)
    with pytest.raises(KeyFileError) as refused:
        KeyEncryptionKey.load(file)
    assert "AAAA" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_missing_key_file_or_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path):
        with pytest.raises(KeyFileError):
            KeyEncryptionKey.load(path)
    with pytest.raises(KeyFileError, match="cannot be created"):
        KeyEncryptionKey.create(tmp_path / "absent" / "kek.json", system_randomness)
