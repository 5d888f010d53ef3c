"""The calls themselves, over a real connection: where they go, what they carry, what they bear, what they never say."""

import base64
import datetime
import importlib.metadata
import io
import ipaddress
import json
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.refusal import Refusal
from gateway.signin.psc.client import PscClient
from gateway.signin.psc.refusals import PscRefused, PscUnavailable
from tests.fakes import SetClock
from tests.unit.signin.psc.honest_psc import ACCESS_TOKEN, CLIENT_ID, CODE, environment
from tests.unit.signin.psc.stubborn_server import Answer, StubbornServer

SECRET = "secret-canary-7d0e"
VERIFIER = "verifier-canary-66ab"
TOKENS = {"token_type": "Bearer", "id_token": "idtoken-canary.a.b", "access_token": ACCESS_TOKEN, "expires_in": 120}
CANARIES = (SECRET, VERIFIER, CODE, ACCESS_TOKEN, "idtoken-canary", "refresh-canary")


@pytest.fixture
def server() -> Iterator[StubbornServer]:
    with StubbornServer() as running:
        running.answer = Answer(body=json.dumps(TOKENS).encode())
        yield running


def client(
    server: StubbornServer, clock: SetClock | None = None, ca_file: Path | None = None, **changed: Any
) -> PscClient:
    declared = {
        "issuer": f"{server.url}/realm",
        "token_endpoint": f"{server.url}/token",
        "userinfo_endpoint": f"{server.url}/userinfo",
        "jwks_uri": f"{server.url}/certs",
        "metadata_address": f"{server.url}/metadata",
        "limits": {"answer_seconds": 1, "connect_seconds": 1, "token_answer": 4096, "userinfo": 4096, "keys": 4096},
        **changed,
    }
    return PscClient(environment(**declared), client_secret=lambda: SECRET, clock=clock or SetClock(), ca_file=ca_file)


@pytest.mark.spec("LIB-02")
def test_authlib_is_new_enough() -> None:
    version = tuple(int(part) for part in importlib.metadata.version("authlib").split(".")[:3])
    assert version >= (1, 7, 1)


@pytest.mark.spec("PSC-R7", "PSC-01")
def test_the_code_is_redeemed_with_its_verifier_and_one_authentication(server: StubbornServer) -> None:
    tokens = client(server).redeem(CODE, VERIFIER)
    assert (tokens.id_token, tokens.access_token) == (TOKENS["id_token"], ACCESS_TOKEN)
    [seen] = server.seen
    assert (seen.method, seen.path) == ("POST", "/token")
    assert seen.headers["Authorization"] == "Basic " + base64.b64encode(f"{CLIENT_ID}:{SECRET}".encode()).decode()
    assert parse_qs(seen.body) == {
        "grant_type": ["authorization_code"],
        "code": [CODE],
        "code_verifier": [VERIFIER],
        "redirect_uri": ["https://connexion.exemple.fr/signin/psc/callback"],
    }


@pytest.mark.spec("PSC-R7")
def test_a_secret_in_the_body_is_not_in_a_header_too(server: StubbornServer) -> None:
    client(server, authentication_method="client_secret_post").redeem(CODE, VERIFIER)
    [seen] = server.seen
    assert "Authorization" not in seen.headers
    form = parse_qs(seen.body)
    assert (form["client_id"], form["client_secret"]) == ([CLIENT_ID], [SECRET])
    assert form["code_verifier"] == [VERIFIER]


def test_userinfo_is_asked_with_the_token_in_its_header_alone(server: StubbornServer) -> None:
    server.answer = Answer(body=b'{"sub": "a"}', headers={"Content-Type": "application/json;charset=UTF-8"})
    userinfo = client(server).userinfo(ACCESS_TOKEN)
    assert userinfo.body == b'{"sub": "a"}'
    assert userinfo.content_type == "application/json;charset=UTF-8"
    [seen] = server.seen
    assert (seen.method, seen.path, seen.body) == ("GET", "/userinfo", "")
    assert seen.headers["Authorization"] == f"Bearer {ACCESS_TOKEN}"


def test_keys_and_metadata_are_asked_without_any_credential(server: StubbornServer) -> None:
    one = client(server)
    one.redeem(CODE, VERIFIER)
    assert (one.keys(), one.metadata()) == (server.answer.body, server.answer.body)
    assert all("Authorization" not in seen.headers and not seen.body for seen in server.seen[1:])


def why_refused(kind: type[Refusal], ask: Any, *arguments: str) -> str:
    with pytest.raises(Refusal) as refusal:
        ask(*arguments)
    assert type(refusal.value) is kind
    assert refusal.value.__cause__ is None
    return refusal.value.detail


