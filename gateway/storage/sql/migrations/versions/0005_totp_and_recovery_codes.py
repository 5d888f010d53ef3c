"""Authenticator applications, recovery codes, and the consecutive wrong codes of each channel."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "totp_authenticator",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("secret", sa.LargeBinary),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("confirmed_at", sa.Double),
        sa.Column("last_time_step", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("revoked_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_totp_authenticator"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_totp_authenticator_account"),
        sa.CheckConstraint("revoked_at IS NOT NULL OR secret IS NOT NULL", name="ck_totp_authenticator_secret"),
    )
    op.create_index("ix_totp_authenticator_account", "totp_authenticator", ["account_id"])
    op.create_table(
        "recovery_code",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("set_id", sa.String, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("used_at", sa.Double),
        sa.Column("revoked_at", sa.Double),
        sa.PrimaryKeyConstraint("digest", name="pk_recovery_code"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_recovery_code_account"),
    )
    op.create_index("ix_recovery_code_account", "recovery_code", ["account_id"])
    op.create_table(
        "code_failures",
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", sa.Double, nullable=False),
        sa.Column("disabled_at", sa.Double),
        sa.PrimaryKeyConstraint("account_id", "channel", name="pk_code_failures"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_code_failures_account"),
        sa.CheckConstraint("channel IN ('email', 'sms')", name="ck_code_failures_channel"),
    )
