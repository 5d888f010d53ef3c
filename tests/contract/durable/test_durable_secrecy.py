"""What a thief of the database can read, and what he can move (CRY-01, CRY-02, CRY-04)."""

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import sqlalchemy as sa

from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.keys.envelope import UnreadableError
from gateway.keys.key_encryption_key import KeyEncryptionKey
from gateway.keys.purpose_keys import KeyStaysError, WrongKeyEncryptionKeyError, draw
from gateway.keys.purposes import Purpose
from gateway.keys.signing_key import Algorithm, KeyState, SigningKey
from gateway.randomness import system_randomness
from gateway.storage.sql import Database, tables
from tests.contract.durable.samples import NOW, an_account, lines, told

CANARIES = {
    "family_name": "Canarinom",
    "given_name": "Canariprénom",
    "email": "canari@exemple.invalid",
    "phone": "+33639989999",
    "rpps": "99900000037",
    "password_hash": "$argon2id$canari",
}
PRIVATE_PEM = b"-----BEGIN PRIVATE KEY-----\ncanari\n-----END PRIVATE KEY-----\n"


def a_signing_key(kid: str = "kid-1", **changes: object) -> SigningKey:
    key = SigningKey(kid, Algorithm.ES256, KeyState.ACTIVE, {"kty": "EC"}, PRIVATE_PEM, NOW, NOW)
    return dataclasses.replace(key, **changes)  # type: ignore[arg-type]


def dump(engine: sa.Engine) -> bytes:
    """Every value of every table, as text and as bytes."""
    with engine.connect() as connection:
        values = [
            value
            for table in [*tables.metadata.sorted_tables]
            for row in connection.execute(sa.select(table))
            for value in row
        ]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


@pytest.mark.spec("CRY-01", "CRY-04")
def test_a_dump_of_the_database_shows_no_name_address_phone_rpps_password_or_private_key(
    database: Database, raw: sa.Engine, tmp_path: Path
) -> None:
    database.accounts.create(an_account(username="agent-canari", **CANARIES), told("account.created"))
    database.signing_keys.replace([a_signing_key()], expected_version=0, effects=NO_EFFECTS)
    secrets = [*(value.encode() for value in CANARIES.values()), PRIVATE_PEM]
    secrets += [database.purpose_keys.get(purpose).raw for purpose in Purpose]
    contents = [dump(raw), *(file.read_bytes() for file in tmp_path.glob("durable.db*"))]
    assert b"agent-canari" in contents[0]
    for content in contents:
        assert [secret for secret in secrets if secret in content or secret.hex().encode() in content] == []


@pytest.mark.spec("CRY-02")
@pytest.mark.parametrize("column", CANARIES)
def test_ciphertexts_swapped_between_two_accounts_do_not_open(database: Database, raw: sa.Engine, column: str) -> None:
    one, other = an_account(1, **CANARIES), an_account(2, phone="+33639980002", rpps="99900000011", password_hash="x")
    for account in (one, other):
        database.accounts.create(account, NO_EFFECTS)
    table = tables.account
    field = table.c[column]
    with raw.begin() as connection:
        fields = {row[0]: row[1] for row in connection.execute(sa.select(table.c.id, field))}
        for target, origin in ((one.id, other.id), (other.id, one.id)):
            connection.execute(sa.update(table).where(table.c.id == target).values({column: fields[origin]}))
    with pytest.raises(UnreadableError):
        database.accounts.get(one.id)


@pytest.mark.spec("CRY-02")
def test_a_ciphertext_moved_to_another_column_does_not_open(database: Database, raw: sa.Engine) -> None:
    account = an_account(1, **CANARIES)
    database.accounts.create(account, NO_EFFECTS)
    with raw.begin() as connection:
        connection.execute(sa.update(tables.account).values(given_name=tables.account.c.family_name))
    with pytest.raises(UnreadableError):
        database.accounts.get(account.id)


@pytest.mark.spec("CRY-02")
def test_a_private_key_moved_to_another_key_does_not_open(database: Database, raw: sa.Engine) -> None:
    keys = [a_signing_key("kid-1"), a_signing_key("kid-2", state=KeyState.STAGED)]
    database.signing_keys.replace(keys, expected_version=0, effects=NO_EFFECTS)
    table = tables.signing_key
    with raw.begin() as connection:
        pem = connection.execute(sa.select(table.c.private_pem).where(table.c.kid == "kid-1")).scalar_one()
        connection.execute(sa.update(table).values(private_pem=pem))
    with pytest.raises(UnreadableError):
        database.signing_keys.all()


