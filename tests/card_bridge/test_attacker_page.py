"""Floods, slow callers, huge, deep and random bodies, by plain sockets: no window, no crash, no thread (BR-18, AC-083)."""

import json
import random
import select
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from card_bridge.http_door import MAX_CONNECTIONS, MAX_LONG_POLLS
from tests.card_bridge.rig import PIN, SOON, Page, Workstation, card, message

BODIES = 10_000
QUIET = ["card-bridge-http", "card-bridge-readers"]


@pytest.fixture
def station() -> Iterator[Workstation]:
    made = Workstation(patience=0.5)
    made.insert(card())
    yield made
    assert made.window.opened == []
    made.window.codes = [PIN]
    assert made.page.authenticate().status == 200, "the bridge works afterwards"
    assert not any("internal" in line for line in made.log), made.log
    made.stop()


def depths() -> list[bytes]:
    deep = 2000
    return [
        b"[" * 8000,
        b"[" * (deep * 2) + b"]" * (deep * 2),
        b'{"a":' * 1360 + b"1" + b"}" * 1360,
        message()[:-1] + b',"x":' + b"[" * deep + b"]" * deep + b"}",
        b'{"protocol":' + b"[" * deep,
        b'{"protocol":"' + b"\\u0000" * 1000 + b'"}',
        b'{"nonce":' + b"9" * 8000 + b"}",
        b'{"nonce":1e' + b"9" * 8000 + b"}",
        b'{"nonce":-' + b"0" * 100 + b"}",
        b'{"' + b"k" * 8000 + b'":"v"}',
        b"{" + b",".join(b'"%d":""' % number for number in range(900)) + b"}",
    ]


@pytest.mark.spec("BR-18", "BRG-17")
@pytest.mark.parametrize("body", depths(), ids=range(len(depths())))
def test_deep_and_strange_bodies(station: Workstation, body: bytes) -> None:
    assert len(body) <= 8192
    assert station.page.send("POST", "/v1/authenticate", body).error == "invalid_request"
    assert station.page.send("POST", "/v1/cancel", body).error == "invalid_request"


@pytest.mark.spec("BR-18", "BRG-17")
@pytest.mark.parametrize("bad", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xc3"])
def test_bad_utf_8(station: Workstation, bad: bytes) -> None:
    for body in (message().replace(b"login", b"login" + bad), bad + message(), message() + bad):
        assert station.page.send("POST", "/v1/authenticate", body).error == "invalid_request"


@pytest.mark.spec("BR-18", "BRG-17")
def test_a_body_of_8192_bytes_is_read_and_one_more_is_refused_unread(station: Workstation) -> None:
    padded = message() + b" " * (8192 - len(message()))
    assert station.page.send("POST", "/v1/cancel", b"{}" + b" " * 8190).status == 200
    assert station.page.send("POST", "/v1/authenticate", padded.replace(b"login", b"other")).error == "invalid_request"
    too_long = station.page.send("POST", "/v1/authenticate", padded + b" ")
    assert (too_long.error, too_long.has_cors) == ("invalid_request", False)
    # Announced only: the answer does not wait for it.
    with station.page.connect() as caller:
        caller.sendall(station.page.request("POST", "/v1/authenticate", b"", Content_Length="9" * 4))
        assert caller.recv(4096).startswith(b"HTTP/1.1 400")


@pytest.mark.spec("BR-18", "BRG-17")
def test_a_head_of_a_megabyte_is_dropped(station: Workstation) -> None:
    raw = station.page.request("GET", "/v1/status")
    assert station.page.say(raw.replace(b"\r\n\r\n", b"\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n")) is None
    assert station.page.say(b"GET /" + b"a" * 1_000_000) is None
    many = b"".join(b"\r\nX-%d: a" % number for number in range(5000))
    assert station.page.say(raw.replace(b"\r\n\r\n", many + b"\r\n\r\n")) is None


@pytest.mark.spec("BR-18", "BRG-17")
def test_ten_thousand_random_bodies(station: Workstation) -> None:
    """Half of them random bytes, half the true message with bytes changed, cut, doubled or exchanged."""
    dice = random.Random(20261121)
    page, template = station.page, message()

    def body() -> bytes:
        if dice.random() < 0.5:
            return dice.randbytes(dice.randrange(1, 200))
        changed = bytearray(template)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(changed))
            match dice.randrange(4):
                case 0:
                    changed[at] = dice.randrange(256)
                case 1:
                    del changed[at : at + dice.randrange(1, 9)]
                case 2:
                    changed[at:at] = changed[at : at + dice.randrange(1, 30)]
                case _:
                    changed[at:at] = dice.choice([b'"', b"{", b"}", b"[", b"\\", b"\\u0000", b",", b"null", b"\x00"])
            changed = changed or bytearray(b" ")
        return bytes(changed)

    sent = 0
    while sent < BODIES:
        random_body = body()
        if _is_valid(random_body):
            continue
        reply = page.send("POST", "/v1/authenticate", random_body)
        assert reply.json == {"error": "invalid_request", "retriable": False}, random_body
        sent += 1
    assert station.threads() == QUIET


