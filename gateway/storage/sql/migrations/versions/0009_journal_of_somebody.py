"""The journal by whom it is about: everybody may read their own."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_journal_target", "journal", ["target", "at"])
