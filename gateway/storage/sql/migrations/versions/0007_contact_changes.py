"""How somebody signed in last; the recovery address, and changes of contact with what they replaced; who holds something in a
structure."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("last_signin_acr", sa.String),
        sa.Column("recovery_email", sa.LargeBinary),
        sa.Column("recovery_email_verified_at", sa.Double),
        sa.Column("email_changed_at", sa.Double),
    ):
        op.add_column("account", column)
    op.create_table(
        "contact_change",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("contact", sa.String, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("former", sa.LargeBinary),
        sa.Column("contact_version", sa.Integer, nullable=False),
        sa.Column("asked_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("made_at", sa.Double),
        sa.Column("ended_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_contact_change"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_contact_change_account"),
        sa.CheckConstraint("contact IN ('email', 'phone', 'recovery_email')", name="ck_contact_change_contact"),
    )
    op.create_index("ix_contact_change_account", "contact_change", ["account_id", "contact"])
    active = sa.text("state = 'active'")
    op.create_index(
        "ix_habilitation_structure", "habilitation", ["structure_id"], sqlite_where=active, postgresql_where=active
    )
