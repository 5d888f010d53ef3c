"""A mark that changes with whatever applications are told of people."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_UPDATES = {
    "account": (
        "UPDATE OF status, profession, language, rpps_proof, email_verified_at, family_name, given_name, email, rpps"
    ),
    "habilitation": "UPDATE",
    "structure": "UPDATE",
}


def upgrade() -> None:
    op.create_table(
        "people_mark",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("mark", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_people_mark"),
        sa.CheckConstraint("id = 1", name="ck_people_mark_single"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("INSERT INTO people_mark (id, mark) VALUES (1, gen_random_uuid()::text)")
        op.execute("""CREATE OR REPLACE FUNCTION draw_people_mark() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF current_setting('passerelle.people_marked_in', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        UPDATE people_mark SET mark = gen_random_uuid()::text;
        PERFORM set_config('passerelle.people_marked_in', pg_current_xact_id()::text, true);
      END IF;
      RETURN NULL;
    END $$""")
        for table, update in _UPDATES.items():
            op.execute(
                f"CREATE CONSTRAINT TRIGGER people_mark_{table} AFTER INSERT OR {update} OR DELETE ON {table} "
                "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION draw_people_mark()"
            )
        return
    op.execute("INSERT INTO people_mark (id, mark) VALUES (1, hex(randomblob(16)))")
    for table, update in _UPDATES.items():
        for event in ("INSERT", update, "DELETE"):
            op.execute(
                f"CREATE TRIGGER people_mark_{table}_{event.partition(' ')[0].lower()} AFTER {event} ON {table} "  # noqa: S608
                "BEGIN UPDATE people_mark SET mark = hex(randomblob(16)); END"
            )
