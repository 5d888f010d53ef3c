"""Sheets that a référent prints, and recoveries that two people open to somebody who lost everything."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("printed_by", sa.String),
        sa.Column("contact_change", sa.String),
        sa.Column("contact_proved_at", sa.Double),
    ):
        op.add_column("one_time_link", column)
    op.create_table(
        "recovery",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("structure_id", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("opened_by", sa.String, nullable=False),
        sa.Column("opened_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("decided_by", sa.String),
        sa.Column("decided_by_region", sa.String),
        sa.Column("decided_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_recovery"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_recovery_account"),
        sa.ForeignKeyConstraint(["structure_id"], ["structure.id"], name="fk_recovery_structure"),
        sa.ForeignKeyConstraint(["opened_by"], ["account.id"], name="fk_recovery_opener"),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name="fk_recovery_decider"),
        sa.CheckConstraint(
            "state IN ('waiting', 'approved', 'refused', 'stopped', 'expired', 'finished')", name="ck_recovery_state"
        ),
        sa.CheckConstraint("opened_by <> account_id", name="ck_recovery_opener"),
        sa.CheckConstraint(
            "decided_by IS NULL OR (decided_by <> opened_by AND decided_by <> account_id)",
            name="ck_recovery_two_people",
        ),
        sa.CheckConstraint(
            "state NOT IN ('approved', 'finished') OR decided_by IS NOT NULL OR decided_by_region IS NOT NULL",
            name="ck_recovery_decided",
        ),
    )
    under_way = sa.text("state IN ('waiting', 'approved')")
    op.create_index(
        "uq_recovery_under_way",
        "recovery",
        ["account_id"],
        unique=True,
        sqlite_where=under_way,
        postgresql_where=under_way,
    )
