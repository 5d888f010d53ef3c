"""The tables of the durable store, the same on SQLite and PostgreSQL.

Columns typed as bytes under an account or a signing key are encrypted (gateway/keys/field_cipher.py); `…_index` columns
are keyed hashes. Instants are seconds since the epoch. What must hold whatever the code does is a constraint here: one
owner per user name, e-mail, RPPS, national identifier and linked identity; no self-grant; two years at most; one active key
per algorithm; a recovery by two people, neither of whom is its subject (ADM-01, ADM-03, ADM-05, KEY-01, LNK-05).
"""

import datetime

import sqlalchemy as sa

from gateway.storage.sql.people_mark_triggers import ON_POSTGRESQL, ON_SQLITE

metadata = sa.MetaData()

_SEQUENCE = sa.Integer().with_variant(sa.BigInteger, "postgresql")  # what SQLite needs to number rows itself


class CivilDate(sa.TypeDecorator[datetime.date]):
    """A civil date as the integer yyyymmdd: comparisons, and "two years later", read the same on both engines."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: datetime.date | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else value.year * 10000 + value.month * 100 + value.day

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime.date | None:
        return None if value is None else civil_date_of(value)


def civil_date_of(stored: int) -> datetime.date:
    return datetime.date(stored // 10000, stored // 100 % 100, stored % 100)


account = sa.Table(
    "account",
    metadata,
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
    sa.Column("last_signin_acr", sa.String),
    sa.Column("recovery_email", sa.LargeBinary),
    sa.Column("recovery_email_verified_at", sa.Double),
    sa.Column("email_changed_at", sa.Double),
    sa.Column("password_set_at", sa.Double),
    sa.Column("password_disabled_at", sa.Double),
    sa.Column("must_change_password", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.PrimaryKeyConstraint("id", name="pk_account"),
    sa.UniqueConstraint("username_folded", name="uq_account_username"),
    sa.UniqueConstraint("email_index", name="uq_account_email"),
    sa.UniqueConstraint("rpps_index", name="uq_account_rpps"),
)

one_time_link = sa.Table(
    "one_time_link",
    metadata,
    sa.Column("id", sa.String, nullable=False),
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("purpose", sa.String, nullable=False),
    sa.Column("token_digest", sa.LargeBinary, nullable=False),
    sa.Column("contact_version", sa.Integer, nullable=False),
    sa.Column("issued_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Column("used_at", sa.Double),
    sa.Column("revoked_at", sa.Double),
    sa.Column("printed_by", sa.String),
    sa.Column("contact_change", sa.String),
    sa.Column("contact_proved_at", sa.Double),
    sa.PrimaryKeyConstraint("id", name="pk_one_time_link"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_one_time_link_account"),
    sa.UniqueConstraint("token_digest", name="uq_one_time_link_token"),
    sa.Index("ix_one_time_link_account", "account_id", "purpose", "issued_at"),
)

trusted_device = sa.Table(
    "trusted_device",
    metadata,
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
    sa.Index("ix_trusted_device_account", "account_id"),
)

contact_change = sa.Table(
    "contact_change",
    metadata,
    sa.Column("id", sa.String, nullable=False),
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("contact", sa.String, nullable=False),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("former", sa.LargeBinary),  # what it replaced, once it is made
    sa.Column("contact_version", sa.Integer, nullable=False),
    sa.Column("asked_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False),
    sa.Column("made_at", sa.Double),
    sa.Column("ended_at", sa.Double),  # given up for another, or undone
    sa.PrimaryKeyConstraint("id", name="pk_contact_change"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_contact_change_account"),
    sa.CheckConstraint("contact IN ('email', 'phone', 'recovery_email')", name="ck_contact_change_contact"),
    sa.Index("ix_contact_change_account", "account_id", "contact"),
)

phone_factor = sa.Table(
    "phone_factor",
    metadata,
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("number_index", sa.LargeBinary, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("account_id", name="pk_phone_factor"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_phone_factor_account"),
    sa.UniqueConstraint("number_index", "place", name="uq_phone_factor_place"),
    sa.CheckConstraint("place IN (1, 2)", name="ck_phone_factor_place"),
)
"""Whose factor a verified number is: a number has two places, and no third (SMS-06)."""

totp_authenticator = sa.Table(
    "totp_authenticator",
    metadata,
    sa.Column("id", sa.String, nullable=False),
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("secret", sa.LargeBinary),  # forgotten when the authenticator is revoked
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("confirmed_at", sa.Double),
    sa.Column("last_time_step", sa.BigInteger),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("revoked_at", sa.Double),
    sa.PrimaryKeyConstraint("id", name="pk_totp_authenticator"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_totp_authenticator_account"),
    sa.CheckConstraint("revoked_at IS NOT NULL OR secret IS NOT NULL", name="ck_totp_authenticator_secret"),
    sa.Index("ix_totp_authenticator_account", "account_id"),
)

passkey = sa.Table(
    "passkey",
    metadata,
    sa.Column("id", sa.String, nullable=False),
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("credential_id", sa.LargeBinary, nullable=False),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("aaguid", sa.String, nullable=False),
    sa.Column("backup_eligible", sa.Boolean, nullable=False),
    sa.Column("backed_up", sa.Boolean, nullable=False),
    sa.Column("transports", sa.String, nullable=False),  # separated by spaces
    sa.Column("label", sa.String, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("last_used_at", sa.Double),
    sa.Column("flagged_at", sa.Double),
    sa.Column("revoked_at", sa.Double),
    sa.PrimaryKeyConstraint("id", name="pk_passkey"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_passkey_account"),
    sa.UniqueConstraint("credential_id", name="uq_passkey_credential"),
    sa.CheckConstraint("backup_eligible OR NOT backed_up", name="ck_passkey_backup"),
    sa.Index("ix_passkey_account", "account_id"),
)
"""What is here is public: a passkey's secret never leaves its authenticator. A credential is one account's, for ever."""

recovery_code = sa.Table(
    "recovery_code",
    metadata,
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("set_id", sa.String, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("used_at", sa.Double),
    sa.Column("revoked_at", sa.Double),
    sa.PrimaryKeyConstraint("digest", name="pk_recovery_code"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_recovery_code_account"),
    sa.Index("ix_recovery_code_account", "account_id"),
)

code_failures = sa.Table(
    "code_failures",
    metadata,
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("channel", sa.String, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", sa.Double, nullable=False),
    sa.Column("disabled_at", sa.Double),
    sa.PrimaryKeyConstraint("account_id", "channel", name="pk_code_failures"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_code_failures_account"),
    sa.CheckConstraint("channel IN ('email', 'sms')", name="ck_code_failures_channel"),
)

_ACTIVE_LINK = sa.text("state = 'active'")

identity_link = sa.Table(
    "identity_link",
    metadata,
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
    sa.Index(
        "uq_identity_link_identity",
        "kind",
        "issuer",
        "subject_index",
        unique=True,
        sqlite_where=_ACTIVE_LINK,
    ),
    sa.Index(
        "uq_identity_link_account",
        "account_id",
        "kind",
        "subject_index",
        unique=True,
        sqlite_where=_ACTIVE_LINK,
    ),
    sa.Index("ix_identity_link_account", "account_id", "created_at"),
    sa.Index("ix_identity_link_national_id", "national_id_index"),
)

national_identifier = sa.Table(  # whose it is, and stays after a link has ended
    "national_identifier",
    metadata,
    sa.Column("national_id_index", sa.LargeBinary, nullable=False),
    sa.Column("national_id", sa.LargeBinary, nullable=False),
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("since", sa.Double, nullable=False),
    sa.PrimaryKeyConstraint("national_id_index", name="pk_national_identifier"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_national_identifier_account"),
    sa.Index("ix_national_identifier_account", "account_id"),
)

structure = sa.Table(
    "structure",
    metadata,
    sa.Column("id", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("finess", sa.String),
    sa.Column("siret", sa.String),
    sa.Column("parent_id", sa.String),  # the parent may be out of the imported perimeter
    sa.Column("category", sa.String),
    sa.Column("region", sa.String),
    sa.Column("department", sa.String),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_structure"),
    sa.Index("ix_structure_finess", "finess"),
    sa.Index("ix_structure_siret", "siret"),
)

_ACTIVE = sa.text("state = 'active'")

habilitation = sa.Table(
    "habilitation",
    metadata,
    sa.Column("id", sa.String, nullable=False),
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("structure_id", sa.String, nullable=False),
    sa.Column("role_label", sa.String, nullable=False),
    sa.Column("start_on", CivilDate, nullable=False),
    sa.Column("end_on", CivilDate, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("origin", sa.String, nullable=False),
    sa.Column("granted_by", sa.String),
    sa.Column("source", sa.String, nullable=False),  # "" for none: two NULLs would not be twins
    sa.Column("seen_at", sa.Double),
    sa.PrimaryKeyConstraint("id", name="pk_habilitation"),
    sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_habilitation_account"),
    sa.ForeignKeyConstraint(["structure_id"], ["structure.id"], name="fk_habilitation_structure"),
    sa.ForeignKeyConstraint(["granted_by"], ["account.id"], name="fk_habilitation_granter"),
    sa.CheckConstraint("granted_by IS NULL OR granted_by <> account_id", name="ck_habilitation_no_self_grant"),
    # yyyymmdd + 20000 is two years later; from a 29 February it is no date, and the 28th is the last one below it.
    sa.CheckConstraint("end_on <= start_on + 20000", name="ck_habilitation_two_years"),
    sa.CheckConstraint("state IN ('active', 'ended')", name="ck_habilitation_state"),
    sa.Index(
        "uq_habilitation_active_twin",
        "account_id",
        "structure_id",
        "role_label",
        "origin",
        "source",
        unique=True,
        sqlite_where=_ACTIVE,
    ),
    sa.Index("ix_habilitation_source", "source", sqlite_where=_ACTIVE),
    sa.Index("ix_habilitation_structure", "structure_id", sqlite_where=_ACTIVE),
)

_UNDER_WAY = sa.text("state IN ('waiting', 'approved')")

recovery = sa.Table(
    "recovery",
    metadata,
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
        "decided_by IS NULL OR (decided_by <> opened_by AND decided_by <> account_id)", name="ck_recovery_two_people"
    ),
    sa.CheckConstraint(
        "state NOT IN ('approved', 'finished') OR decided_by IS NOT NULL OR decided_by_region IS NOT NULL",
        name="ck_recovery_decided",
    ),
    sa.Index("uq_recovery_under_way", "account_id", unique=True, sqlite_where=_UNDER_WAY),
)

client_secret = sa.Table(
    "client_secret",
    metadata,
    sa.Column("client_id", sa.String, nullable=False),
    sa.Column("slot", sa.Integer, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double),
    sa.Column("last_used_at", sa.Double),
    sa.PrimaryKeyConstraint("client_id", "slot", name="pk_client_secret"),
)

signing_key = sa.Table(
    "signing_key",
    metadata,
    sa.Column("kid", sa.String, nullable=False),
    sa.Column("algorithm", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("public_jwk", sa.String, nullable=False),
    sa.Column("private_pem", sa.LargeBinary),  # forgotten when the key is retired
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("state_since", sa.Double, nullable=False),
    sa.PrimaryKeyConstraint("kid", name="pk_signing_key"),
    sa.CheckConstraint("state = 'retired' OR private_pem IS NOT NULL", name="ck_signing_key_private"),
    sa.Index("uq_signing_key_active", "algorithm", unique=True, sqlite_where=_ACTIVE),
)

revocation_list = sa.Table(  # public data: as the authority signed it
    "revocation_list",
    metadata,
    sa.Column("authority", sa.String, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("this_update", sa.Double, nullable=False),
    sa.Column("next_update", sa.Double, nullable=False),
    sa.Column("der", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("authority", name="pk_revocation_list"),
)

signing_key_version = sa.Table(
    "signing_key_version",
    metadata,
    sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_signing_key_version"),
    sa.CheckConstraint("id = 1", name="ck_signing_key_version_single"),
)

people_mark = sa.Table(
    "people_mark",
    metadata,
    sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
    sa.Column("mark", sa.String, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_people_mark"),
    sa.CheckConstraint("id = 1", name="ck_people_mark_single"),
)
for _engine, _statements in (("sqlite", ON_SQLITE), ("postgresql", ON_POSTGRESQL)):
    for _statement in _statements:
        sa.event.listen(metadata, "after_create", sa.DDL(_statement).execute_if(dialect=_engine))  # type: ignore[no-untyped-call]

data_key = sa.Table(
    "data_key",
    metadata,
    sa.Column("id", sa.String, nullable=False),
    sa.Column("purpose", sa.String, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("kek_id", sa.String, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.Double),
    sa.PrimaryKeyConstraint("id", name="pk_data_key"),
    sa.UniqueConstraint("purpose", "epoch", name="uq_data_key_epoch"),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", _SEQUENCE, nullable=False, autoincrement=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("payload", sa.String, nullable=False),
    sa.Column("due_at", sa.Double, nullable=False),  # a lease moves it forward
    sa.Column("tries", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    sa.Index("ix_outbox_due", "due_at", "id"),
    sqlite_autoincrement=True,
)

journal = sa.Table(
    "journal",
    metadata,
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
    sa.Index("ix_journal_name", "name", "at"),
    sa.Index("ix_journal_actor", "actor", "at"),
    sa.Index("ix_journal_target", "target", "at"),
    sa.Index("ix_journal_at", "at"),
    sqlite_autoincrement=True,
)


@sa.event.listens_for(metadata, "before_create")
def _the_same_rows_on_postgresql(_metadata: sa.MetaData, connection: sa.Connection, **_: object) -> None:
    """A partial index holds the same rows on both engines. Said here, because its word for PostgreSQL would load that dialect
    in every worker, a twentieth of a start."""
    if connection.dialect.name == "postgresql":
        for index in (index for table in metadata.tables.values() for index in table.indexes):
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
