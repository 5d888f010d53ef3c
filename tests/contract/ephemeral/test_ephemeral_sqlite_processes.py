"""Several processes on one SQLite file, and the sudden death of one (ARCHITECTURE §4)."""

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import system_randomness
from gateway.storage.ephemeral import EphemeralStore, EphemeralStoreUnavailableError, open_ephemeral
from gateway.storage.ephemeral.on_sqlite.database import Database
from tests.contract.ephemeral.ephemeral_samples import (
    NOW,
    a_challenge,
    a_code,
    a_session,
    a_throttle_key,
    a_transaction,
    because_of,
    drained,
)

ROOT = Path(__file__).parents[3]


@contextmanager
def _process(url: str, action: str, times: int, *handle: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.contract.ephemeral.sqlite_process", url, action, str(times), *handle],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _in_processes(url: str, action: str, times: int, *handle: str, processes: int = 3) -> list[str]:
    """What that many processes print, all released once all are ready."""
    with (
        _process(url, action, times, *handle) as first,
        _process(url, action, times, *handle) as second,
        _process(url, action, times, *handle) as third,
    ):
        started = [first, second, third][:processes]
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        said: list[str] = []
        for process in started:
            output, _ = process.communicate()
            assert process.returncode == 0
            said += output.split()
        return said


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ephemeral.db"


@pytest.fixture
def sqlite_store(url: str) -> Iterator[EphemeralStore]:
    store = open_ephemeral(url, system_randomness)
    yield store
    store.close()


@pytest.mark.spec("OID-04")
def test_of_redemptions_in_several_processes_one_succeeds_and_its_grant_is_dead(
    sqlite_store: EphemeralStore, url: str
) -> None:
    session = a_session()
    sqlite_store.sessions.start(session, NOW, NO_EFFECTS)
    code = a_code(session)
    assert sqlite_store.codes.issue(code, NO_EFFECTS)
    redeemed = _in_processes(url, "redeem", 17, code.handle)
    assert redeemed.count("redeemed") == 1
    assert redeemed.count("replayed") == 50
    assert asyncio.run(sqlite_store.grants.find_grant(code.grant_id, NOW)) is None
    assert drained(sqlite_store.spool).count("redeemed") == 1


@pytest.mark.spec("OTP-04")
def test_guesses_in_several_processes_never_exceed_the_tries(sqlite_store: EphemeralStore, url: str) -> None:
    challenge = a_challenge(attempts_left=5)
    sqlite_store.one_time_codes.begin(challenge, NO_EFFECTS)
    assert _in_processes(url, "guess", 34, challenge.id).count("wrong") == 5
    assert drained(sqlite_store.spool) == ["wrong"] * 5


@pytest.mark.spec("THR-09")
def test_guesses_in_several_processes_all_count(sqlite_store: EphemeralStore, url: str) -> None:
    counted = _in_processes(url, "admit", 50, a_throttle_key())
    assert sorted(map(int, counted)) == list(range(1, 151))


def test_several_processes_may_create_the_file_at_once(url: str) -> None:
    opened = _in_processes(url, "open", 20)
    store = open_ephemeral(url, system_randomness)
    assert sorted(map(str, drained(store.spool))) == sorted(opened)
    store.close()


@pytest.mark.parametrize("acknowledged", [1, 20, 133])
def test_a_killed_process_leaves_each_record_with_its_line_and_loses_nothing_acknowledged(
    url: str, acknowledged: int
) -> None:
    with _process(url, "open", 1_000_000) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
        told = [process.stdout.readline().strip() for _ in range(acknowledged)]
        os.kill(process.pid, signal.SIGKILL)
        told += process.stdout.read().splitlines()
    store = open_ephemeral(url, system_randomness)
    lines = drained(store.spool)
    whole = [handle for handle in told if len(handle) == 44]
    assert set(whole) <= set(lines)
    assert len(lines) == len(set(lines))
    assert len(lines) - len(whole) <= 1
    assert all(store.transactions.find(str(handle), NOW) is not None for handle in lines)
    store.close()
    database = Database(Path(url.removeprefix("sqlite:///")), system_randomness, busy_milliseconds=10)
    assert database.row("SELECT count(*) FROM transactions") == (len(lines),)
    database.close()


def test_an_error_in_a_step_undoes_all_of_it(tmp_path: Path) -> None:
    database = Database(tmp_path / "ephemeral.db", system_randomness, busy_milliseconds=10)
    with pytest.raises(ZeroDivisionError), database.step() as step:
        step.run("INSERT INTO windows (key, counted, ends_at) VALUES ('x', 1, 2)")
        step.append(because_of("never"))
        raise ZeroDivisionError
    with database.step() as step:
        assert step.row("SELECT (SELECT count(*) FROM windows) + (SELECT count(*) FROM spooled_events)") == (0,)
    database.close()


def test_a_file_that_another_process_keeps_busy_is_unavailable_and_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "ephemeral.db"
    patient = Database(file, system_randomness, busy_milliseconds=10)
    hasty = Database(file, system_randomness, busy_milliseconds=10)
    with patient.step(), pytest.raises(EphemeralStoreUnavailableError), hasty.step():
        pytest.fail("two writers at once")
    with hasty.step() as step:
        assert step.row("SELECT 1") == (1,)
    patient.close()
    hasty.close()


def test_a_purge_is_thorough_beyond_one_batch(sqlite_store: EphemeralStore) -> None:
    for _ in range(1_100):
        sqlite_store.transactions.open(a_transaction(expires_at=NOW + 1), NO_EFFECTS)
    survivor = a_transaction()
    sqlite_store.transactions.open(survivor, NO_EFFECTS)
    assert sqlite_store.purge(NOW + 1) == 1_100
    assert sqlite_store.transactions.find(survivor.handle, NOW + 1) == survivor


def test_the_file_is_for_its_owner_only(sqlite_store: EphemeralStore, tmp_path: Path) -> None:
    sqlite_store.transactions.open(a_transaction(), NO_EFFECTS)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {"ephemeral.db": 0o600, "ephemeral.db-wal": 0o600, "ephemeral.db-shm": 0o600}


def test_the_file_of_another_version_is_refused(tmp_path: Path) -> None:
    database = Database(tmp_path / "ephemeral.db", system_randomness, busy_milliseconds=10)
    with database.step() as step:
        step.run("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(ValueError, match="another version"):
        open_ephemeral(f"sqlite:///{tmp_path}/ephemeral.db", system_randomness)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("redis+sentinel://localhost:26379/main", "not served yet"),
        ("postgresql://localhost/x", "begins with"),
        ("sqlite:///", "write sqlite"),
        ("sqlite://x", "write sqlite"),
    ],
)
def test_an_address_that_no_engine_serves_is_refused_with_a_way_out(address: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        open_ephemeral(address, system_randomness)
