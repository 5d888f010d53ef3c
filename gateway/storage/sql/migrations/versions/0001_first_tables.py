"""The first tables. There is no way down from them: one restores a backup."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SEQUENCE = sa.Integer().with_variant(sa.BigInteger, "postgresql")
_ACTIVE = sa.text("state = 'active'")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("username", sa.String, nullable=False),
        sa.Column("username_folded", sa.String, nullable=False),
        sa.Column("family_name", sa.LargeBinary, nullable=False),
        sa.Column("given_name", sa.LargeBinary, nullable=False),
        sa.Column("email", sa.LargeBinary, nullable=False),
        sa.Column("email_index", sa.LargeBinary, nullable=False),
        sa.Column("email_verified_at", sa.Double),
        sa.Column("phone", sa.LargeBinary),
        sa.Column("phone_verified_at", sa.Double),
        sa.Column("code_channel", sa.String, nullable=False),
        sa.Column("rpps", sa.LargeBinary),
        sa.Column("rpps_index", sa.LargeBinary),
        sa.Column("rpps_proof", sa.String),
        sa.Column("profession", sa.String),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("contact_version", sa.Integer, nullable=False),
        sa.Column("code_demanded_since", sa.Double),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("archived_at", sa.Double),
        sa.Column("last_signin_at", sa.Double),
        sa.Column("is_administrator", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_account"),
        sa.UniqueConstraint("username_folded", name="uq_account_username"),
        sa.UniqueConstraint("email_index", name="uq_account_email"),
        sa.UniqueConstraint("rpps_index", name="uq_account_rpps"),
    )
    op.create_table(
        "one_time_link",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("token_digest", sa.LargeBinary, nullable=False),
        sa.Column("contact_version", sa.Integer, nullable=False),
        sa.Column("issued_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("used_at", sa.Double),
        sa.Column("revoked_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_one_time_link"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_one_time_link_account"),
        sa.UniqueConstraint("token_digest", name="uq_one_time_link_token"),
    )
    op.create_index("ix_one_time_link_account", "one_time_link", ["account_id", "purpose", "issued_at"])
    op.create_table(
        "trusted_device",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("label", sa.String, nullable=False),
        sa.Column("proved_at", sa.Double, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("last_used_at", sa.Double, nullable=False),
        sa.Column("revoked_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_trusted_device"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_trusted_device_account"),
    )
    op.create_index("ix_trusted_device_account", "trusted_device", ["account_id"])
    op.create_table(
        "structure",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("finess", sa.String),
        sa.Column("siret", sa.String),
        sa.Column("parent_id", sa.String),
        sa.Column("category", sa.String),
        sa.Column("region", sa.String),
        sa.Column("department", sa.String),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_structure"),
    )
    op.create_index("ix_structure_finess", "structure", ["finess"])
    op.create_index("ix_structure_siret", "structure", ["siret"])
    op.create_table(
        "habilitation",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account_id", sa.String, nullable=False),
        sa.Column("structure_id", sa.String, nullable=False),
        sa.Column("role_label", sa.String, nullable=False),
        sa.Column("start_on", sa.Integer, nullable=False),
        sa.Column("end_on", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("origin", sa.String, nullable=False),
        sa.Column("granted_by", sa.String),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("seen_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_habilitation"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_habilitation_account"),
        sa.ForeignKeyConstraint(["structure_id"], ["structure.id"], name="fk_habilitation_structure"),
        sa.ForeignKeyConstraint(["granted_by"], ["account.id"], name="fk_habilitation_granter"),
        sa.CheckConstraint("granted_by IS NULL OR granted_by <> account_id", name="ck_habilitation_no_self_grant"),
        sa.CheckConstraint("end_on <= start_on + 20000", name="ck_habilitation_two_years"),
        sa.CheckConstraint("state IN ('active', 'ended')", name="ck_habilitation_state"),
    )
    op.create_index(
        "uq_habilitation_active_twin",
        "habilitation",
        ["account_id", "structure_id", "role_label", "origin", "source"],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.create_index(
        "ix_habilitation_source", "habilitation", ["source"], sqlite_where=_ACTIVE, postgresql_where=_ACTIVE
    )
    op.create_table(
        "client_secret",
        sa.Column("client_id", sa.String, nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double),
        sa.Column("last_used_at", sa.Double),
        sa.PrimaryKeyConstraint("client_id", "slot", name="pk_client_secret"),
    )
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String, nullable=False),
        sa.Column("algorithm", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("public_jwk", sa.String, nullable=False),
        sa.Column("private_pem", sa.LargeBinary),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("state_since", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_signing_key"),
        sa.CheckConstraint("state = 'retired' OR private_pem IS NOT NULL", name="ck_signing_key_private"),
    )
    op.create_index(
        "uq_signing_key_active",
        "signing_key",
        ["algorithm"],
        unique=True,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.create_table(
        "signing_key_version",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signing_key_version"),
        sa.CheckConstraint("id = 1", name="ck_signing_key_version_single"),
    )
    op.create_table(
        "data_key",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("purpose", sa.String, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("kek_id", sa.String, nullable=False),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double),
        sa.PrimaryKeyConstraint("id", name="pk_data_key"),
        sa.UniqueConstraint("purpose", "epoch", name="uq_data_key_epoch"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", _SEQUENCE, nullable=False, autoincrement=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("payload", sa.String, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_due", "outbox", ["due_at", "id"])
    op.create_table(
        "journal",
        sa.Column("seq", _SEQUENCE, nullable=False, autoincrement=True),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("node", sa.String, nullable=False),
        sa.Column("spool_id", sa.String),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("reason", sa.String),
        sa.Column("actor", sa.String),
        sa.Column("target", sa.String),
        sa.Column("structure", sa.String),
        sa.Column("client", sa.String),
        sa.Column("method", sa.String),
        sa.Column("acr", sa.String),
        sa.Column("session", sa.String),
        sa.Column("ip", sa.String),
        sa.Column("user_agent", sa.String),
        sa.Column("request", sa.String),
        sa.Column("details", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_journal"),
        sa.UniqueConstraint("spool_id", name="uq_journal_spool"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_name", "journal", ["name", "at"])
    op.create_index("ix_journal_actor", "journal", ["actor", "at"])
    op.create_index("ix_journal_at", "journal", ["at"])
    # The count of the signing keys' changes starts at zero, before there is any key.
    op.execute("INSERT INTO signing_key_version (id, version) VALUES (1, 0)")
