"""Secrets stand in files that the settings name, never in an address or the environment (CLI-06)."""

from pathlib import Path

from gateway.settings import ConfigurationError


def secret_in(file: Path) -> str:
    """The one line of a secret's file."""
    try:
        return file.read_text("utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{file}: the secret cannot be read ({error.strerror})") from None
