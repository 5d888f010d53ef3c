"""Who may call, and how; any other way is refused without a CORS header and without a window (BR-11, AC-065…AC-067)."""

import itertools

import pytest

from card_bridge.ports import WindowState
from tests.card_bridge.rig import ORIGIN, PIN, SOON, Page, Reply, Workstation, card, message

ROUTES = [("GET", "/v1/status", b""), ("POST", "/v1/authenticate", message()), ("POST", "/v1/cancel", b"{}")]


def refused(reply: Reply | None, workstation: Workstation) -> bool:
    """Refused at the door, whatever the code."""
    assert reply is not None
    assert workstation.window.opened == []
    assert not reply.has_cors, reply
    return reply.status in (400, 403, 404)


@pytest.mark.spec("BR-11", "BRG-02")
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "host",
    [None, "", "attacker.example", "attacker.example:{port}", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:{port}.",
     "localhost.:{port}", "127.0.0.1.nip.io:{port}", "0.0.0.0:{port}", "127.1:{port}", "2130706433:{port}", "[::]:{port}",
     "LOCALHOST:{port}",
     "127.0.0.1:0{port}", "user@127.0.0.1:{port}", "127.0.0.1:{port}, attacker.example", "[::ffff:127.0.0.1]:{port}"],
)  # fmt: skip
def test_a_host_that_is_not_exactly_loopback_is_refused(
    workstation: Workstation, host: str | None, route: tuple[str, str, bytes]
) -> None:
    workstation.insert(card())
    said = host and host.format(port=workstation.bridge.port)
    for origin in (ORIGIN, None, f"http://{said}"):
        reply = workstation.page.send(*route, Host=said, Origin=origin)
        assert refused(reply, workstation)
        assert reply.error == "origin_refused"


@pytest.mark.spec("BRG-02")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_loopback_names_with_the_bound_port_are_accepted(workstation: Workstation, host: str) -> None:
    assert workstation.page.send("GET", "/v1/status", Host=f"{host}:{workstation.bridge.port}").status == 200


@pytest.mark.spec("BR-11", "BRG-03")
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "origin",
    [None, "", "null", "https://attacker.example", "http://auth.example.fr", "https://auth.example.fr.attacker.example",
     "https://attacker.example/https://auth.example.fr", "https://auth.example.fr:443", "https://auth.example.fr/", "*",
     "https://auth.example.fr:8443", "https://AUTH.example.fr", "https://auth.example.fr, https://attacker.example",
     "https://auth.example.fr https://attacker.example", "https://auth-example.fr", "https://xauth.example.fr",
     "file://", "chrome-extension://abcdefghijklmnop", "http://127.0.0.1:{port}", "http://localhost:{port}"],
)  # fmt: skip
def test_an_origin_that_is_not_on_the_list_is_refused(
    workstation: Workstation, origin: str | None, route: tuple[str, str, bytes]
) -> None:
    workstation.insert(card())
    reply = workstation.page.send(*route, Origin=origin and origin.format(port=workstation.bridge.port))
    assert refused(reply, workstation)
    assert reply.error == "origin_refused"


@pytest.mark.spec("BR-11", "BRG-05")
def test_there_are_three_operations_and_no_other(workstation: Workstation) -> None:
    workstation.insert(card())
    known = {(method, path) for method, path, _ in ROUTES}
    methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "TRACE", "CONNECT", "OPTIONS"]
    paths = ["/v1/status", "/v1/authenticate", "/v1/cancel", "/", "/v1", "/v1/", "/v1/sign", "/v1/apdu", "/v1/certificates",
             "/v1/status/", "//v1/status", "/V1/status", "/v1/../v1/status", "/v1/%73tatus", "/v2/authenticate"]  # fmt: skip
    for method, path in itertools.product(methods, paths):
        if (method, path) in known or (method == "OPTIONS" and path in {path for _, path in known}):
            continue
        reply = workstation.page.send(method, path, message() if method == "POST" else b"")
        assert (reply.status, reply.error) == (404, "not_found"), (method, path)
        assert refused(reply, workstation)


@pytest.mark.spec("BR-11", "BRG-03")
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("value", [None, "", "0", "2", "1, 1", "true"])
def test_every_call_carries_the_custom_header(
    workstation: Workstation, route: tuple[str, str, bytes], value: str | None
) -> None:
    workstation.insert(card())
    assert refused(workstation.page.send(*route, X_CPS_Bridge=value), workstation)


@pytest.mark.spec("BR-11", "BRG-03")
@pytest.mark.parametrize("route", ROUTES[1:])
@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/csp-report",
     "text/plain; application/json", "application/json, text/plain", "application/jsonp", "application/json; charset=utf-16"],
)  # fmt: skip
def test_a_simple_request_never_reaches_an_operation(
    workstation: Workstation, route: tuple[str, str, bytes], content_type: str | None
) -> None:
    """What a form, a beacon or a no-cors fetch can send: even with the header that they cannot send."""
    workstation.insert(card())
    assert refused(workstation.page.send(*route, Content_Type=content_type), workstation)
    assert refused(workstation.page.send(*route, Content_Type=content_type, X_CPS_Bridge=None), workstation)


@pytest.mark.spec("BRG-03")
@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in ROUTES])
def test_a_preflight_of_an_allowed_page_is_answered_for_that_page_only(
    workstation: Workstation, method: str, path: str
) -> None:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "content-type,x-cps-bridge"}
    reply = workstation.page.send("OPTIONS", path, X_CPS_Bridge=None, **asked)
    assert reply.status == 204
    assert reply.body == b""
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert reply.headers["access-control-allow-methods"] == method
    assert reply.headers["access-control-allow-headers"].lower() == "content-type, x-cps-bridge"
    assert reply.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in reply.headers
    assert workstation.window.opened == []
    for change in (
        {"Origin": "https://attacker.example"},
        {"Origin": None},
        {"Host": "attacker.example"},
        {"Access-Control-Request-Method": "PUT"},
        {"Access-Control-Request-Method": None},
        {"Access-Control-Request-Headers": "content-type, authorization"},
    ):
        assert refused(workstation.page.send("OPTIONS", path, **(asked | change)), workstation)


