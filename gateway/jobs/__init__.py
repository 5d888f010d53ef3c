"""What runs without a request: drains the outbox and the journal spool, imports directories, purges."""
