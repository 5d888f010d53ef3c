"""The rules of the house that a machine can check: who imports whom, where frameworks live, what the tree never says."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GATEWAY = sorted((ROOT / "gateway").rglob("*.py"))


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def _imports(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def test_the_import_contracts_are_kept() -> None:
    linted = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout


_HOMES = {
    "flask": r"gateway/app\.py|gateway/(web|ops)/|.*/endpoints/|.*/(pages|api)\.py",
    "werkzeug": r"gateway/app\.py|gateway/(web|ops)/|.*/endpoints/|.*/(pages|api)\.py",
    "sqlalchemy": r"gateway/storage/",
    "alembic": r"gateway/storage/",
    "redis": r"gateway/storage/",
    "hiredis": r"gateway/storage/",
    "authlib": r"gateway/signin/psc/client\.py",
    "joserfc": r"gateway/(oidc|keys|signin/psc)/",
    "uvicorn": r"gateway/cli/(serve|bounded_heads|whole_requests)\.py",
    "requests": r"gateway/messages/|gateway/signin/psc/(client|bounded_answer)\.py|gateway/directory/revocation_lists\.py",
    "smtplib": r"gateway/messages/",
    "click": r"gateway/cli/",
    "twilio": r"gateway/messages/sms_twilio\.py",
    "phonenumbers": r"gateway/accounts/phone\.py",
    "pyotp": r"gateway/signin/totp/application\.py",
    "fido2": r"gateway/signin/passkey/webauthn\.py",
    "segno": r"gateway/signin/totp/application\.py",
}


@pytest.mark.parametrize("library", sorted(_HOMES))
def test_each_library_lives_in_its_own_rooms(library: str) -> None:
    strays = [
        str(file.relative_to(ROOT))
        for file in GATEWAY
        if library in _imports(file) and not re.match(_HOMES[library], str(file.relative_to(ROOT)))
    ]
    assert strays == []


@pytest.mark.spec("LIB-05")
def test_flask_sessions_are_never_used() -> None:
    for file in GATEWAY:
        assert not re.search(
            r"flask\.session|import session\b.*flask|from flask import .*\bsession\b|secret_key",
            file.read_text("utf-8"),
        ), file


@pytest.mark.spec("CRY-05")
def test_no_room_makes_its_own_cryptography() -> None:
    """Digests and MACs from the standard library are fine; ciphers, curves and hashes of passwords come from `cryptography`."""
    home = re.compile(
        r"gateway/(keys|accounts/password_hash|signin/device_trust|signin/trusted_device|signin/card|"
        r"signin/passkey/webauthn|oidc)"
    )
    for file in GATEWAY:
        if "cryptography" in _imports(file):
            assert home.match(str(file.relative_to(ROOT))), file


@pytest.mark.spec("OID-11")
def test_there_is_no_dynamic_registration() -> None:
    assert not [file for file in GATEWAY if "registration_endpoint" in file.read_text("utf-8")]


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        file
        for file in GATEWAY
        if not ast.get_docstring(ast.parse(file.read_text("utf-8"))) and "versions" not in file.parts
    ]
    assert silent == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert not [file for file in GATEWAY if file.stem in vague or vague & set(file.parts)]


def test_nothing_is_left_for_later_in_silence() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    assert not [file for file in GATEWAY if marks.search(file.read_text("utf-8"))]


def test_no_host_of_a_package_registry_and_no_path_of_a_machine_is_committed() -> None:
    hosts = [
        ("pypi", "org"),
        ("python" + "hosted", "org"),
        ("registry.npm" + "js", "org"),
        ("proxy.go" + "lang", "org"),
    ]
    hosts.append(("deb.deb" + "ian", "org"))
    options = ["--" + "index-url", "--" + "extra-index-url"]
    folders = ["/" + "root/", "/" + "home/[a-z]+/", "/" + "work/"]
    forbidden = re.compile("|".join([rf"{name}\.{domain}" for name, domain in hosts] + options + folders))
    for file in _tracked():
        if file.suffix in {".png", ".ico", ".woff2"}:
            continue
        found = forbidden.search(file.read_text("utf-8", errors="ignore"))
        assert found is None, f"{file}: {found}"


def test_requirements_are_pinned_with_hashes() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        text = file.read_text("utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            if line and not line.startswith(("#", " ")):
                assert re.match(r"[A-Za-z0-9_.\[\]-]+==", line), f"{file}: {line}"
                assert "--hash=sha256:" in line, f"{file}: {line}"
