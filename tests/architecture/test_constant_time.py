"""Secrets are compared in constant time: no `==` stands beside the name of one (THR-08)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = re.compile(
    r"(^|_)(secret|token|mac|digest|signature|password|phc|hash|proof|otp|challenge|nonce|verifier|pin|cookie|handle)$"
)
NOT_SECRET = {
    "gateway/accounts/one_time_link.py: base64url(octets) != token": "what was presented, beside itself: is it canonical?",
    "gateway/cli/lying_provider/provider.py: base64url(hashlib.sha256(verifier.encode()).digest()) != challenge": "a test's",
    "gateway/cli/rotate.py: approved != made.hash": "the hash of a plan, shown to who approves it",
    "gateway/cli/rotate.py: one.hash == approved": "the hash of a plan, shown to who approves it",
    "gateway/signin/card/api.py: members['transaction'] != handle": "the page's own address, beside the same page's body",
    "gateway/signin/colleagues/pages.py: password != fields.get('again', '')": "both were typed by one person just now",
    "gateway/signin/enrolment/pages.py: password != fields.get('again', '')": "both were typed by one person just now",
    "gateway/signin/password/pages.py: password != fields.get('again', '')": "both were typed by one person just now",
    "gateway/signin/passkey/signin.py: claimed.user_handle != user_handle(passkey.account_id)": "an identifier, not a secret",
    "gateway/storage/sql/one_time_links.py: table.c.token_digest == digest": "a look-up by an index, of a digest",
    "gateway/storage/sql/recovery_codes.py: table.c.digest == digest": "a look-up by an index, of a keyed digest",
}


def _names(side: ast.expr) -> Iterator[str]:
    if isinstance(side, ast.Call):
        yield from _names(side.func)
    elif isinstance(side, ast.Name):
        yield side.id
    elif isinstance(side, ast.Attribute):
        yield side.attr


def _comparisons(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Compare) or not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            continue
        sides = [node.left, *node.comparators]
        if any(isinstance(side, ast.Constant) for side in sides):
            continue
        if any(SECRET.search(name) for side in sides for name in _names(side)):
            yield ast.unparse(node)


def _found() -> set[str]:
    return {
        f"{file.relative_to(ROOT)}: {compared}"
        for file in sorted((ROOT / "gateway").rglob("*.py"))
        for compared in _comparisons(file.read_text("utf-8"))
    }


@pytest.mark.spec("THR-08")
def test_no_secret_is_compared_by_equality() -> None:
    assert _found() - NOT_SECRET.keys() == set()


def test_no_exception_outlives_its_reason() -> None:
    assert NOT_SECRET.keys() - _found() == set()


@pytest.mark.spec("THR-08")
def test_the_search_finds_what_it_looks_for() -> None:
    assert list(_comparisons("if stored.mac == mac: pass")) == ["stored.mac == mac"]
    assert list(_comparisons("ok = digest(a) != b")) == ["digest(a) != b"]
    assert list(_comparisons("ok = hmac.compare_digest(mac, other)")) == []
