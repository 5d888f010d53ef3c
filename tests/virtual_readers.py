"""Two real card readers for tests: Debian's pcscd and vpcd, in namespaces of their own, stopped by their process.

vpcd listens on every interface, so pcscd gets a network of its own, where only loopback exists; and a `/run` of its own, so
that several test processes may each have theirs. Clients find the daemon through `PCSCLITE_CSOCK_NAME`. Needs root.

    with pc_sc.plugged(card): ...         # the card is in the first reader until the block ends
    pc_sc.stop(); pc_sc.start()           # the service stops and comes back; cards stay in their readers
"""

import contextlib
import ctypes
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import TypeVar

import pytest

from sandbox.card.virtual_card import VirtualCard
from sandbox.card.vpcd import VpcdClient

READERS = ("Virtual PCD 00 00", "Virtual PCD 00 01")
_FIRST_PORT = 35963
_DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
_CONFIGURATION = f"""
FRIENDLYNAME "Virtual PCD"
DEVICENAME   /dev/null:0x{_FIRST_PORT:04X}
LIBPATH      {_DRIVER}
CHANNELID    0x{_FIRST_PORT:04X}
"""
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_T = TypeVar("_T")
_FOLDER = pytest.StashKey[Path]()


def look_for_readers_here_only(config: pytest.Config) -> None:
    """Before anything asks for a reader: the library reads the name of its socket once in a process, whenever that is; and no
    test ever meets the readers of the machine."""
    folder = config.stash[_FOLDER] = Path(tempfile.mkdtemp(prefix="pcsc-"))
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    os.environ["PCSCLITE_CSOCK_NAME"] = str(_socket_in(folder))


def _socket_in(folder: Path) -> Path:
    return folder / "run" / "pcscd" / "pcscd.comm"


class VirtualPcscd:
    """One PC/SC service with two readers, and the cards that are in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._configuration = folder / "reader.conf.d"
        self._configuration.mkdir()
        (self._configuration / "vpcd").write_text(_CONFIGURATION, encoding="ascii")
        self._run = folder / "run"
        self._run.mkdir()
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[int, VpcdClient] = {}
        self.seen: list[VirtualCard] = []
        """Every card that was inserted since the test began."""

    @property
    def socket(self) -> Path:
        return _socket_in(self._folder)

    @property
    def environment(self) -> dict[str, str]:
        """What a client process needs in its environment."""
        return {"PCSCLITE_CSOCK_NAME": str(self.socket)}

    @property
    def pid(self) -> int:
        assert self._process is not None, "the service is stopped"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Returns once both readers listen and clients can connect; puts back the cards that were in the readers."""
        log = self._folder / "pcscd.log"
        script = 'mount --bind "$1" /run && exec pcscd --foreground --info --config "$2"'
        with log.open("wb") as written:
            self._process = subprocess.Popen(
                ["unshare", "--net", "--mount", "sh", "-c", script, "pcscd", self._run, self._configuration],
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
            )
        while (said := log.read_bytes()).count(b"Waiting for virtual ICC") < 2 or b"daemon ready" not in said:
            if self._process.poll() is not None:
                self._process = None
                raise AssertionError(f"pcscd ended: {said.decode(errors='replace')}")
            Event().wait(0.02)
        while not _accepts(self.socket):  # which it opens after it has said that it is ready
            Event().wait(0.02)
        self._there(_loopback_up)
        for slot, client in self._clients.items():
            self._clients[slot] = self._plug(client.card, slot)

    def stop(self) -> None:
        """As an administrator stops the service; cards stay where they are."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for client in self._clients.values():
            client.pull()
        self.socket.unlink(missing_ok=True)

    def insert(self, card: VirtualCard, slot: int = 0) -> VpcdClient:
        self.remove(slot)
        self.seen.append(card)
        self._clients[slot] = client = self._plug(card, slot)
        return client

    def remove(self, slot: int = 0) -> None:
        client = self._clients.pop(slot, None)
        if client is not None:
            client.pull()

    def remove_all(self) -> None:
        for slot in list(self._clients):
            self.remove(slot)

    @contextlib.contextmanager
    def plugged(self, card: VirtualCard, slot: int = 0) -> Iterator[VpcdClient]:
        client = self.insert(card, slot)
        try:
            yield client
        finally:
            self.remove(slot)

    def listening_addresses(self) -> list[str]:
        """What listens on TCP in the network of the service, as `/proc/net/tcp` writes it."""
        lines = Path(f"/proc/{self.pid}/net/tcp").read_text("ascii").splitlines()[1:]
        return [line.split()[1] for line in lines if line.split()[3] == "0A"]

    def _plug(self, card: VirtualCard, slot: int) -> VpcdClient:
        return VpcdClient(card, lambda: self._there(lambda: _patient_connection(_FIRST_PORT + slot)))

    def _there(self, action: Callable[[], _T]) -> _T:
        """Does it in the network of the service; a socket made there keeps working from any thread."""
        results: list[_T] = []
        failures: list[BaseException] = []

        def enter_and_act() -> None:
            try:
                namespace = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)
                try:
                    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                finally:
                    os.close(namespace)
                results.append(action())
            except BaseException as failure:
                failures.append(failure)

        thread = threading.Thread(target=enter_and_act)
        thread.start()
        thread.join()
        if failures:
            raise failures[0]
        return results[0]


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | _IFF_UP, b""))


def _accepts(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(place)) == 0


def _patient_connection(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=None)


def _missing() -> str | None:
    if os.geteuid() != 0:
        return "real card readers need root, for their network namespace"
    for command, package in (("pcscd", "pcscd"), ("unshare", "util-linux"), ("mount", "mount")):
        if shutil.which(command) is None:
            return f"{command} is missing (Debian package {package})"
    if not _DRIVER.exists():
        return "the driver of virtual readers is missing (Debian package vsmartcard-vpcd)"
    if subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        return "this machine lets nobody make a network namespace"
    return None


@pytest.fixture(scope="session")
def virtual_pcscd(pytestconfig: pytest.Config) -> Iterator[VirtualPcscd]:
    """The service of this test process, where a PC/SC client of this process looks for it."""
    absent = _missing()
    if absent is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    pcscd = VirtualPcscd(pytestconfig.stash[_FOLDER])
    pcscd.start()
    try:
        yield pcscd
    finally:
        pcscd.stop()


@pytest.fixture
def pc_sc(virtual_pcscd: VirtualPcscd) -> Iterator[VirtualPcscd]:
    """Two empty readers and a running service; afterwards no card may have been asked what is forbidden (VC-14)."""
    virtual_pcscd.seen.clear()
    if virtual_pcscd.running:
        virtual_pcscd.stop()  # it may keep the ghost of a card that left during its reset
    virtual_pcscd.start()
    try:
        yield virtual_pcscd
    finally:
        virtual_pcscd.remove_all()
    assert [misuse for card in virtual_pcscd.seen for misuse in card.misuse] == []
