"""The real demo, started once for the tests that drive it from outside: real processes, real ports, real messages."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[1]


def free_port(host: str) -> int:
    """A port that nobody uses now; the demo says so politely if somebody takes it first."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class RunningDemo:
    gateway: str
    world: str
    orientation: str
    suivi: str
    wallet: str
    bridge: str
    data: Path

    def advance(self, seconds: int) -> None:
        """Moves the clock that all the demo's processes share."""
        requests.post(f"{self.world}/api/clock", json={"advance_seconds": seconds}, timeout=5).raise_for_status()

    def fault(self, **faults: str | None) -> None:
        requests.post(f"{self.world}/api/faults", json=faults, timeout=5).raise_for_status()

    def mails(self, to: str) -> list[dict[str, Any]]:
        mails: list[dict[str, Any]] = requests.get(f"{self.world}/api/mails", params={"to": to}, timeout=5).json()[
            "mails"
        ]
        return mails

    def codes(self, to: str) -> int:
        """How many mails with a code came so far; who comes from another browser is written to about that too."""
        return len([mail for mail in self.mails(to) if "code" in mail["subject"]])

    def texts(self, to: str) -> list[dict[str, Any]]:
        sms: list[dict[str, Any]] = requests.get(f"{self.world}/api/sms", params={"to": to}, timeout=5).json()["sms"]
        return sms

    def wait_for_mail(self, to: str, subject: str, *, known: int = 0) -> dict[str, Any]:
        """The newest mail to `to` whose subject matches, once there are more than `known` of them."""
        return self._wait(lambda: [mail for mail in self.mails(to) if re.search(subject, mail["subject"])], known)

    def wait_for_text(self, to: str, *, known: int = 0) -> dict[str, Any]:
        return self._wait(lambda: self.texts(to), known)

    @contextlib.contextmanager
    def lying(self, lie: str) -> Iterator[None]:
        """Pro Santé Connect lies in one thing."""
        address = f"{self.world}/api/psc/lie"
        requests.post(address, json={"lie": lie}, timeout=5).raise_for_status()
        try:
            yield
        finally:
            requests.post(address, json={"lie": None}, timeout=5).raise_for_status()

    def answer_phone(self, rpps: str, *, approve: bool = True) -> None:
        """Approves, or refuses, what the e-CPS application asks of this person, once it is there."""
        waiting = self._wait(lambda: self._asked_of(rpps), 0, told_at="asked_at")["id"]
        requests.post(f"{self.world}/api/approvals/{waiting}", json={"approve": approve}, timeout=5).raise_for_status()

    def _asked_of(self, rpps: str) -> list[dict[str, Any]]:
        asked = requests.get(f"{self.world}/api/approvals", timeout=5).json()["approvals"]
        return [one for one in asked if one["decision"] == "pending" and one["national_id"] == f"8{rpps}"]

    def passerelle(self, *arguments: str) -> str:
        """Runs the command line against the demo and gives what it prints."""
        environment = {**os.environ, "PASSERELLE_CONFIG": str(self.data / "passerelle.yaml"), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "gateway.cli", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _wait(self, look: Any, known: int, *, told_at: str = "received_at") -> dict[str, Any]:
        for _ in range(300):
            found: list[dict[str, Any]] = look()
            if len(found) > known:
                return max(found, key=lambda message: message[told_at])
            Event().wait(0.05)
        raise AssertionError(f"no message came; {look()!r}")


@contextlib.contextmanager
def running_demo(data: Path, *arguments: str) -> Iterator[RunningDemo]:
    """Starts `passerelle demo` on free ports with its data in `data`, waits until it says it is healthy, stops it."""
    command = [
        sys.executable, "-m", "gateway.cli", "--json", "demo", "--data", str(data),
        "--port", str(free_port("127.0.0.1")), "--world-port", str(free_port("127.0.0.2")),
        "--smtp-port", str(free_port("127.0.0.2")), "--orientation-port", str(free_port("127.0.0.5")),
        "--suivi-port", str(free_port("127.0.0.6")), "--psc-port", str(free_port("127.0.0.3")),
        "--wallet-port", str(free_port("127.0.0.4")), "--bridge-port", str(free_port("127.0.0.1")), *arguments,
    ]  # fmt: skip
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            logs = "\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in data.glob("*.log"))
            raise AssertionError(f"the demo did not start: {process.communicate()[1]}\n{logs}")
        yield RunningDemo(**{**json.loads(line), "data": data})
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