@pytest.mark.spec("CRY-01")
def test_without_the_right_key_encryption_key_nothing_opens(
    database: Database, open_database: Callable[..., Database]
) -> None:
    account = an_account(**CANARIES)
    database.accounts.create(account, NO_EFFECTS)
    another = open_database(KeyEncryptionKey("another", system_randomness(32)))
    with pytest.raises(WrongKeyEncryptionKeyError):
        another.accounts.get(account.id)
    namesake = open_database(KeyEncryptionKey("kek-of-tests", system_randomness(32)))
    with pytest.raises(UnreadableError):
        namesake.accounts.get(account.id)


def test_purpose_keys_are_drawn_once_and_shared_by_every_process(open_database: Callable[..., Database]) -> None:
    one, other = open_database(), open_database()
    with pytest.raises(KeyError):
        one.purpose_keys.get(Purpose.LINK)
    assert set(one.initialise_purpose_keys(told("gateway.initialised"))) == set(Purpose)
    assert other.initialise_purpose_keys(told("gateway.initialised")) == ()
    for purpose in Purpose:
        assert one.purpose_keys.get(purpose) == other.purpose_keys.get(purpose)
        assert one.purpose_keys.get(purpose).purpose is purpose
    assert len({one.purpose_keys.get(purpose).raw for purpose in Purpose}) == len(Purpose)
    assert lines(one) == ["gateway.initialised"]


def test_processes_that_initialise_together_end_up_with_the_same_keys(open_database: Callable[..., Database]) -> None:
    processes = [open_database() for _ in range(4)]
    start = Barrier(4)

    def initialise(process: Database) -> tuple[Purpose, ...]:
        start.wait()
        return process.initialise_purpose_keys(told("gateway.initialised"))

    with ThreadPoolExecutor(4) as pool:
        created = sorted(pool.map(initialise, processes))
    assert created[:3] == [(), (), ()]
    assert set(created[3]) == set(Purpose)
    assert len({process.purpose_keys.get(Purpose.LINK).raw for process in processes}) == 1
    assert lines(processes[0]) == ["gateway.initialised"]


def test_fields_stay_readable_when_their_key_has_a_successor_in_every_process(
    database: Database, open_database: Callable[..., Database], raw: sa.Engine
) -> None:
    other = open_database()
    before, after = an_account(1, **CANARIES), an_account(2)
    database.accounts.create(before, NO_EFFECTS)
    assert other.accounts.get(before.id) == before
    database.purpose_keys.add(draw(Purpose.FIELD_ENCRYPTION, system_randomness), told("key.activated"))
    database.accounts.create(after, NO_EFFECTS)
    with raw.connect() as connection:
        fields = connection.execute(sa.select(tables.account.c.email).order_by(tables.account.c.id)).scalars().all()
    assert [field[1:3] for field in fields] == [b"\x00\x01", b"\x00\x02"]
    for process in (database, other):
        assert (process.accounts.get(before.id), process.accounts.get(after.id)) == (before, after)


def test_the_newest_key_of_a_purpose_is_the_current_one(database: Database) -> None:
    key = draw(Purpose.ONE_TIME_CODE, system_randomness)
    database.purpose_keys.add(key, Effects())
    assert database.purpose_keys.get(Purpose.ONE_TIME_CODE) == key


@pytest.mark.spec("OID-16")
@pytest.mark.parametrize("purpose", [Purpose.BLIND_INDEX, Purpose.PASSWORD_PEPPER, Purpose.PAIRWISE_SUBJECT])
def test_a_key_that_stored_values_depend_on_is_not_replaced_under_them(database: Database, purpose: Purpose) -> None:
    with pytest.raises(KeyStaysError):
        database.purpose_keys.add(draw(purpose, system_randomness), told())
    assert lines(database) == []


@pytest.mark.spec("OID-16")
def test_the_key_of_pairwise_subjects_is_drawn_once_and_every_process_has_the_same(
    database: Database, open_database: Callable[..., Database]
) -> None:
    """People are known by what it makes: neither a second `init` nor another rotation moves it."""
    first = database.purpose_keys.get(Purpose.PAIRWISE_SUBJECT)
    database.purpose_keys.add(draw(Purpose.FIELD_ENCRYPTION, system_randomness), Effects())
    assert database.initialise_purpose_keys(Effects()) == ()
    assert open_database().purpose_keys.get(Purpose.PAIRWISE_SUBJECT) == first
