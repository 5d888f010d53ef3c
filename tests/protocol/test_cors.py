"""Which pages may read which answers (WEB-05; RFC 9700 §2.6): a table of the endpoints, and the origins that look alike."""

import asyncio
from typing import Any

import pytest

from gateway.app import BODY_LIMIT, Application
from gateway.oidc.endpoints.answers import BrowserClients, readable_by
from gateway.randomness import system_randomness
from gateway.web.machine_door import MachineRequest, MachineResponse
from tests.protocol.provider import Provider

FORM = "application/x-www-form-urlencoded"
OWN = "https://suivi.example"
"""Of the redirect URI of a public client."""
METHODS = {
    "/token": ("POST",),
    "/par": ("POST",),
    "/userinfo": ("GET", "POST"),
    "/revoke": ("POST",),
    "/v1/session/activity": ("GET", "POST"),
    "/v1/me/habilitations": ("GET",),
}
"""Where a page with a token or a code of its own comes."""
PUBLIC = ("/jwks", "/.well-known/openid-configuration", "/session-watch-1.js")
CLOSED = ("/introspect",)
STRANGE = {
    "none": "",
    "null": "null",
    "another": "https://evil.example",
    "of a confidential client": "https://orientation.example",
    "its name goes on": "https://suivi.example.evil.example",
    "its name ends so": "https://evilsuivi.example",
    "below it": "https://app.suivi.example",
    "above it": "https://example",
    "plain": "http://suivi.example",
    "with a port": "https://suivi.example:8443",
    "its own port": "https://suivi.example:443",
    "in capitals": "https://SUIVI.example",
    "with a path": "https://suivi.example/",
    "with a user": "https://suivi.example@evil.example",
    "two": "https://suivi.example https://suivi.example",
    "listed": "https://suivi.example, https://evil.example",
    "with a dot": "https://suivi.example.",
    "any": "*",
    "ours": "https://portail.example",
}
ALLOWING = "Access-Control-Allow-"


@pytest.fixture
def provider() -> Provider:
    return Provider()


def open_paths(provider: Provider) -> list[str]:
    return [path for path in METHODS if path in provider.endpoints]


def answers(provider: Provider, path: str, origin: str) -> list[MachineResponse]:
    """The preflight, and refusals of each method."""
    headers = {"origin": origin} if origin else {}
    asked = {
        **headers,
        "access_control_request_method": "POST",
        "access_control_request_headers": "authorization, dpop",
    }
    return [
        provider.machine("OPTIONS", path, **asked),
        *(provider.machine(method, path, content_type=FORM, **headers) for method in METHODS[path]),
        provider.machine("PUT", path, **headers),
    ]


@pytest.mark.spec("WEB-05")
def test_every_endpoint_stands_in_the_table(provider):
    assert set(provider.endpoints) <= set(METHODS) | set(PUBLIC) | set(CLOSED)


@pytest.mark.spec("WEB-05")
def test_the_pages_of_a_public_client_read_every_answer_refusals_included(provider):
    for path in open_paths(provider):
        preflight, *refusals = answers(provider, path, OWN)
        for answer in (preflight, *refusals):
            assert answer.headers["Access-Control-Allow-Origin"] == OWN, path
            assert answer.headers["Vary"] == "Origin", path
            assert "Access-Control-Allow-Credentials" not in answer.headers
        for answer in refusals:
            assert answer.status >= 400
            assert {"DPoP-Nonce", "WWW-Authenticate"} <= set(
                answer.headers["Access-Control-Expose-Headers"].split(", ")
            )
        assert preflight.status == 204
        assert {*METHODS[path], "OPTIONS"} == set(preflight.headers["Access-Control-Allow-Methods"].split(", "))
        assert preflight.headers["Access-Control-Allow-Headers"] == "authorization, content-type, dpop"
        assert int(preflight.headers["Access-Control-Max-Age"]) >= 600


@pytest.mark.spec("WEB-05")
@pytest.mark.parametrize("origin", STRANGE.values(), ids=STRANGE)
def test_no_other_origin_reads_anything(provider, origin):
    for path in open_paths(provider):
        for answer in answers(provider, path, origin):
            assert not [name for name in answer.headers if name.startswith(ALLOWING)], path
            assert answer.headers["Vary"] == "Origin", path


