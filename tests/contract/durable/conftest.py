"""The durable store on both engines. Each test has a fresh database, copied from one that was migrated once."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from gateway.journal.effects import Effects
from gateway.keys.key_encryption_key import KeyEncryptionKey
from gateway.randomness import system_randomness
from gateway.storage.sql import Database
from gateway.storage.sql.engine import open_engine
from tests.postgresql_cluster import PostgresqlCluster

KEK = KeyEncryptionKey("kek-of-tests", bytes(range(32)))
ENGINES = ["sqlite", "postgresql"]


def _migrated(url: str) -> str:
    database = Database(url, KEK, system_randomness, "node-of-tests")
    database.migrate()
    database.close()
    return url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "durable.db"
    _migrated(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_cluster: PostgresqlCluster) -> str:
    name = postgresql_cluster.create_database()
    _migrated(postgresql_cluster.url(name))
    return name


@pytest.fixture(params=ENGINES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture(params=ENGINES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "durable.db")
        yield f"sqlite:///{tmp_path / 'durable.db'}"
        return
    cluster: PostgresqlCluster = request.getfixturevalue("postgresql_cluster")
    name = cluster.create_database(template=request.getfixturevalue("migrated_postgresql"))
    yield cluster.url(name)
    cluster.drop_database(name)


@pytest.fixture
def open_database(url: str) -> Iterator[Callable[..., Database]]:
    """Opens the same database as another process would."""
    opened: list[Database] = []

    def opens(kek: KeyEncryptionKey = KEK, node: str = "node-1") -> Database:
        opened.append(Database(url, kek, system_randomness, node))
        return opened[-1]

    yield opens
    for database in opened:
        database.close()


@pytest.fixture
def database(open_database: Callable[..., Database]) -> Database:
    """With its purpose keys."""
    database = open_database()
    database.initialise_purpose_keys(Effects())
    return database


@pytest.fixture
def raw(url: str) -> Iterator[sa.Engine]:
    """The database as its operator, or its thief, sees it."""
    engine = open_engine(url)
    yield engine.execution_options(writes=True)
    engine.dispose()
