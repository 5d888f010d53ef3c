"""A throw-away PostgreSQL for tests: one cluster per run, on a Unix socket in a temporary folder, one database per test.

Uses Debian's binaries. As root it runs as the user `postgres`, because PostgreSQL refuses root. It waits for no disk:
its data is worth nothing.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

_OWNER = "postgres"


def _binaries() -> Path | None:
    found = shutil.which("pg_ctl")
    candidates = [
        *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True),
        *([Path(found).parent] if found else []),
    ]
    return next((folder for folder in candidates if (folder / "initdb").exists()), None)


def _run(*command: str | Path) -> None:
    as_owner = ("runuser", "-u", _OWNER, "--") if os.geteuid() == 0 else ()
    done = subprocess.run([*as_owner, *map(str, command)], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, f"{command[0]} failed: {done.stdout}{done.stderr}"


def _roomy_memory() -> str | None:
    """Where files cost nothing to make, if there is enough of it: a new database is some three hundred files."""
    memory = Path("/dev/shm")
    return str(memory) if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**30 else None


@dataclass
class PostgresqlCluster:
    folder: Path
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def url(self, database: str) -> str:
        return f"postgresql://{_OWNER}@/{database}?host={self.folder}"

    def create_database(self, template: str = "template0") -> str:
        name = f"test_{next(self._numbers)}"
        self._administrate(sql.SQL("CREATE DATABASE {} TEMPLATE {}"), name, template)
        return name

    def drop_database(self, name: str) -> None:
        self._administrate(sql.SQL("DROP DATABASE {} WITH (FORCE)"), name)

    def _administrate(self, statement: sql.SQL, *names: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.format(*map(sql.Identifier, names)))


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[PostgresqlCluster]:
    binaries = _binaries()
    if binaries is None:
        absent = "PostgreSQL's server binaries are missing (Debian package postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    folder = Path(
        tempfile.mkdtemp(prefix="pg-", dir=_roomy_memory())
    )  # short: a socket's path has 107 characters at most
    data = folder / "data"
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _OWNER, _OWNER)
        _run(binaries / "initdb", "-D", data, "-U", _OWNER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c max_connections=200"
        _run(binaries / "pg_ctl", "start", "-w", "-D", data, "-l", folder / "log", "-o", options)
        try:
            yield PostgresqlCluster(folder)
        finally:
            _run(binaries / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)  # by the pid in its own pid file
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_cluster: PostgresqlCluster) -> Iterator[str]:
    """The address of an empty database."""
    name = postgresql_cluster.create_database()
    yield postgresql_cluster.url(name)
    postgresql_cluster.drop_database(name)