@pytest.mark.spec("PSC-03")
@pytest.mark.parametrize(
    "changed",
    [
        {"id_token": None},
        {"id_token": ""},
        {"id_token": ["idtoken-canary.a.b"]},
        {"access_token": None},
        {"access_token": "with\r\nX-Injected: header"},
        {"access_token": "accentué"},
        {"token_type": "mac"},
        {"token_type": None},
        {"expires_in": "soon"},
        {"error": "invalid_grant"},
    ],
)
def test_a_token_answer_without_all_that_we_need_is_refused(server: StubbornServer, changed: dict[str, Any]) -> None:
    server.answer.body = json.dumps({**TOKENS, **changed}).encode()
    why_refused(PscRefused, client(server).redeem, CODE, VERIFIER)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'"text"', json.dumps(TOKENS).encode()[:-1] + b', "id_token": "b"}']
)
def test_a_token_answer_that_is_no_object_is_refused(server: StubbornServer, body: bytes) -> None:
    server.answer.body = body
    why_refused(PscRefused, client(server).redeem, CODE, VERIFIER)


@pytest.mark.parametrize(
    ("status", "body", "kind", "detail"),
    [
        (
            400,
            b'{"error":"invalid_grant","error_description":"canary"}',
            PscRefused,
            "token: status 400, invalid_grant",
        ),
        (400, b'{"error":"made-up canary"}', PscRefused, "token: status 400, another error"),
        (401, b"", PscRefused, "token: status 401, no error"),
        (400, json.dumps(TOKENS).encode(), PscRefused, "token: status 400, another error"),
        (201, json.dumps(TOKENS).encode(), PscRefused, "token: status 201, another error"),
        (500, json.dumps(TOKENS).encode(), PscUnavailable, "token: status 500"),
        (429, b"", PscUnavailable, "token: status 429"),
    ],
)
def test_only_a_plain_yes_brings_tokens(
    server: StubbornServer, status: int, body: bytes, kind: type[Refusal], detail: str
) -> None:
    server.answer = Answer(status, body)
    assert why_refused(kind, client(server).redeem, CODE, VERIFIER) == detail


@pytest.mark.spec("PSC-02")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(server: StubbornServer, status: int) -> None:
    server.answer = Answer(status, json.dumps(TOKENS).encode(), {"Location": f"{server.url}/elsewhere"})
    one = client(server)
    why_refused(PscRefused, one.redeem, CODE, VERIFIER)
    why_refused(PscRefused, one.userinfo, ACCESS_TOKEN)
    why_refused(PscUnavailable, one.keys)
    why_refused(PscUnavailable, one.metadata)
    assert [seen.path for seen in server.seen] == ["/token", "/userinfo", "/certs", "/metadata"]


@pytest.mark.spec("PSC-R11")
def test_userinfo_that_says_no_refuses_and_userinfo_that_fails_is_an_outage(server: StubbornServer) -> None:
    server.answer = Answer(401, b'{"sub": "a"}')
    assert why_refused(PscRefused, client(server).userinfo, ACCESS_TOKEN) == "userinfo: status 401"
    server.answer = Answer(503, b'{"sub": "a"}')
    assert why_refused(PscUnavailable, client(server).userinfo, ACCESS_TOKEN) == "provider: status 503"


@pytest.mark.spec("PSC-R11")
def test_an_answer_beyond_its_limit_is_not_read(server: StubbornServer) -> None:
    padding = 4096 - len(json.dumps({**TOKENS, "p": ""}))
    server.answer.body = json.dumps({**TOKENS, "p": "x" * padding}).encode()
    assert len(server.answer.body) == 4096
    client(server).redeem(CODE, VERIFIER)
    server.answer.body = json.dumps({**TOKENS, "p": "x" * (padding + 1)}).encode()
    for ask in (
        lambda: client(server).redeem(CODE, VERIFIER),
        client(server).keys,
        lambda: client(server).userinfo("a"),
    ):
        why_refused(PscUnavailable, ask)


def test_a_compressed_answer_is_not_opened(server: StubbornServer) -> None:
    server.answer.headers["Content-Encoding"] = "gzip"
    why_refused(PscUnavailable, client(server).keys)
    assert server.seen[0].headers["Accept-Encoding"] == "identity"


def test_an_answer_in_chunks_is_read_whole(server: StubbornServer) -> None:
    def chunks(connection: socket.socket, _: threading.Event) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head + b"3\r\n{}\n\r\n" + b"2\r\n  \r\n" + b"0\r\n\r\n")

    server.answer = Answer(raw=chunks)
    assert client(server).keys() == b"{}\n  "


