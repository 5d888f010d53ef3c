"""The ephemeral store in Redis, for several nodes. Every key of an operation is in one partition: `{p3}:session:…`."""
