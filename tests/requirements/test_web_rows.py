"""WEB rows on every route of the assembled gateway: the routes are asked of the application, never listed by hand."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.requirements.assembled import (
    CLIENTS,
    ISSUER,
    Answer,
    Browser,
    Gateway,
    action_of,
    hidden_fields,
    opened,
    parameters,
    told,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
PUBLIC_DOCUMENTS = {"/jwks", "/.well-known/openid-configuration", "/session-watch-1.js"}
EVIL = "https://evil.example"
HANDLE = "a" * 44


def routes(gateway: Gateway) -> list[str]:
    """Every path that the application knows, with values of the right shape, one it does not know, and its own files."""
    known = {rule.rule for rule in gateway.pages.url_map.iter_rules()}
    assert len(known) >= 16
    assets = set(re.findall(r'"(/assets/[^"]+)"', gateway.ask("GET", "/").text))
    assert assets
    return sorted({re.sub(r"<[^>]+>", HANDLE, path) for path in known} | set(gateway.machine) | assets | {"/nowhere"})


def every_answer(gateway: Gateway, **headers: str) -> Iterator[tuple[str, str, Answer]]:
    for path in routes(gateway):
        for method in METHODS:
            yield method, path, gateway.ask(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})


def is_page(answer: Answer) -> bool:
    return (answer.header("content-type") or "").startswith("text/html")


def policy_of(answer: Answer) -> dict[str, str]:
    header = answer.header("content-security-policy") or ""
    return {name: sources for name, _, sources in (part.strip().partition(" ") for part in header.split(";"))}


def signed_in_pages(gateway: Gateway) -> list[Answer]:
    """One of each page that only a person on their way sees."""
    camille = gateway.registered()
    for number in (1, 2):
        gateway.habilitation(camille, gateway.structure(number))
    browser = gateway.browser
    browser.get("/?ui_locales=fr")
    page = browser.onward(browser.authorize())
    browser.submit(page, action_of(page, "password"), identifier="camille", password="wrong")
    page = browser.give_password(page)
    browser.submit(page, action_of(page, "code"), code="00000000")
    page = browser.give_code(page)
    browser.submit(page, action_of(page, "structure"), structure="fineg:000000000")
    browser.choose(page, "fineg:990000001")
    browser.get("/compte")
    browser.get("/logout")
    browser.get("/forgotten?sent")
    browser.get("/reset?done")
    found = [answer for answer in browser.trail if is_page(answer)]
    assert len(found) >= 11
    return found


# ── WEB-01, WEB-02 ──


@pytest.mark.spec("WEB-01", "AC-151")
def test_every_answer_of_every_route_has_a_policy_that_allows_nothing_by_default(gateway):
    for method, path, answer in every_answer(gateway):
        policy = policy_of(answer)
        where = (method, path, answer.status)
        assert policy["default-src"] == "'none'", where
        assert policy["frame-ancestors"] == "'none'", where
        assert policy["base-uri"] == "'none'", where
        assert policy["form-action"] in {"'self'", "'none'"}, where
        assert policy.get("object-src", "'none'") == "'none'", where
        assert policy.get("connect-src", "'self'") == "'self'", where
        assert "unsafe" not in str(policy), where
        assert "*" not in str(policy), where
        assert "http" not in str(policy), where


@pytest.mark.spec("WEB-01")
def test_pages_of_a_sign_in_have_a_nonce_of_their_own_and_end_at_their_application_alone(gateway):
    nonces = set()
    for page in signed_in_pages(gateway):
        policy = policy_of(page)
        assert policy["form-action"] in {"'self'", "'self' https://orientation.example"}
        assert policy["connect-src"] == "'self'"  # the bridge's address is for the card page, which does not exist yet
        (nonce,) = set(re.findall(r"'nonce-([^']{22,})'", page.header("content-security-policy") or ""))
        assert nonce not in nonces
        nonces.add(nonce)
        for tag in re.findall(r"<(?:script|style|link rel=\"stylesheet\")[^>]*>", page.text):
            assert f'nonce="{nonce}"' in tag
        assert not re.search(r"<[^>]+\s(on[a-z]+|style)=", page.text)


@pytest.mark.spec("WEB-02")
def test_every_answer_of_every_route_has_the_other_headers(gateway):
    for method, path, answer in every_answer(gateway):
        where = (method, path, answer.status)
        age = re.fullmatch(r"max-age=(\d+); includeSubDomains", answer.header("strict-transport-security") or "")
        assert age is not None and int(age[1]) >= 365 * 86400, where
        assert answer.header("x-content-type-options") == "nosniff", where
        assert answer.header("referrer-policy") == "no-referrer", where
        if path not in gateway.machine:
            assert answer.header("cross-origin-opener-policy") == "same-origin", where
        fixed = path.startswith("/assets/") or path in PUBLIC_DOCUMENTS
        if not (fixed and answer.status == 200):
            assert "no-store" in (answer.header("cache-control") or ""), where


@pytest.mark.spec("WEB-02")
def test_no_page_of_a_sign_in_may_be_stored_or_say_where_it_was(gateway):
    signed_in_pages(gateway)
    for answer in gateway.browser.trail:
        assert answer.header("cache-control") == "no-store"
        assert answer.header("referrer-policy") == "no-referrer"
        assert answer.header("cross-origin-opener-policy") == "same-origin"


# ── WEB-03 ──


def posts(gateway: Gateway) -> list[str]:
    found = {rule.rule for rule in gateway.pages.url_map.iter_rules() if "POST" in (rule.methods or ())}
    # Applications post there from their own pages; both become a GET that changes nothing by itself.
    return sorted(re.sub(r"<[^>]+>", HANDLE, path) for path in found - {"/authorize", "/logout"})


@pytest.mark.spec("WEB-03")
def test_no_post_of_any_route_is_taken_without_our_form(gateway):
    gateway.person()
    gateway.browser.sign_in()
    assert len(posts(gateway)) >= 9
    for path in posts(gateway):
        for fields in ({}, {"form_token": "x" * 43}, {"form_token": ""}):
            assert gateway.browser.post(path, {**fields, "identifier": "camille"}).status == 403, path
    for path in ("/authorize", "/logout"):
        answer = gateway.browser.post(path, {"form_token": "x" * 43} if path == "/logout" else {})
        assert answer.status == 403 if path == "/logout" else answer.location.startswith("/authorize")
    assert gateway.browser.session is not None


@pytest.mark.spec("WEB-03")
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": EVIL},
        {"origin": "null"},
        {"origin": "null", "sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"origin": ISSUER, "sec_fetch_site": "cross-site"},
        {"origin": "http://portail.example"},
        {"origin": ISSUER + ".evil.example"},
    ],
)
def test_even_with_its_token_no_form_is_taken_from_elsewhere(gateway, headers):
    gateway.person()
    browser = gateway.browser
    forms = [("/forgotten", browser.get("/forgotten")), ("/logout", None), ("/signout", None)]
    page = browser.onward(browser.authorize())
    forms += [(action_of(page, last), page) for last in ("password", "cancel")]
    page = browser.give_password(page)
    forms += [(action_of(page, "code") + more, page) for more in ("", "/resend")]
    browser.give_code(page)
    for path, held in forms:
        page = held or browser.get("/compte" if path == "/signout" else path)
        answer = browser.post(path, hidden_fields(page, path), **headers)
        assert answer.status == 403, path
    assert browser.session is not None


@pytest.mark.spec("WEB-03")
def test_no_get_of_any_route_ends_or_changes_a_session(gateway):
    gateway.person()
    gateway.browser.sign_in()
    before = gateway.browser.session
    for path in routes(gateway):
        for query in ("", "?confirm=1&form_token=x&signout=1"):
            gateway.browser.get(path + query)
    assert before is not None
    after = gateway.browser.session
    assert after is not None
    assert (after.handle, after.evidence, after.clients) == (before.handle, before.evidence, before.clients)


# ── WEB-04 ──

NAMES = (
    "next", "url", "return", "return_to", "returnTo", "redirect", "redirect_uri", "redirect_url", "continue", "resume",
    "RelayState", "post_logout_redirect_uri", "target", "goto", "r", "u", "home", "back", "service", "destination",
)  # fmt: skip
TARGETS = (
    EVIL,
    "//evil.example",
    "/\\evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "%68ttps://evil.example",
)


@pytest.mark.spec("WEB-04")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.data(),
    asked=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(TARGETS), min_size=1, max_size=5),
    client_id=st.sampled_from([*CLIENTS, "unknown"]),
)
def test_no_parameter_of_any_route_leads_to_a_place_that_is_on_no_list(gateway, data, asked, client_id):
    path = data.draw(st.sampled_from(routes(gateway)))
    browser = Browser(gateway)
    for answer in (
        browser.get(f"{path}?" + urlencode({**asked, "client_id": client_id})),
        browser.post(path, {**asked, "client_id": client_id}),
        browser.get(f"{path}?" + urlencode({**parameters(), **asked})),
    ):
        assert answer.status < 500
        location = answer.header("location") or "/"
        assert re.match(r"/(?![/\\])", location) or location.startswith("https://orientation.example/callback?"), (
            location
        )
        assert f'href="{EVIL}' not in answer.text
        assert f'action="{EVIL}' not in answer.text


@pytest.mark.spec("WEB-04")
@pytest.mark.parametrize(
    "path",
    ["//evil.example", "//evil.example/%2e%2e", "/\\evil.example", "/%2f%2fevil.example", "/signin//evil.example"],
)
def test_an_address_that_browsers_read_as_another_site_is_never_sent_back(gateway, path):
    for method in ("GET", "POST"):
        answer = gateway.ask(method, path)
        assert answer.header("location") is None
        assert answer.status in {404, 405}


# ── WEB-05 ──


@pytest.mark.spec("WEB-05")
@pytest.mark.parametrize("origin", [EVIL, "null", "https://orientation.example", "https://suivi.example.evil.example"])
def test_no_route_answers_a_page_of_another_site(gateway, origin):
    for method, path, answer in every_answer(gateway, origin=origin, access_control_request_method="POST"):
        allowed = answer.header("access-control-allow-origin")
        expected = {None, "*"} if path in PUBLIC_DOCUMENTS else {None}
        assert allowed in expected, (method, path)
        assert answer.header("access-control-allow-credentials") is None


@pytest.mark.spec("WEB-05")
def test_the_pages_of_a_public_client_reach_its_endpoints_and_never_the_authorization_endpoint(gateway):
    open_to_it = {
        path
        for _, path, answer in every_answer(gateway, origin="https://suivi.example")
        if answer.header("access-control-allow-origin") == "https://suivi.example"
    }
    own = {"/v1/session/activity", "/v1/me/habilitations"}
    assert open_to_it == {"/token", "/userinfo", "/revoke", "/par", *own}


# ── WEB-06 ──

FORWARDED = {
    "host": "evil.example", "x_forwarded_host": "evil.example", "x_forwarded_proto": "http", "x_forwarded_port": "81",
    "x_forwarded_prefix": "/evil", "x_forwarded_server": "evil.example", "forwarded": "host=evil.example;proto=http",
    "x_original_url": "https://evil.example", "x_rewrite_url": "/evil", "x_http_method_override": "DELETE",
}  # fmt: skip


@pytest.mark.spec("WEB-06", "AC-152")
@pytest.mark.parametrize("trusted", [(), ("192.0.2.0/24",)])
def test_no_header_changes_what_any_route_says_of_itself(tmp_path, trusted):
    """Not even from a proxy that is believed about the address of the caller."""
    for gateway in opened(tmp_path, trusted_proxies=trusted):
        for method, path, answer in every_answer(gateway, **FORWARDED):
            assert "evil" not in str(answer.headers), (method, path)
            assert "evil" not in answer.text, (method, path)
            assert answer.status < 500, (method, path)
        plain = gateway.ask("GET", "/.well-known/openid-configuration")
        forged = {name.replace("_", "-"): value for name, value in FORWARDED.items()}
        assert gateway.ask("GET", "/.well-known/openid-configuration", headers=forged).body == plain.body
        assert plain.json["issuer"] == ISSUER


@pytest.mark.spec("WEB-06", "AC-152")
def test_a_whole_sign_in_under_a_forged_host_stays_at_home(gateway):
    gateway.person()
    browser = gateway.browser
    start = browser.get("/authorize?" + urlencode(parameters()), **FORWARDED)
    page = browser.get(start.location, **FORWARDED)
    page = browser.get(page.location, **FORWARDED)
    code = told(browser.give_code(browser.give_password(page)))["code"]
    assert "evil" not in str([answer.headers for answer in browser.trail])
    assert gateway.tokens(code)


@pytest.mark.spec("WEB-06")
@pytest.mark.parametrize(
    ("trusted", "peer", "expected"),
    [
        ((), "192.0.2.7", "192.0.2.7"),
        (("192.0.2.0/24",), "192.0.2.7", "203.0.113.9"),
        (("192.0.2.0/24",), "198.51.100.1", "198.51.100.1"),
    ],
)
def test_the_callers_address_is_believed_from_configured_proxies_alone(tmp_path, trusted, peer, expected):
    for gateway in opened(tmp_path, trusted_proxies=trusted):
        target = "/authorize?" + urlencode(parameters(response_type="token"))
        gateway.ask("GET", target, headers={"x-forwarded-for": "198.51.100.66, 203.0.113.9"}, peer=peer)
        (refused,) = gateway.events("authorization.refused")
        assert refused.ip == expected


@pytest.mark.spec("WEB-06")
@pytest.mark.parametrize(("trusted", "expected"), [((), "192.0.2.7"), (("192.0.2.0/24",), "203.0.113.9")])
def test_programs_behind_a_proxy_are_known_by_their_own_address_too(tmp_path, trusted, expected):
    for gateway in opened(tmp_path, trusted_proxies=trusted):
        headers = {"content-type": "application/x-www-form-urlencoded", "x-forwarded-for": "198.51.100.66, 203.0.113.9"}
        gateway.ask("POST", "/token", body=b"grant_type=x&client_id=orientation&client_secret=x", headers=headers)
        (refused,) = gateway.events("client.refused")
        assert refused.ip == expected


# ── WEB-07 ──


@pytest.mark.spec("WEB-07")
def test_no_route_says_what_it_is_made_of_or_answers_trace(gateway):
    banner = re.compile(r"uvicorn|werkzeug|flask|jinja|python|sqlite|joserfc|a2wsgi|traceback|\.py\b", re.IGNORECASE)
    for method, path, answer in every_answer(gateway, x_canary="canari-7c1e"):
        assert not {"server", "x-powered-by", "via"} & {name for name, _ in answer.headers}, (method, path)
        assert not banner.search(str(answer.headers)), (method, path)
        assert not banner.search(answer.text) or path.startswith("/assets/"), (method, path)
        if method == "TRACE":
            assert answer.status == (404 if path == "/nowhere" else 405), path
        assert "canari-7c1e" not in answer.text + str(answer.headers), (method, path)


@pytest.mark.spec("WEB-07")
@pytest.mark.parametrize(
    "path",
    [
        "/metrics", "/admin", "/debug", "/console", "/docs", "/openapi.json", "/swagger", "/redoc", "/server-status", "/env",
        "/actuator", "/.git/config", "/.env", "/static/passerelle.css", "/assets/../settings.py", "/assets/..%2fsettings.py",
        "/robots.txt", "/phpinfo.php", "/__debug__/", "/_debug_toolbar", "/health/ready", "/health/../metrics",
    ],
)  # fmt: skip
def test_nothing_for_administrators_is_in_public(gateway, path):
    assert gateway.ask("GET", path).status == 404


@pytest.mark.spec("WEB-07")
def test_health_says_one_word(gateway):
    assert gateway.ask("GET", "/health").json == {"status": "ready"}
    assert gateway.ask("GET", "/health/live").json == {"status": "alive"}
    assert gateway.pages.debug is False
    assert gateway.pages.testing is False
