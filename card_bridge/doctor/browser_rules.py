"""May the browsers of this machine let an allowed site reach the bridge? (cps-card.md §3.4, BRG-04)

Since 2025 browsers ask before a page reaches this device, and organisations answer by rules. Only rules are read here: what
a person answered in their own profile is not this program's business. Chromium's four rules apply in a fixed order.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from card_bridge.doctor.findings import Finding, good, know, wrong

CHROMIUM_RULES = (
    ("LoopbackNetworkBlockedForUrls", False),
    ("LoopbackNetworkAllowedForUrls", True),
    ("LocalNetworkAccessBlockedForUrls", False),
    ("LocalNetworkAccessAllowedForUrls", True),
)
"""The first that names the site decides."""
CHROMIUM_REMEDY, FIREFOX_REMEDY = "LoopbackNetworkAllowedForUrls", "LocalNetworkAccess: SkipDomains"
_FOLDERS = {
    "Chromium": "etc/chromium/policies/managed",
    "Chrome": "etc/opt/chrome/policies/managed",
    "Edge": "etc/opt/edge/policies/managed",
}
_REGISTRY = {"Chromium": "Chromium", "Chrome": r"Google\Chrome", "Edge": r"Microsoft\Edge"}
_FIREFOX = "etc/firefox/policies/policies.json"

Rules = Mapping[str, Mapping[str, Any]]
"""By browser, what its rules say."""


def rules_of_this_machine(root: Path = Path("/")) -> Rules:
    if sys.platform == "win32":
        return _windows_rules()
    rules: dict[str, dict[str, Any]] = {}
    for browser, folder in _FOLDERS.items():
        rules[browser] = {}
        for file in sorted((root / folder).glob("*.json")):
            rules[browser] |= _object_in(file)
    rules["Firefox"] = _object_in(root / _FIREFOX).get("policies", {})
    return rules


def browser_findings(rules: Rules, origins: Sequence[str]) -> Iterator[Finding]:
    for origin in origins:
        for browser, rule in sorted(rules.items()):
            yield _firefox(origin, rule) if browser == "Firefox" else _chromium(browser, origin, rule)
    if sys.platform == "darwin":
        yield know("safari")


def _chromium(browser: str, origin: str, rules: Mapping[str, Any]) -> Finding:
    for name, allows in CHROMIUM_RULES:
        patterns = rules.get(name, ())
        if isinstance(patterns, Sequence) and any(_matches(str(pattern), origin) for pattern in patterns):
            if allows:
                return good("browser-allows", browser=browser, origin=origin)
            return wrong("browser-blocks", browser=browser, origin=origin, policy=name, remedy=CHROMIUM_REMEDY)
    return know("browser-asks", browser=browser, origin=origin, remedy=CHROMIUM_REMEDY)


def _firefox(origin: str, rules: Mapping[str, Any]) -> Finding:
    rule = rules.get("LocalNetworkAccess", {})
    skipped = rule.get("SkipDomains", ()) if isinstance(rule, Mapping) else ()
    if isinstance(rule, Mapping) and (rule.get("Enabled") is False or urlsplit(origin).hostname in skipped):
        return good("browser-allows", browser="Firefox", origin=origin)
    return know("browser-asks", browser="Firefox", origin=origin, remedy=FIREFOX_REMEDY)


def _matches(pattern: str, origin: str) -> bool:
    """Chromium's patterns, as far as an origin goes: `*`, `[*.]name`, a name, each with or without scheme and port."""
    if pattern == "*":
        return True
    scheme, _, rest = pattern.rpartition("://")
    host, _, port = rest.rstrip("/*").partition(":")
    asked = urlsplit(origin)
    name = asked.hostname or ""
    base = host.removeprefix("[*.]")
    same_host = name == base or (host != base and name.endswith(f".{base}"))
    asked_port = str(asked.port or {"https": 443, "http": 80}[asked.scheme])
    return same_host and scheme in ("", "*", asked.scheme) and port in ("", asked_port)


def _object_in(file: Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _windows_rules() -> Rules:
    import winreg  # noqa: PLC0415 -- exists on Windows only

    registry: Any = winreg
    rules: dict[str, dict[str, Any]] = {"Firefox": {}}
    for browser, path in _REGISTRY.items():
        rules[browser] = {}
        for name, _ in CHROMIUM_RULES:
            patterns: list[str] = []
            try:
                with registry.OpenKey(registry.HKEY_LOCAL_MACHINE, rf"SOFTWARE\Policies\{path}\{name}") as key:
                    patterns += [registry.EnumValue(key, at)[1] for at in range(registry.QueryInfoKey(key)[1])]
            except OSError:
                continue
            rules[browser][name] = patterns
    return rules
