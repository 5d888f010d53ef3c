"""Where Alembic starts: on the connection, and in the transaction, that `migrate` opened. It has no command line."""

from alembic import context

from gateway.storage.sql.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
