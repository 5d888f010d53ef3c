"""Identities of Pro Santé Connect and of cards, linked to accounts; whose each national identifier is."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ACTIVE = sa.text("state = 'active'")


def upgrade() -> None:
    op.create_table(
        "identity_link",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("issuer", sa.String, nullable=False),
        sa.Column("subject", sa.LargeBinary, nullable=False),
        sa.Column("subject_index", sa.LargeBinary, nullable=False),
        sa.Column("national_id", sa.LargeBinary),
        sa.Column("national_id_index", sa.LargeBinary),
        sa.Column("rpps", sa.LargeBinary),
        sa.Column("proof", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double, nullable=False),
        sa.Column("ended_at", sa.Double),
        sa.Column("ended_by", sa.String),
        sa.Column("frozen_until", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_identity_link"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_identity_link_account"),
        sa.CheckConstraint("kind IN ('psc', 'card')", name="ck_identity_link_kind"),
        sa.CheckConstraint("state IN ('active', 'ended')", name="ck_identity_link_state"),
    )
    op.create_index(
        "uq_identity_link_identity",
        "identity_link",
        ["kind", "issuer", "subject_index"],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.create_index(
        "uq_identity_link_account",
        "identity_link",
        ["account_id", "kind", "subject_index"],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.create_index("ix_identity_link_account", "identity_link", ["account_id", "created_at"])
    op.create_index("ix_identity_link_national_id", "identity_link", ["national_id_index"])
    op.create_table(
        "national_identifier",
        sa.Column("national_id_index", sa.LargeBinary, nullable=False),
        sa.Column("national_id", sa.LargeBinary, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("since", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("national_id_index", name="pk_national_identifier"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_national_identifier_account"),
    )
    op.create_index("ix_national_identifier_account", "national_identifier", ["account_id"])
