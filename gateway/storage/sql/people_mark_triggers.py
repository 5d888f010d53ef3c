"""What changes the mark of people (table `people_mark`): whatever may change what an application is told of someone.

Triggers, so that no writer can forget it, by hand or by code; the mark is drawn anew, so that no restored backup brings one
back. SQLite has one writer at a time. On PostgreSQL the trigger waits for the end of its transaction and acts once in it:
transactions that change people stand in line there for the time of their commit, with nothing left to lock, hence without
deadlock.
"""

ACCOUNT_COLUMNS = (
    "status", "profession", "language", "rpps_proof", "email_verified_at", "family_name", "given_name", "email", "rpps",
)  # fmt: skip
"""A sign-in writes others: it changes nothing that is told."""
_UPDATES = {"account": f"UPDATE OF {', '.join(ACCOUNT_COLUMNS)}", "habilitation": "UPDATE", "structure": "UPDATE"}

ON_SQLITE = tuple(
    f"CREATE TRIGGER people_mark_{table}_{event.partition(' ')[0].lower()} AFTER {event} ON {table} "  # noqa: S608 -- names
    "BEGIN UPDATE people_mark SET mark = hex(randomblob(16)); END"
    for table, update in _UPDATES.items()
    for event in ("INSERT", update, "DELETE")
)

ON_POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION draw_people_mark() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF current_setting('passerelle.people_marked_in', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        UPDATE people_mark SET mark = gen_random_uuid()::text;
        PERFORM set_config('passerelle.people_marked_in', pg_current_xact_id()::text, true);
      END IF;
      RETURN NULL;
    END $$""",
    *(
        f"CREATE CONSTRAINT TRIGGER people_mark_{table} AFTER INSERT OR {update} OR DELETE ON {table} "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION draw_people_mark()"
        for table, update in _UPDATES.items()
    ),
)
