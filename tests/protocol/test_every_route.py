"""Every route of the running gateway under malformed requests, byte by byte over real sockets (WEB-07, WEB-04, WEB-01).

The routes are read from the application itself: a new one fails here until it has a good request to start from. Whatever is
wrong, the answer is no 5xx, tells nothing of the code, leads nowhere unknown and carries the headers of its door.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import flask
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.settings import read_settings
from gateway.wiring.application import build
from gateway.wiring.stores import read_idp_config
from tests.faults.deployment import Deployment, deployment
from tests.faults.good_psc_requests import GOOD
from tests.faults.good_requests import World
from tests.faults.malformations import METHODS, Change, changes
from tests.faults.raw_http import RawAnswer, RawRequest, exchange

EXAMPLES = 300
NOT_HTTP = b"Invalid HTTP request received."
"""What the server itself says, before any application, of octets that are no request."""

BOTH_DOORS = {"x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
PAGES = {"x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin"}
CACHEABLE = (b"assets/", b"jwks", b"session-watch-1.js", b".well-known/openid-configuration")
REFRESH = re.compile(rb'http-equiv="refresh" content="0; url=([^"]*)"')
INSIDE = re.compile(
    rb"Traceback|File \"|\b[A-Z]\w+(?:Error|Exception|Warning|Refused)\b|\.py\b|/gateway/|site-packages"
    rb"|werkzeug|flask|jinja|uvicorn|sqlalchemy|sqlite|psycopg|hiredis|Internal Server Error",
)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    limits = {"otp.sends.account.hour": 10, "otp.sends.account.day": 50}
    with deployment(tmp_path_factory.mktemp("every-route"), parameters=limits, with_psc=True) as running:
        running.serve()
        yield running
        assert "Traceback" not in running.log("serve"), running.log("serve")[-5000:]


@pytest.fixture(scope="module")
def world(gateway: Deployment) -> Iterator[World]:
    with gateway.stores() as stores:
        yield World(gateway.port, stores, gateway.psc)


def routes(gateway: Deployment) -> set[str]:
    """Of both doors of the application that is served."""
    served = read_settings(gateway.settings_file)
    with gateway.stores() as stores:
        application = build(served, read_idp_config(served), stores)
        pages: Any = application.pages
        flask_app = pages if isinstance(pages, flask.Flask) else pages.__self__
        return {rule.rule for rule in flask_app.url_map.iter_rules()} | set(application._machine)


def ways_back(gateway: Deployment) -> set[str]:
    """Every address that a client registered, and the two of Pro Santé Connect, with the query removed: ours have none."""
    reviewed = read_idp_config(read_settings(gateway.settings_file))
    assert reviewed.psc is not None
    known = {reviewed.psc.authorization_endpoint, reviewed.psc.end_session_endpoint}
    for client in reviewed.clients.all():
        known |= {*client.redirect_uris, *client.post_logout_redirect_uris}
    return known


def ask(gateway: Deployment, request: RawRequest, *, may_hang_up: bool = False) -> RawAnswer | None:
    """Sends it and judges the answer."""
    promised_more = request.promised is not None
    answer = exchange(gateway.port, request.octets(), request.method, half_close=promised_more or may_hang_up)
    if answer is None:
        assert promised_more or may_hang_up, f"no answer to {request}"
        return None
    judge(answer, request, ways_back(gateway))
    return answer


def judge(answer: RawAnswer, request: RawRequest, known: set[str]) -> None:
    said = f"{answer} to {request}"
    assert answer.status < 500, said
    assert "server" not in answer.by_name, said
    assert "x-injected" not in answer.by_name, said
    assert [name.lower() for name, _ in answer.headers].count("content-length") <= 1, said
    assert not (found := INSIDE.search(answer.body)), f"{found}: {said}"
    if (
        answer.status == 400
        and answer.by_name.get("content-length") == str(len(NOT_HTTP))
        and answer.body in {NOT_HTTP, b""}
    ):
        return
    for name, value in BOTH_DOORS.items():
        assert answer.by_name.get(name) == value, f"{name}: {said}"
    assert "frame-ancestors 'none'" in answer.by_name.get("content-security-policy", ""), said
    if answer.by_name.get("content-type", "").startswith("text/html"):
        for name, value in PAGES.items():
            assert answer.by_name.get(name) == value, f"{name}: {said}"
    asked = request.path.partition(b"://")[2].partition(b"/")[2] if b"://" in request.path else request.path
    cacheable = answer.status == 200 and asked.lstrip(b"/").startswith(CACHEABLE)
    if not cacheable:
        assert "no-store" in answer.by_name.get("cache-control", ""), said
    if (location := answer.by_name.get("location")) is not None:
        assert is_known(location, known), said
    for address in REFRESH.findall(answer.body):
        assert is_known(unescape(address.decode()), known), said


def is_known(location: str, known: set[str]) -> bool:
    if any(ord(character) < 33 or character == "\\" for character in location):
        return False
    parts = urlsplit(location)
    if not parts.scheme and not parts.netloc:
        return location.startswith("/") and not location.startswith("//")
    return location.partition("?")[0] in known and not parts.fragment


def test_every_route_of_the_application_has_a_good_request(gateway: Deployment) -> None:
    assert routes(gateway) == set(GOOD)


@pytest.mark.parametrize("route", GOOD)
def test_the_good_request_gets_past_every_check(gateway: Deployment, world: World, route: str) -> None:
    """Otherwise the malformed ones would all stop at the door."""
    for request in GOOD[route](world):
        answer = ask(gateway, request)
        assert answer is not None
        refused_by_a_rule = request.method == b"POST" and answer.status == 422
        assert answer.status in {200, 201, 303} or refused_by_a_rule, f"{answer} to {request}"


@pytest.mark.spec("WEB-07")
@pytest.mark.parametrize("route", GOOD)
def test_no_method_breaks_a_route(gateway: Deployment, world: World, route: str) -> None:
    for request in GOOD[route](world)[:1]:
        for method in METHODS:
            ask(gateway, RawRequest(**{**vars(request), "method": method}), may_hang_up=True)


@pytest.mark.spec("WEB-01", "WEB-04", "WEB-07")
@settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(
    route=st.sampled_from(sorted(GOOD)),
    which=st.integers(0, 3),
    wrong=st.lists(changes, min_size=1, max_size=3),
)
def test_no_malformed_request_breaks_a_route(
    gateway: Deployment, world: World, route: str, which: int, wrong: list[Change]
) -> None:
    good = GOOD[route](world)
    request = good[which % len(good)]
    for change in wrong:
        request = change(request)
    ask(gateway, request, may_hang_up=True)