def _is_valid(body: bytes) -> bool:
    """Whether chance made a message that the schema accepts."""
    from card_bridge.authentication_request import read_authentication_request
    from card_bridge.refusals import BridgeRefusal

    try:
        read_authentication_request(body)
    except BridgeRefusal:
        return False
    return isinstance(json.loads(body), dict)


@pytest.mark.spec("BR-18")
def test_a_thousand_random_heads(station: Workstation) -> None:
    dice = random.Random(7)
    raw = station.page.request("POST", "/v1/authenticate", b"{}")
    for _ in range(1000):
        changed = bytearray(raw)
        for _ in range(dice.randrange(1, 6)):
            changed[dice.randrange(len(changed))] = dice.randrange(256)
        with station.page.connect() as caller:
            caller.sendall(changed)
            caller.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: caller.recv(4096), b""))
        assert answer == b"" or answer.split(b" ")[1] in (b"400", b"403", b"404"), changed


@pytest.mark.spec("BR-18", "BRG-17")
def test_slow_callers_hold_no_thread_and_keep_nobody_out(station: Workstation) -> None:
    """Three times as many as there is room for, each in the middle of its head or of its body."""
    head = station.page.request("POST", "/v1/authenticate", message())
    slow = [station.page.connect() for _ in range(3 * MAX_CONNECTIONS)]
    for number, caller in enumerate(slow):
        try:
            caller.sendall(head[: 40 if number % 2 else len(head) - 10])
        except OSError:
            continue
    assert station.threads() == QUIET
    assert station.page.status().status == 200
    # Their patience is counted from the first byte: one more byte now and then does not prolong it.
    for caller in slow:
        caller.settimeout(10)
        try:
            assert caller.recv(1) == b""
        except ConnectionError:
            continue
        finally:
            caller.close()
    assert station.threads() == QUIET


@pytest.mark.spec("BR-18", "BRG-13")
def test_a_flood_of_another_origin(station: Workstation) -> None:
    attacker = Page(station.bridge.port, "https://attacker.example")
    for _ in range(300):
        assert attacker.authenticate().status == 403
    assert station.threads() == QUIET
    assert sum("origin_refused" in line for line in station.log) == 1, "a flood does not fill the log"


@pytest.mark.spec("BR-18")
def test_callers_that_break_off(station: Workstation) -> None:
    raw = station.page.request("POST", "/v1/authenticate", message(nonce="short"))
    for cut in range(0, len(raw), 7):
        with station.page.connect() as caller:
            caller.sendall(raw[:cut])
            caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert station.page.status().status == 200
    assert station.threads() == QUIET


@pytest.mark.spec("BR-18")
def test_many_long_polls_keep_nobody_out(station: Workstation) -> None:
    """Four wait; the others are told at once what there is."""
    waiting = [station.page.connect() for _ in range(2 * MAX_LONG_POLLS)]
    for caller in waiting:
        caller.sendall(station.page.request("GET", "/v1/status?wait=25&since=0"))
    still = list(waiting)
    while len(still) > MAX_LONG_POLLS:
        answered, _, _ = select.select(still, [], [], SOON)
        assert answered
        for caller in answered:
            assert caller.recv(12) == b"HTTP/1.1 200"
            still.remove(caller)
    assert len(still) == MAX_LONG_POLLS
    assert select.select(still, [], [], 0.2)[0] == []
    assert station.threads() == QUIET
    for caller in waiting:
        caller.close()


@pytest.mark.spec("BR-18", "BRG-17")
@pytest.mark.parametrize("answered", [False, True], ids=["in the middle of a request", "after the answer"])
def test_beyond_the_ceiling_the_oldest_idle_caller_is_dropped_at_once(answered: bool) -> None:
    workstation = Workstation(patience=60)
    raw = workstation.page.request("GET", "/v1/status")
    idle = []
    for _ in range(MAX_CONNECTIONS + 1):
        caller = workstation.page.connect()
        idle.append(caller)
        caller.sendall(raw if answered else raw[:-2])
        if answered:
            assert caller.recv(12) == b"HTTP/1.1 200"
    oldest, *_, newest = idle
    with suppress(ConnectionResetError):
        assert b"".join(iter(lambda: oldest.recv(4096), b""))[:4] != b"HTTP"
    if not answered:
        newest.sendall(raw[-2:])
        assert newest.recv(12) == b"HTTP/1.1 200"
    for caller in idle:
        caller.close()
    workstation.stop()
