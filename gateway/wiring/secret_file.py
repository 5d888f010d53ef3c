"""Secrets stand in files that the settings name, never in an address or the environment (CLI-06)."""

from pathlib import Path

from gateway.settings import ConfigurationError

TWO_LIVE = 2


def live_secrets_in(file: Path) -> tuple[str, ...]:
    """The secrets of a file that may hold two, one a line, newest first: the former one works while the new one takes over."""
    lines = tuple(line for line in secret_in(file).splitlines() if line.strip())
    if not 1 <= len(lines) <= TWO_LIVE:
        raise ConfigurationError(f"{file}: write one or two lines, the newest first; it has {len(lines)}")
    return tuple(line.strip() for line in lines)


def secret_in(file: Path) -> str:
    """The one line of a secret's file."""
    try:
        return file.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{file}: the secret cannot be read ({error.strerror})") from None
