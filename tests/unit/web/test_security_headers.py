"""Every page carries the whole set of headers, whatever becomes of the request."""

import re

import pytest

from gateway.signin.journey import Step
from gateway.web.security_headers import content_security_policy, form_target
from tests.unit.web.world import HANDLE, LINK, Door

EVERYWHERE = [
    ("GET", "/", 200),
    ("HEAD", "/", 200),
    ("GET", "/signin", 303),
    ("GET", f"/signin/{HANDLE}", 303),
    ("GET", f"/signin/{HANDLE}/password", 200),
    ("GET", f"/signin/8{HANDLE[1:]}", 410),
    ("POST", f"/signin/{HANDLE}/password", 403),
    ("GET", f"/signin/{HANDLE}/cancel", 405),
    ("TRACE", "/", 405),
    ("GET", "/forgotten", 200),
    ("GET", f"/reset/{LINK}", 303),
    ("GET", "/activation", 410),
    ("GET", "/nowhere", 404),
    ("GET", "/breaks", 500),
    ("GET", "/store-down", 503),
    ("GET", "/assets/nothing.css", 404),
]


def policy_of(header: str) -> dict[str, str]:
    return {name: sources for name, _, sources in (part.strip().partition(" ") for part in header.split(";"))}


@pytest.mark.spec("WEB-01")
@pytest.mark.parametrize(("method", "path", "status"), EVERYWHERE)
def test_every_response_has_a_policy_that_allows_nothing_by_default(
    door: Door, method: str, path: str, status: int
) -> None:
    response = door.client.open(path, method=method)
    assert response.status_code == status
    policy = policy_of(response.headers["Content-Security-Policy"])
    assert policy["default-src"] == "'none'"
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["form-action"].split()[0] == "'self'"
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    assert "*" not in response.headers["Content-Security-Policy"]


@pytest.mark.spec("WEB-01")
def test_the_nonce_is_of_one_response_and_marks_every_script_and_style(door: Door) -> None:
    seen = set()
    for _ in range(3):
        response = door.client.get(f"/signin/{HANDLE}/password")
        (nonce,) = set(re.findall(r"'nonce-([^']+)'", response.headers["Content-Security-Policy"]))
        html = response.get_data(as_text=True)
        for tag in re.findall(r"<(?:script|link rel=\"stylesheet\")[^>]*>", html):
            assert f'nonce="{nonce}"' in tag
        seen.add(nonce)
    assert len(seen) == 3


@pytest.mark.spec("WEB-01")
def test_no_page_needs_inline_code_or_another_site(door: Door) -> None:
    door.journey.step = Step.CODE
    for path in ("/", f"/signin/{HANDLE}/code", "/forgotten", "/nowhere"):
        html = door.client.get(path).get_data(as_text=True)
        assert not re.search(r"<[^>]+\s(on[a-z]+|style)=", html)
        assert not re.search(r"<script[^>]*>[^<]", html)
        assert not re.search(r"(?:src|action)=\"(?!/)", html)


@pytest.mark.spec("WEB-01")
def test_a_journey_may_end_at_its_application_and_other_pages_nowhere(door: Door) -> None:
    journey = policy_of(door.client.get(f"/signin/{HANDLE}/password").headers["Content-Security-Policy"])
    assert journey["form-action"] == "'self' http://127.0.0.5:8091"
    assert policy_of(door.client.get("/forgotten").headers["Content-Security-Policy"])["form-action"] == "'self'"


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("https://app.example/cb?x=1", "https://app.example"),
        ("http://127.0.0.5:8091/callback", "http://127.0.0.5:8091"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:*"),
        ("http://127.0.0.2/cb", "http://127.0.0.2"),
        ("https://127.0.0.1/cb", "https://127.0.0.1"),
        ("fr.example.app:/cb", "fr.example.app:"),
    ],
)
def test_a_form_target_is_an_origin_or_a_private_scheme(uri: str, target: str) -> None:
    assert form_target(uri) == target


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "https://a;b/",
        "https://a 'none'/",
        "https://*",
    ],
)
def test_a_form_target_that_would_change_the_policy_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="not an address"):
        form_target(uri)


def test_two_redirect_uris_of_one_origin_are_named_once() -> None:
    assert "form-action 'self' https://a.example;" in content_security_policy("n", ["https://a.example"] * 2)


@pytest.mark.spec("WEB-02")
@pytest.mark.parametrize(("method", "path", "status"), EVERYWHERE)
def test_every_dynamic_response_is_private_and_pinned_to_https(door: Door, method: str, path: str, status: int) -> None:
    headers = door.client.open(path, method=method).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    age = re.fullmatch(r"max-age=(\d+); includeSubDomains", headers["Strict-Transport-Security"])
    assert age is not None and int(age[1]) >= 365 * 86400


def test_without_https_nothing_promises_it() -> None:
    assert "Strict-Transport-Security" not in Door(hsts=False).client.get("/").headers


def test_static_files_are_named_after_their_content_and_kept_for_a_year(door: Door) -> None:
    html = door.client.get("/").get_data(as_text=True)
    (address,) = re.findall(r'href="(/assets/passerelle\.[0-9a-f]{16}\.css)"', html)
    response = door.client.get(address)
    assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert response.headers["Content-Type"] == "text/css; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert door.client.get("/assets/passerelle.css").status_code == 404