@pytest.mark.spec("WEB-05")
def test_a_good_answer_is_read_by_its_own_pages_only(provider):
    tokens = provider.begin("suivi")
    for origin, allowed in ((OWN, OWN), ("https://evil.example", None)):
        for path in ("/userinfo", "/v1/session/activity"):
            answer = provider.machine("GET", path, authorization=f"Bearer {tokens['access_token']}", origin=origin)
            assert answer.status == 200
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed


@pytest.mark.spec("WEB-05")
def test_public_documents_are_for_everybody_and_without_credentials(provider):
    for path in PUBLIC:
        for origin in ("https://evil.example", "null", OWN):
            answer = provider.machine("GET", path, origin=origin)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.spec("WEB-05")
def test_endpoints_of_servers_know_no_origin(provider):
    for path in CLOSED:
        for method in ("OPTIONS", "POST"):
            answer = provider.machine(method, path, content_type=FORM, origin=OWN)
            assert not [name for name in answer.headers if name.startswith(ALLOWING)]


# ── what the entrance refuses before any endpoint ──


async def unavailable(request: MachineRequest) -> MachineResponse:
    raise ConnectionError


async def broken(request: MachineRequest) -> MachineResponse:
    raise RuntimeError


def entrance(provider: Provider) -> Application:
    machine = {
        "/token": {"POST": unavailable, "OPTIONS": unavailable},
        "/userinfo": {"GET": broken, "OPTIONS": broken},
        "/jwks": {"GET": unavailable},
        "/introspect": {"POST": unavailable},
    }
    return Application(
        machine=machine,
        pages=lambda: lambda environ, start: [],
        randomness=system_randomness,
        hsts=False,
        readable_by=readable_by(machine, BrowserClients(provider.clients)),
    )


def at_the_door(
    app: Application, method: str, path: str, *headers: tuple[bytes, bytes], body: bytes = b""
) -> tuple[int, dict[str, str]]:
    said: dict[str, Any] = {}

    async def ask() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            said.update(message)

        scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": list(headers)}
        await app({**scope, "client": ("192.0.2.7", 5000)}, receive, send)

    asyncio.run(ask())
    return said["status"], {name.decode(): value.decode() for name, value in said["headers"]}


FROM_ITS_PAGE = (b"origin", OWN.encode())
TWICE = ((b"authorization", b"Bearer x"), (b"authorization", b"Bearer y"))


@pytest.mark.spec("WEB-05")
def test_a_page_can_tell_our_trouble_from_a_network_that_is_away(provider):
    app = entrance(provider)
    for status, answer in (
        at_the_door(app, "POST", "/token", FROM_ITS_PAGE),
        at_the_door(app, "GET", "/userinfo", FROM_ITS_PAGE),
        at_the_door(app, "PUT", "/token", FROM_ITS_PAGE),
        at_the_door(app, "POST", "/token", FROM_ITS_PAGE, *TWICE),
        at_the_door(app, "POST", "/token", FROM_ITS_PAGE, body=b"x" * (BODY_LIMIT + 1)),
    ):
        assert status in {503, 500, 405, 400, 413}
        assert answer["access-control-allow-origin"] == OWN
        assert answer["vary"] == "Origin"
    status, answer = at_the_door(app, "GET", "/jwks", (b"origin", b"https://evil.example"))
    assert (status, answer["access-control-allow-origin"]) == (503, "*")


@pytest.mark.spec("WEB-05")
def test_nobody_else_is_told_of_our_trouble(provider):
    app = entrance(provider)
    for path, headers in (
        ("/token", ((b"origin", b"null"),)),
        ("/token", ((b"origin", b"https://suivi.example.evil.example"),)),
        ("/token", (FROM_ITS_PAGE, (b"origin", b"https://evil.example"))),
        ("/token", ()),
        ("/introspect", (FROM_ITS_PAGE,)),
    ):
        _, answer = at_the_door(app, "POST", path, *headers)
        assert not [name for name in answer if name.startswith("access-control-")]
