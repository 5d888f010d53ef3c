"""Which pages may call the bridge: exact origins from the machine's configuration, never from the web (BRG-03).

An origin is accepted as browsers write it: lower case, no path, no default port. https only; plain http is for the demo, on
this machine (`http://localhost:PORT`, `http://127.0.0.1:PORT`). Anything else stops the bridge at start, in words.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_HTTPS = re.compile(
    r"https://([a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*)(?::([1-9][0-9]{0,4}))?"
)
_LOCAL_HTTP = re.compile(r"http://(?:localhost|127\.0\.0\.1):([1-9][0-9]{0,4})")


class ConfigurationRefused(Exception):  # noqa: N818 -- the domain's word
    """The machine's configuration cannot be used; the text says which line and why."""


@dataclass(frozen=True)
class Configuration:
    allowed_origins: frozenset[str]
    demo: bool = False


def checked_origins(origins: Iterable[str], *, demo: bool) -> frozenset[str]:
    """The same strings, or ConfigurationRefused."""
    checked = frozenset(origins)
    if not checked:
        raise ConfigurationRefused("allowed_origins is empty: no page could use the card")
    for origin in sorted(checked):
        match = _HTTPS.fullmatch(origin) or (_LOCAL_HTTP.fullmatch(origin) if demo else None)
        port = match[match.lastindex or 0] if match else ""
        if match is None or (port.isdigit() and (int(port) > 65535 or (origin[:5] == "https" and port == "443"))):
            raise ConfigurationRefused(f"{origin!r} is not an origin such as https://auth.example.fr")
    return checked


def read_configuration(file: Path) -> Configuration:
    """The machine's TOML file: `allowed_origins` (list of strings) and, for the demo only, `demo = true`."""
    try:
        facts = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise ConfigurationRefused(f"{file} cannot be read: {reason}") from reason
    if unknown := sorted(facts.keys() - {"allowed_origins", "demo"}):
        raise ConfigurationRefused(f"{file} holds unknown settings: {', '.join(unknown)}")
    demo, origins = facts.get("demo", False), facts.get("allowed_origins", [])
    if not isinstance(demo, bool) or not isinstance(origins, list) or not all(isinstance(o, str) for o in origins):
        raise ConfigurationRefused(f"{file}: allowed_origins is a list of strings, demo is true or false")
    return Configuration(checked_origins(origins, demo=demo), demo)
