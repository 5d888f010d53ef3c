"""When a password was set, when it was put out of use, and whether another one is demanded."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("password_set_at", sa.Double))
    op.add_column("account", sa.Column("password_disabled_at", sa.Double))
    op.add_column("account", sa.Column("must_change_password", sa.Boolean, nullable=False, server_default=sa.false()))
