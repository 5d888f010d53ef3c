"""Our secret at Pro Santé Connect, read from the file that the settings name, at each use: a rotation needs no restart.

Refuses what a paste may have added (spaces, invisible characters) and, for HTTP Basic, characters on whose encoding servers
differ (RFC 6749 §2.3.1): the secret is then sent in the body instead.
"""

import re
from pathlib import Path

from gateway.settings import ConfigurationError
from gateway.signin.psc.environment import PscEnvironment


def read_client_secret(path: Path, environment: PscEnvironment) -> str:
    """ConfigurationError says what to change; the secret is in no message."""
    try:
        secret = path.read_text("ascii").strip()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise ConfigurationError(f"{path}: holds characters that no secret has; paste it again as plain text") from None
    if not re.fullmatch(r"[!-~]{8,256}", secret):
        raise ConfigurationError(f"{path}: write the secret alone, 8 to 256 characters without spaces")
    basic = environment.authentication_method == "client_secret_basic"
    if basic and not re.fullmatch(r"[A-Za-z0-9._~-]+", secret):
        raise ConfigurationError(f"{path}: with these characters, use authentication_method: client_secret_post")
    return secret
