"""The migrations, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.journal.effects import Effects
from gateway.keys.key_encryption_key import KeyEncryptionKey
from gateway.randomness import system_randomness
from gateway.storage.sql import Database, StoreUnavailableError, migrations, tables
from gateway.storage.sql.engine import open_engine

KEK = KeyEncryptionKey("kek-of-tests", bytes(range(32)))


def a_database(url: str) -> Database:
    return Database(url, KEK, system_randomness, "node-1")


def described(engine: sa.Engine) -> set[str]:
    """Everything that the engine itself says about our tables, conditions of indexes and checks included."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            said = connection.execute(
                sa.text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'")
            )
            return {" ".join(row.sql.split()) for row in said}
        queries = (
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
            "SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass",
            "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, ordinal_position)"
            " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'",
        )
        return {row[0] for query in queries for row in connection.execute(sa.text(query))}


def test_the_migrations_make_exactly_the_tables_that_the_code_describes(empty_url: str) -> None:
    a_database(empty_url).migrate()
    engine = open_engine(empty_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": tables.metadata}
        )
        assert compare_metadata(context, tables.metadata) == []
    migrated = described(engine)
    with engine.execution_options(writes=True).begin() as connection:
        tables.metadata.drop_all(connection)
        tables.metadata.create_all(connection)
    assert migrated == described(engine)
    assert len(migrated) > len(tables.metadata.tables)
    engine.dispose()


def test_a_new_database_is_pending_until_it_is_migrated_and_migrating_twice_changes_nothing(empty_url: str) -> None:
    database = a_database(empty_url)
    assert database.pending()
    database.migrate()
    assert not database.pending()
    database.initialise_purpose_keys(Effects())
    database.migrate()
    assert database.signing_keys.version() == 0
    assert database.initialise_purpose_keys(Effects()) == ()
    database.close()


def test_processes_that_start_together_migrate_once(empty_url: str) -> None:
    databases = [a_database(empty_url) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(Database.migrate, databases))
    assert not any(database.pending() for database in databases)
    for database in databases:
        database.close()


def test_the_check_fails_as_long_as_there_are_no_tables(empty_url: str) -> None:
    database = a_database(empty_url)
    with pytest.raises(StoreUnavailableError):
        database.check()
    database.migrate()
    database.check()
    database.close()


def test_the_check_fails_when_nobody_answers(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError):
        a_database(f"postgresql://nobody@/nothing?host={tmp_path}").check()


def test_the_file_of_the_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    database = a_database(f"sqlite:///{tmp_path / 'durable.db'}")
    database.migrate()
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}
    database.close()


@pytest.mark.parametrize("url", ["mysql://somewhere/db", "sqlite://", "sqlite:///:memory:"])
def test_other_stores_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="durable store"):
        open_engine(url)


def test_the_newest_version_is_the_last_of_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [migrations.newest()]
    assert [one.revision for one in script.walk_revisions()] == sorted(
        (one.revision for one in script.walk_revisions()), reverse=True
    )
