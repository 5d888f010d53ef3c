"""Posts that several people use one after the other: how one is known, and what is asked before a session goes on there."""
