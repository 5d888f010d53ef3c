"""Loopback only, a short list of ports, and no word to any other machine (BR-12, BRG-01)."""

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import card_bridge
from card_bridge.loopback_ports import PORTS, NoPortFree, bind, host_names
from tests.card_bridge.rig import PIN, PlayedWindow, Workstation, card

_spoken: list[tuple[str, object]] = []
_listening = threading.Event()


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if _listening.is_set() and threading.current_thread().name.startswith("card-bridge"):
        if event in (
            "socket.connect",
            "socket.sendto",
            "socket.getaddrinfo",
            "socket.gethostbyname",
            "subprocess.Popen",
        ):
            _spoken.append((event, arguments[1:]))
        if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            _spoken.append((event, arguments))


@pytest.fixture
def spoken() -> Iterator[list[tuple[str, object]]]:
    if not getattr(sys, "_heard_by_card_bridge_tests", False):
        sys.addaudithook(_hear)
        sys._heard_by_card_bridge_tests = True  # type: ignore[attr-defined]
    _spoken.clear()
    _listening.set()
    yield _spoken
    _listening.clear()


def listening_addresses(port: int) -> set[str]:
    found = set()
    for table in ("tcp", "tcp6"):
        file = Path("/proc/self/net") / table
        for line in file.read_text("ascii").splitlines()[1:] if file.exists() else []:
            _, local, _, state, *_ = line.split()
            address, _, number = local.partition(":")
            if state == "0A" and int(number, 16) == port:
                found.add(address)
    return found


@pytest.mark.spec("BR-12", "BRG-01")
@pytest.mark.skipif(not Path("/proc/self/net/tcp").exists(), reason="the list of sockets is read from /proc")
def test_it_listens_on_loopback_addresses_only(workstation: Workstation) -> None:
    addresses = listening_addresses(workstation.bridge.port)
    assert "0100007F" in addresses
    assert addresses <= {"0100007F", "0" * 24 + "01000000"}


@pytest.mark.spec("BR-12", "BRG-01")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "auth.example.fr", ""])
def test_it_refuses_to_listen_elsewhere(host: str) -> None:
    with pytest.raises(ValueError):
        Workstation(host=host)


@pytest.mark.spec("BR-12", "BRG-01")
def test_a_whole_authentication_speaks_to_nobody_and_writes_nothing(
    workstation: Workstation, spoken: list[tuple[str, object]]
) -> None:
    workstation.insert(card())
    workstation.window.codes = ["0000", PIN]
    assert workstation.page.authenticate().status == 200
    workstation.page.status("?wait=0&since=0")
    workstation.page.cancel()
    assert spoken == []


@pytest.mark.spec("BRG-01", "BRG-02")
def test_it_answers_on_the_other_loopback_address_by_its_name(workstation: Workstation) -> None:
    try:
        caller = socket.create_connection(("::1", workstation.bridge.port), timeout=5)
    except OSError:
        pytest.skip("this machine has no ::1")
    with caller:
        caller.sendall(workstation.page.request("GET", "/v1/status", Host=f"[::1]:{workstation.bridge.port}"))
        assert caller.recv(12) == b"HTTP/1.1 200"


@pytest.mark.spec("BRG-01")
def test_the_first_free_port_of_the_list_is_taken() -> None:
    with socket.socket() as first, socket.socket() as second:
        for stranger in (first, second):
            stranger.bind(("127.0.0.1", 0))
            stranger.listen()
        taken = [stranger.getsockname()[1] for stranger in (first, second)]
        bridge = Workstation(ports=(*taken, 0))
        assert bridge.bridge.port not in taken
        bridge.stop()
        with pytest.raises(NoPortFree):
            bind("127.0.0.1", taken)


@pytest.mark.spec("BRG-01")
def test_a_port_of_which_a_stranger_holds_the_other_half_is_left_to_them() -> None:
    with socket.socket(socket.AF_INET6) as stranger:
        try:
            stranger.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no ::1")
        stranger.listen()
        with pytest.raises(NoPortFree):
            bind("127.0.0.1", (stranger.getsockname()[1],))


def test_the_ports_are_those_that_pages_try() -> None:
    assert PORTS == (17583, 27583, 37583)


def test_host_names_follow_the_sockets() -> None:
    sockets, port = bind("127.0.0.1", (0,))
    try:
        assert {f"127.0.0.1:{port}", f"localhost:{port}"} <= host_names(sockets, port)
        assert host_names(sockets[:1], port) == {f"127.0.0.1:{port}", f"localhost:{port}"}
    finally:
        for bound in sockets:
            bound.close()


def test_a_stopped_bridge_leaves_its_port(workstation: Workstation) -> None:
    workstation.stop()
    with pytest.raises(ConnectionRefusedError):
        workstation.page.connect()
    again = card_bridge.run(
        readers=workstation.readers,
        window=PlayedWindow(),
        allowed_origins=["https://auth.example.fr"],
        ports=(workstation.bridge.port,),
        log=workstation.log.append,
    )
    with again:
        assert workstation.page.status().status == 200
