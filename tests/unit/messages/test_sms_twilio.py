"""SMS through Twilio's own library, against a server on loopback that answers as its REST documentation says."""

import base64
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.accounts.sim_signal import SimSignal
from gateway.messages.sms_http import SmsRefusedError
from gateway.messages.sms_twilio import TwilioSmsSender, read_sim_swap

ACCOUNT, SERVICE = f"AC{'a1' * 16}", f"MG{'b2' * 16}"
NEW, FORMER = f"SK{'c3' * 16}:new-secret", f"SK{'d4' * 16}:former-secret"
TO, TEXT = "+33639980001", "Passerelle : code 042137"
NOW = 1_800_000_000.0  # 2027-01-15


class Twilio:
    """The Messages resource and Lookup v2: what was asked, by whom, and errors in the shape of the API's."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, list[str]], str]] = []
        self.live = {NEW, FORMER}
        self.error: tuple[int, int] | None = None
        self.sim_swap: Any = None
        self.privacy = True
        self.url = ""

    def answer(self, key: str, method: str, path: str, fields: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        if key not in self.live:
            return 401, self.problem(401, 20003, "Authenticate")
        if self.error is not None:
            return self.error[0], self.problem(*self.error, f"The 'To' number {TO} is not valid; body: {TEXT}")
        if method == "GET":
            return 200, {"phone_number": TO, "valid": True, "sim_swap": self.sim_swap, "url": f"{self.url}{path}"}
        if fields.get("ContentRetention") == ["discard"] and not self.privacy:
            return 400, self.problem(400, 30029, "Invalid ContentRetention")
        return 201, {
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": fields["Body"][0], "date_created": None,
            "date_sent": None, "date_updated": None, "direction": "outbound-api", "error_code": None,
            "error_message": None, "from": None, "messaging_service_sid": SERVICE, "num_media": "0",
            "num_segments": "1", "price": None, "price_unit": None, "sid": f"SM{'e5' * 16}", "status": "accepted",
            "subresource_uris": {}, "to": fields["To"][0], "uri": f"{path}",
        }  # fmt: skip

    @staticmethod
    def problem(status: int, code: int, message: str) -> dict[str, Any]:
        return {
            "code": code,
            "message": message,
            "more_info": f"https://www.twilio.com/docs/errors/{code}",
            "status": status,
        }


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    known = Twilio()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            url = urlsplit(self.path)
            fields = parse_qs(self.rfile.read(length).decode() or url.query)
            scheme, _, credentials = self.headers["Authorization"].partition(" ")
            assert scheme == "Basic"
            key = base64.b64decode(credentials).decode()
            known.asked.append((self.command, url.path, fields, key))
            status, document = known.answer(key, self.command, url.path, fields)
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _do  # noqa: N815 -- the names that the server calls

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        known.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield known
        server.shutdown()


def sender(twilio: Twilio, *keys: str, of: str = SERVICE, timeout: float = 2.0) -> TwilioSmsSender:
    return TwilioSmsSender(
        account_sid=ACCOUNT, secrets=lambda: keys or (NEW,), sender=of, base_url=twilio.url, timeout=timeout
    )


@pytest.mark.spec("OTP-18")
def test_a_message_leaves_by_the_messages_resource_and_its_body_is_not_kept_there(twilio: Twilio) -> None:
    assert sender(twilio).send(to=TO, text=TEXT) == f"SM{'e5' * 16}"
    assert twilio.asked == [
        (
            "POST",
            f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json",
            {"To": [TO], "Body": [TEXT], "MessagingServiceSid": [SERVICE], "ContentRetention": ["discard"]},
            NEW,
        )
    ]
    sender(twilio, of="+33700000000").send(to=TO, text=TEXT)
    assert twilio.asked[1][2]["From"] == ["+33700000000"]


@pytest.mark.spec("OTP-18")
def test_an_account_without_message_privacy_still_sends_its_codes(twilio: Twilio) -> None:
    twilio.privacy = False
    carrier = sender(twilio)
    for _ in range(2):
        assert carrier.send(to=TO, text=TEXT) is not None
    assert ["ContentRetention" in fields for _, _, fields, _ in twilio.asked] == [True, False, False]


@pytest.mark.spec("SMS-11")
def test_two_keys_are_live_and_the_former_serves_while_the_new_one_is_not_known(twilio: Twilio) -> None:
    twilio.live = {FORMER}
    assert sender(twilio, NEW, FORMER).send(to=TO, text=TEXT) is not None
    assert [key for *_, key in twilio.asked] == [NEW, FORMER]
    twilio.live = set()
    with pytest.raises(SmsRefusedError, match="status 401, code 20003"):
        sender(twilio, NEW, FORMER).send(to=TO, text=TEXT)


@pytest.mark.spec("SMS-11")
@pytest.mark.parametrize(
    "master", [f"{ACCOUNT}:the-account-token", "the-account-token", ""], ids=["pair", "token", "nothing"]
)
def test_the_master_token_of_the_account_is_never_used(
    twilio: Twilio, master: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "the-account-token")
    with pytest.raises(SmsRefusedError, match="no API key"):
        sender(twilio, master).send(to=TO, text=TEXT)
    assert twilio.asked == []


@pytest.mark.parametrize("error", [(400, 21211), (400, 21608), (429, 20429), (500, 20500), (503, 20503)], ids=str)
def test_an_error_says_its_numbers_and_nothing_of_the_message(
    twilio: Twilio, error: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    twilio.error = error
    with pytest.raises(SmsRefusedError) as refused:
        sender(twilio).send(to=TO, text=TEXT)
    assert str(refused.value) == f"status {error[0]}, code {error[1]}"
    assert refused.value.__cause__ is None
    for canary in ("042137", TO, "new-secret"):
        assert canary not in caplog.text + repr(refused.value)


def test_nothing_of_a_message_that_leaves_is_logged_either(twilio: Twilio, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sender(twilio).send(to=TO, text=TEXT)
    for canary in ("042137", TO, TO[1:], "new-secret"):
        assert canary not in caplog.text


def test_nobody_listening_is_a_refusal(twilio: Twilio) -> None:
    twilio.url = "http://127.0.0.1:9"
    with pytest.raises(SmsRefusedError, match="ConnectionError"):
        sender(twilio).send(to=TO, text=TEXT)


def swapped(**said: Any) -> dict[str, Any]:
    return {"carrier_name": "Fictive", "error_code": None, "last_sim_swap": said}


SIGNALS = {
    "in-period": (swapped(last_sim_swap_date=None, swapped_period="PT48H", swapped_in_period=True), SimSignal.CHANGED),
    "not-in-period": (swapped(swapped_period="PT48H", swapped_in_period=False), SimSignal.UNCHANGED),
    "yesterday": (swapped(last_sim_swap_date="2027-01-14T08:00:00Z"), SimSignal.CHANGED),
    "last-year": (swapped(last_sim_swap_date="2026-01-14T08:00:00Z"), SimSignal.UNCHANGED),
    "no-zone": (swapped(last_sim_swap_date="2027-01-14T08:00:00"), SimSignal.ABSENT),
    "not-told": (swapped(last_sim_swap_date=None, swapped_in_period=None), SimSignal.ABSENT),
    "error": (swapped(swapped_in_period=False) | {"error_code": 60606}, SimSignal.ABSENT),
    "country-not-served": ({"error_code": 60601, "last_sim_swap": None}, SimSignal.ABSENT),
    "null": (None, SimSignal.ABSENT),
    "nonsense": (["x"], SimSignal.ABSENT),
}


@pytest.mark.spec("SMS-08")
@pytest.mark.parametrize("name", SIGNALS)
def test_what_lookup_says_of_a_sim_is_a_change_or_an_absence_unless_it_is_clear(twilio: Twilio, name: str) -> None:
    twilio.sim_swap, expected = SIGNALS[name]
    assert read_sim_swap(twilio.sim_swap, NOW) is expected
    assert sender(twilio).sim(TO, NOW) is expected
    ((method, path, fields, _),) = twilio.asked
    assert (method, path, fields) == ("GET", f"/v2/PhoneNumbers/{TO}", {"Fields": ["sim_swap"]})
