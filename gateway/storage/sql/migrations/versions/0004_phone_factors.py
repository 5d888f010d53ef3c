"""Whose factor a verified telephone number is."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "phone_factor",
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("number_index", sa.LargeBinary, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("account_id", name="pk_phone_factor"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_phone_factor_account"),
        sa.UniqueConstraint("number_index", "place", name="uq_phone_factor_place"),
        sa.CheckConstraint("place IN (1, 2)", name="ck_phone_factor_place"),
    )
