"""SMS through a provider over HTTP, against a provider on loopback."""

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gateway.messages.sms_http import HttpSmsSender, SmsRefusedError, message_id
from gateway.settings import ConfigurationError
from gateway.wiring.secret_file import live_secrets_in

TO, TEXT = "+33639980001", "Passerelle : code 042137 {to} «»"


class Provider:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.answer: Callable[[dict[str, str]], tuple[int, dict[str, str], bytes]] = lambda _: (
            202,
            {"Content-Type": "application/json"},
            b'{"id": "msg-17"}',
        )
        self.url = ""


@pytest.fixture
def provider() -> Iterator[Provider]:
    known = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            known.asked.append((self.path, headers, json.loads(body)))
            status, answered, content = known.answer(headers)
            self.send_response(status)
            for name, value in answered.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        known.url = f"http://127.0.0.1:{server.server_address[1]}/send"
        yield known
        server.shutdown()


def sender(provider: Provider, *secrets: str, **changes: Any) -> HttpSmsSender:
    return HttpSmsSender(**({"url": provider.url, "secrets": lambda: secrets, "timeout": 2.0} | changes))


def test_a_message_leaves_in_the_shape_that_the_settings_give(provider: Provider) -> None:
    body = {"from": "Passerelle", "messages": [{"destination": ["{to}"], "content": "{text}", "flash": False}], "n": 1}
    assert sender(provider, "secret-1", body=body).send(to=TO, text=TEXT) == "msg-17"
    ((path, headers, asked),) = provider.asked
    assert (path, headers["authorization"]) == ("/send", "Bearer secret-1")
    assert asked == {
        "from": "Passerelle",
        "messages": [
            {"destination": [TO], "content": TEXT, "flash": False}
        ],  # what a text holds is not filled in again
        "n": 1,
    }


def test_the_usual_shape_and_no_credential(provider: Provider) -> None:
    sender(provider).send(to=TO, text=TEXT)
    ((_, headers, asked),) = provider.asked
    assert asked == {"to": TO, "text": TEXT}
    assert "authorization" not in headers


@pytest.mark.spec("SMS-11")
@pytest.mark.parametrize("scheme", ["bearer", "basic"])
def test_of_two_live_credentials_the_former_serves_when_the_new_one_is_not_known_yet(
    provider: Provider, scheme: str
) -> None:
    secrets = ("user:new", "user:former")
    written = [base64.b64encode(one.encode()).decode() for one in secrets] if scheme == "basic" else list(secrets)
    known = provider.answer
    provider.answer = lambda headers: known(headers) if written[1] in headers["authorization"] else (401, {}, b"")
    assert sender(provider, *secrets, authorization=scheme).send(to=TO, text=TEXT) == "msg-17"
    assert [headers["authorization"].split()[1] for _, headers, _ in provider.asked] == written
    provider.answer = lambda _: (403, {}, b"")
    with pytest.raises(SmsRefusedError):
        sender(provider, *secrets, authorization=scheme).send(to=TO, text=TEXT)
    assert len(provider.asked) == 4


@pytest.mark.spec("SMS-11")
def test_a_file_holds_one_or_two_credentials_and_is_read_at_each_message(provider: Provider, tmp_path: Path) -> None:
    file = tmp_path / "sms.secret"
    file.write_text("new\n\n former \n", "utf-8")
    assert live_secrets_in(file) == ("new", "former")
    carrier = HttpSmsSender(url=provider.url, secrets=lambda: live_secrets_in(file))
    carrier.send(to=TO, text=TEXT)
    file.write_text("newer\nnew\n", "utf-8")
    carrier.send(to=TO, text=TEXT)
    assert [headers["authorization"] for _, headers, _ in provider.asked] == ["Bearer new", "Bearer newer"]
    for content in ("", "\n", "a\nb\nc\n"):
        file.write_text(content, "utf-8")
        with pytest.raises(ConfigurationError):
            live_secrets_in(file)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 429, 500, 503])
def test_anything_but_a_yes_is_a_refusal_and_no_redirect_is_followed(provider: Provider, status: int) -> None:
    provider.answer = lambda _: (status, {"Location": provider.url + "/elsewhere"}, b'{"echo": "042137"}')
    with pytest.raises(SmsRefusedError) as refused:
        sender(provider, "secret").send(to=TO, text=TEXT)
    assert len(provider.asked) == 1
    for canary in ("042137", TO, "secret"):
        assert canary not in repr(refused.value) + str(refused.value.__cause__)


def test_a_provider_that_does_not_answer_in_time_is_a_refusal(provider: Provider) -> None:
    released = threading.Event()
    provider.answer = lambda _: (released.wait(30), (202, {}, b""))[1]
    with pytest.raises(SmsRefusedError) as refused:
        sender(provider, "secret", timeout=0.1).send(to=TO, text=TEXT)
    released.set()
    assert (str(refused.value), refused.value.__cause__) == ("ReadTimeout", None)


def test_nobody_listening_is_a_refusal() -> None:
    with pytest.raises(SmsRefusedError) as refused:
        HttpSmsSender(url="http://127.0.0.1:9/send", secrets=lambda: ()).send(to=TO, text=TEXT)
    assert str(refused.value) == "ConnectionError"


NAMES = {
    "id": (b'{"id": "abc-1"}', "abc-1"),
    "number": (b'{"message_id": 17}', "17"),
    "sid": (b'{"sid": "SM0"}', "SM0"),
    "body-echoed": (b'{"id": "Passerelle : code 042137"}', None),
    "endless": (b'{"id": "' + b"a" * 100 + b'"}', None),
    "object": (b'{"id": {"x": 1}}', None),
    "list": (b'["id"]', None),
    "deep": (b"[" * 50_000, None),
    "nothing": (b"", None),
    "page": (b"<html>", None),
    "octets": (b"\xff\xfe", None),
}


@pytest.mark.spec("OTP-18")
@pytest.mark.parametrize("name", NAMES)
def test_only_a_name_is_read_from_the_answer(name: str) -> None:
    answer, said = NAMES[name]
    assert message_id(answer) == said