@pytest.mark.spec("PSC-08")
def test_silence_and_drops_of_an_answer_are_waited_for_one_second_not_more(server: StubbornServer) -> None:
    def silent(_: socket.socket, over: threading.Event) -> None:
        over.wait(20)

    def drops(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n")
        while not over.wait(0.05):
            try:
                connection.sendall(b" ")
            except OSError:
                return

    def drops_of_head(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not over.wait(0.05):
            try:
                connection.sendall(b"x")
            except OSError:
                return

    for raw in (silent, drops, drops_of_head):
        server.answer = Answer(raw=raw)
        before = time.monotonic()
        why_refused(PscUnavailable, client(server).keys)
        assert time.monotonic() - before < 3


@pytest.mark.spec("PSC-08")
def test_a_closed_door_is_an_outage(server: StubbornServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
        one = client(server, issuer=nobody, token_endpoint=f"{nobody}/t", userinfo_endpoint=f"{nobody}/u",
                     jwks_uri=f"{nobody}/k", metadata_address=None)  # fmt: skip
        assert why_refused(PscUnavailable, one.keys) == "provider: ConnectionError"
        assert why_refused(PscUnavailable, one.metadata) == "metadata: no address is declared"


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed one for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@pytest.mark.spec("PSC-08")
def test_only_a_certificate_that_we_trust_is_spoken_to(tmp_path: Path) -> None:
    ours, key = certificate(tmp_path, "ours")
    strange, _ = certificate(tmp_path, "strange")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ours, key)
    with StubbornServer(context) as server:
        assert client(server, ca_file=ours).keys() == b"{}"
        for authority in (None, strange):
            assert (
                why_refused(PscUnavailable, client(server, ca_file=authority).redeem, CODE, VERIFIER)
                == "provider: SSLError"
            )
        assert [seen.path for seen in server.seen] == ["/certs"]


@pytest.mark.spec("PSC-08")
def test_no_other_host_is_ever_called(server: StubbornServer) -> None:
    """Even if a check of the file were lost: the connection itself knows only the issuer's host."""
    one = client(server)
    elsewhere = one._environment.model_copy(
        update={"jwks_uri": server.url.replace("127.0.0.1", "localhost") + "/certs"}
    )
    one._environment = elsewhere
    assert why_refused(PscUnavailable, one.keys) == "provider: InvalidSchema"
    assert server.seen == []


@pytest.mark.spec("PSC-08")
def test_proxies_and_netrc_of_the_environment_are_ignored(
    server: StubbornServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert client(server).keys()
    assert "Authorization" not in server.seen[0].headers


def test_nothing_of_one_person_is_left_for_the_next(server: StubbornServer) -> None:
    server.answer.headers["Set-Cookie"] = "canary=1; Path=/"
    one = client(server)
    for _ in range(2):
        one.redeem(CODE, VERIFIER)
    assert all("Cookie" not in seen.headers for seen in server.seen)


@pytest.mark.spec("PSC-08", "PSC-R25")
def test_a_provider_that_keeps_failing_is_left_alone_for_half_a_minute(server: StubbornServer) -> None:
    clock = SetClock()
    one = client(server, clock)
    server.answer = Answer(500, b"")
    for _ in range(20):
        why_refused(PscUnavailable, one.keys)
    assert len(server.seen) == 5
    clock.advance(30)
    why_refused(PscUnavailable, one.keys)
    why_refused(PscUnavailable, one.keys)
    assert len(server.seen) == 6
    clock.advance(30)
    server.answer = Answer()
    for _ in range(3):
        one.keys()
    assert len(server.seen) == 9


def test_a_refusal_is_an_answer_and_opens_no_breaker(server: StubbornServer) -> None:
    server.answer = Answer(400, b'{"error":"invalid_grant"}')
    one = client(server)
    for _ in range(10):
        why_refused(PscRefused, one.redeem, CODE, VERIFIER)
    assert len(server.seen) == 10


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What an administrator would read who sets everything to DEBUG."""
    names = ("", "authlib", "authlib.integrations.base_client", "urllib3", "urllib3.connection", "requests")
    before = {name: logging.getLogger(name).level for name in names}
    handler = logging.StreamHandler(written := io.StringIO())
    logging.getLogger().addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield written
    logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.spec("PSC-R22", "LIB-02")
def test_nothing_of_tokens_codes_and_secrets_is_logged_at_any_level(server: StubbornServer, log: io.StringIO) -> None:
    logging.getLogger("authlib.integrations.base_client").debug("Using code_verifier: %s", VERIFIER)
    one = client(server)
    bodies = [
        {**TOKENS, "refresh_token": "refresh-canary"},
        {**TOKENS, "access_token": 5},
        {**TOKENS, "error": ACCESS_TOKEN},
        [SECRET],
    ]
    said = []

    def ask_everything() -> None:
        for ask in (
            lambda: one.redeem(CODE, VERIFIER),
            lambda: one.userinfo(ACCESS_TOKEN),
            lambda: one.keys() and None,
        ):
            try:
                said.append(repr(ask()))
            except Refusal as refusal:
                said.append(f"{refusal!r} {refusal.detail} {refusal.facts}")

    def broken_head(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(f"HTTP/1.1 200 OK\r\n{ACCESS_TOKEN}\r\n: x\r\n\r\n{SECRET}".encode())

    for status in (200, 400, 302, 500):
        for body in bodies:
            server.answer = Answer(status, json.dumps(body).encode(), {"Location": f"/?code={CODE}"})
            ask_everything()
    one = client(server)
    server.answer = Answer(raw=broken_head)
    ask_everything()
    assert len(server.seen) > 20
    assert "POST /token" in log.getvalue(), "the test would see a log"
    everything = log.getvalue() + "".join(said)
    assert not [canary for canary in CANARIES if canary in everything]
