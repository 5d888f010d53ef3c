"""The journal: what happened, to whom, by which means; never a secret (section LOG of the security requirements)."""
