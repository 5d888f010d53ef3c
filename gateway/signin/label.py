"""The name that a person gives to an authenticator of theirs, as it may be shown."""

LONGEST_LABEL = 40


def bounded(label: str) -> str:
    """Printable, on one line, not long; empty when there is none."""
    return " ".join("".join(one for one in label if one.isprintable()).split())[:LONGEST_LABEL].strip()
