"""Whoever asks from outside cannot tell an account from nobody (THR-06, THR-07)."""

import sqlite3
from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from gateway.accounts import password_hash
from gateway.accounts.account import AccountStatus
from gateway.accounts.password_hash import PasswordHasher
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.randomness import system_randomness
from tests.requirements.assembled import Gateway


@pytest.mark.spec("THR-07")
def test_a_password_costs_the_same_call_of_argon2_whether_there_is_somebody_or_not(monkeypatch):
    """Deriving a hash is a little quicker than verifying one, and enough samples show it."""
    hasher = PasswordHasher(PurposeKey(Purpose.PASSWORD_PEPPER, b"p" * 32), system_randomness)
    stored = hasher.hash("somebody", "le martinet dort en volant")
    calls: list[tuple[str, int]] = []

    class Recorded:
        def __init__(self, **parameters: Any) -> None:
            calls.append(("derive", parameters["memory_cost"]))

        @staticmethod
        def verify_phc_encoded(typed: bytes, phc: str) -> None:
            calls.append((phc.rpartition("$")[0].rpartition("$")[0], len(phc)))
            Argon2id.verify_phc_encoded(typed, phc)

    monkeypatch.setattr(password_hash, "Argon2id", Recorded)
    assert not hasher.verify("somebody", stored, "un autre mot de passe")
    assert not hasher.dummy("un autre mot de passe")
    assert not hasher.verify("nobody", stored, "un autre mot de passe")
    assert len(calls) == 3
    assert len(set(calls)) == 1


@pytest.mark.spec("RST-06", "THR-07", "R001-06")
def test_asking_for_a_reset_writes_nothing_durable_whoever_is_named(tmp_path):
    """A durable commit takes longer than none: the answer would tell which identifiers exist."""
    gateway = Gateway(tmp_path)
    try:
        gateway.person("camille")
        gateway.person("archived", status=AccountStatus.ARCHIVED)
        durable = sqlite3.connect(tmp_path / "passerelle.db")
        before = durable.execute("PRAGMA data_version").fetchone()
        page = gateway.browser.get("/forgotten")
        answers = {
            gateway.browser.submit(page, "/forgotten", identifier=typed).location
            for typed in ("camille", "archived", "nobody")
        }
        assert answers == {"/forgotten?sent"}
        assert durable.execute("PRAGMA data_version").fetchone() == before
        orders = [item for _, item, _ in gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 10, 0.0)]
        assert [item.kind for item in orders] == ["reset"]
    finally:
        gateway.close()
