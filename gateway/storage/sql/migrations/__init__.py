"""The versions of the tables, in order (Alembic), on both engines.

A migration is one transaction: it is whole or it never was. Of several processes that start at once one migrates, the
others wait and find it done. Alembic is loaded only to migrate: whether there is something to do is seen without it.
"""

from pathlib import Path

import sqlalchemy as sa

_MIGRATION_LOCK = 0x6D696772


def migrate(engine: sa.Engine) -> None:
    if not pending(engine):
        return
    from alembic import command  # noqa: PLC0415 -- as said above
    from alembic.config import Config  # noqa: PLC0415

    with engine.execution_options(writes=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def pending(engine: sa.Engine) -> bool:
    """Whether the tables are behind this code. Tables that are ahead of it raise alembic's CommandError when migrated."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return True
        current = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all()
    return list(current) != [newest()]


def newest() -> str:
    """The version that this code expects. Files are named by number, each follows the one before."""
    return max(file.stem.partition("_")[0] for file in Path(__file__).with_name("versions").glob("[0-9]*_*.py"))