@pytest.mark.spec("BRG-03")
def test_an_answer_names_its_one_origin_and_is_kept_by_nobody() -> None:
    others = ["https://other.example.fr", "http://localhost:8000"]
    workstation = Workstation(allowed_origins=[ORIGIN, *others])
    for origin in (ORIGIN, *others):
        page = Page(workstation.bridge.port, origin)
        for reply in (page.status(), page.cancel(), page.authenticate(nonce="short")):
            assert reply.headers["access-control-allow-origin"] == origin
            assert reply.headers["vary"] == "Origin"
            assert reply.headers["cache-control"] == "no-store"
            assert reply.headers["content-type"] == "application/json"
    workstation.stop()


@pytest.mark.spec("BRG-02", "BRG-03", "BRG-17")
@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b"Host: ", b"Host: attacker.example\r\nHost: "),
        lambda raw: raw.replace(b"\r\n\r\n", b"\r\nHost: attacker.example\r\n\r\n"),
        lambda raw: raw.replace(b"Origin: ", b"Origin: https://attacker.example\r\nOrigin: "),
        lambda raw: raw.replace(b"\r\n\r\n", b"\r\norigin: https://attacker.example\r\n\r\n"),
        lambda raw: raw.replace(b"Content-Length: ", b"Content-Length: 0\r\nContent-Length: "),
        lambda raw: raw.replace(b"Content-Length: ", b"Content-Length: +"),
        lambda raw: raw.replace(b"Content-Length: ", b"Content-Length: 0x"),
        lambda raw: raw.replace(b"Content-Length: ", b"Content-Length: 0"),
        lambda raw: raw.replace(b"Content-Length: ", b"Content-Length: -"),
        lambda raw: raw.replace(b"Content-Length: ", b"Transfer-Encoding: chunked\r\nContent-Length: "),
        lambda raw: raw.replace(b"Content-Length: ", b"Transfer-Encoding: identity\r\nX-Length: "),
        lambda raw: raw.replace(b"Content-Length: ", b"X-Length: "),
        lambda raw: raw.replace(b"Origin: ", b"Origin : "),
        lambda raw: raw.replace(b"Origin: ", b" Origin: "),
        lambda raw: raw.replace(b"Origin: ", b"X: y\r\n Origin: "),
        lambda raw: raw.replace(b"Origin: ", b"Origin:\r\n "),
        lambda raw: raw.replace(b"Origin: ", b"Origin: \x00"),
        lambda raw: raw.replace(b"Origin: ", b"X: \r\r\nOrigin: "),
        lambda raw: raw.replace(b"HTTP/1.1", b"HTTP/1.0"),
        lambda raw: raw.replace(b"HTTP/1.1", b"HTTP/2"),
        lambda raw: raw.replace(b"POST /", b"POST http://127.0.0.1/"),
        lambda raw: raw.replace(b"POST /v1/authenticate", b"POST /v1/authenticate?x=1"),
        lambda raw: raw.replace(b"POST /v1/authenticate", b"POST /v1/authenticate#x"),
        lambda raw: raw.replace(b"POST ", b"post "),
        lambda raw: raw.replace(b"POST ", b"POST  "),
        lambda raw: raw.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\n\r\n"),
        lambda raw: raw.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"),
        lambda raw: b"\r\n" + raw,
        lambda raw: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" + raw,
        lambda raw: b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n" + raw,
    ],
)  # fmt: skip
def test_a_head_that_two_readers_could_read_differently_is_refused(workstation: Workstation, change) -> None:  # type: ignore[no-untyped-def]
    workstation.insert(card())
    raw = workstation.page.request("POST", "/v1/authenticate", message())
    changed = change(raw)
    assert changed != raw
    reply = workstation.page.say(changed)
    assert reply is not None
    assert reply.status == 400
    # A query beyond the schema is refused after the door, so that the page may read why.
    assert reply.has_cors == (b"authenticate?x" in changed)
    assert workstation.window.opened == []


@pytest.mark.spec("BRG-06")
def test_a_relaying_page_signs_for_itself_at_best(workstation: Workstation) -> None:
    """It forwards a live nonce of the gateway: its own origin is refused, and a body cannot say another."""
    relay = Page(workstation.bridge.port, "https://auth.example.fr.attacker.example")
    assert relay.authenticate().error == "origin_refused"
    assert relay.authenticate(origin=ORIGIN).error == "origin_refused"
    assert workstation.page.authenticate(origin=ORIGIN).error == "invalid_request"
    assert workstation.window.opened == []


def test_one_connection_carries_one_request(workstation: Workstation) -> None:
    """A second request behind the first is no request; behind an authentication it ends it."""
    workstation.insert(card())
    status = workstation.page.request("GET", "/v1/status")
    with workstation.page.connect() as caller:
        caller.sendall(status + status)
        received = b"".join(iter(lambda: caller.recv(4096), b""))
    assert received.count(b"HTTP/1.1 200") == 1
    with workstation.page.connect() as caller:
        caller.sendall(workstation.page.request("POST", "/v1/authenticate", message()))
        workstation.window.wait_for(WindowState.ASK_CODE)
        caller.sendall(status)
        assert caller.recv(4096) == b""
    workstation.window.wait_closed()
    workstation.window.codes = [PIN]
    assert workstation.page.begins_to_authenticate().result(SOON).status == 200
