"""A real gateway for tests that break it: real `serve` and `jobs` processes on one data folder, a real mail server, and the
simulated Pro Santé Connect where it is asked for.

Only processes started here are ever killed, each by its own descriptor.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPException
from pathlib import Path
from threading import Event
from types import MappingProxyType
from typing import Any

import requests
import yaml

from gateway.cli.seed import seed_demo
from gateway.settings import read_settings
from gateway.wiring.stores import Stores, open_stores
from sandbox.clock import WorldClock
from sandbox.loopback import LoopbackAddress
from sandbox.psc import PscOptions, RunningPsc, running_psc
from sandbox.world.faults import Faults
from sandbox.world.mailbox import Mail, Mailbox
from sandbox.world.smtp import SmtpServer
from tests.running_demo import ROOT, free_port

REDIRECT_URI = "http://127.0.0.5:8091/callback"
AFTER_LOGOUT = "http://127.0.0.5:8091/"
SECRET = "a-secret-that-only-this-test-knows-0123456789"
PSC_SECRET = "another-secret-of-this-test-9876543210"


class Process:
    """One process of ours, held by a descriptor: a signal can reach no other, even after its number was given again."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._descriptor = os.pidfd_open(pid)

    def is_alive(self) -> bool:
        return not self._ended_within(0)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._ended_within(None)

    def stop(self) -> None:
        self._signal(signal.SIGTERM)
        if not self._ended_within(15):
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    def _ended_within(self, seconds: float | None) -> bool:
        return bool(select.select([self._descriptor], [], [], seconds)[0])


@dataclass
class Deployment:
    folder: Path
    port: int
    mailbox: Mailbox
    faults: Faults
    clock: WorldClock
    nursery: subprocess.Popen[str]
    psc: RunningPsc | None = None
    processes: list[Process] = field(default_factory=list)

    @property
    def settings_file(self) -> Path:
        return self.folder / "passerelle.yaml"

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self, *argv: str, log: str | None = None) -> Process:
        """A `passerelle` process (or the clerk of these tests); it writes to `<log>.log`, by default named after it."""
        order = {"argv": argv, "log": str(self.folder / f"{log or argv[0]}.log")}
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(f"{json.dumps(order)}\n")
        self.nursery.stdin.flush()
        self.processes.append(Process(int(self.nursery.stdout.readline())))
        return self.processes[-1]

    def serve(self, *, workers: int = 1) -> Process:
        process = self.start("serve", "--workers", str(workers))
        self.wait_healthy(process)
        return process

    def wait_healthy(self, process: Process) -> None:
        def healthy() -> bool:
            assert process.is_alive(), self.log("serve")
            try:
                return requests.get(f"http://127.0.0.1:{self.port}/health", timeout=10).ok
            except (OSError, HTTPException):
                return False

        wait_until(healthy, "the gateway answers")

    def log(self, name: str) -> str:
        file = self.folder / f"{name}.log"
        return file.read_text("utf-8", "replace") if file.exists() else ""

    def stores(self) -> Stores:
        return open_stores(read_settings(self.settings_file), node="test")

    def advance(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    def mails(self, to: str) -> list[Mail]:
        return self.mailbox.mails(to)

    def codes(self, to: str) -> list[Mail]:
        """The mails with a code; who comes from another browser is written to about that too."""
        return [mail for mail in self.mailbox.mails(to) if "code" in mail.subject]

    def stop(self) -> None:
        for process in self.processes:
            process.stop()
        self.nursery.communicate()


def wait_until(condition: Callable[[], Any], what: str, *, seconds: float = 30.0) -> Any:
    """Polls until it is true; a condition, never a duration, ends the wait."""
    for _ in range(int(seconds / 0.01)):
        if found := condition():
            return found
        Event().wait(0.01)
    raise AssertionError(f"never happened: {what}")


@contextlib.contextmanager
def deployment(
    folder: Path,
    *,
    ephemeral_url: str | None = None,
    database_url: str | None = None,
    people: list[dict[str, Any]] | None = None,
    parameters: dict[str, Any] | None = None,
    with_psc: bool = False,
    means: tuple[str, ...] = ("password",),
    more: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[Deployment]:
    """A seeded deployment; nothing serves yet. `people` None: those of the sandbox, with their roles. `more`: settings."""
    port = free_port("127.0.0.1")
    (folder / "clock-offset").write_bytes(bytes(8))
    clock, mailbox, faults = WorldClock(folder / "clock-offset"), Mailbox(), Faults()
    smtp = SmtpServer(LoopbackAddress("127.0.0.2", 0), mailbox, faults, clock)
    settings: dict[str, Any] = {
        "profile": "demo",
        "issuer": f"http://localhost:{port}",
        "listen": f"127.0.0.1:{port}",
        "idp_config": str(ROOT / "idp_config"),
        "data": ".",
        "smtp": {
            "host": "127.0.0.2",
            "port": smtp.address.port,
            "tls": "none",
            "sender": "gateway@demo.passerelle.test",
        },
        "clock_offset_file": "clock-offset",
        "means": list(means),
        "parameters": {"key.sign.rsa_bits": 2048, **(parameters or {})},
        **more,
    }
    people_file = folder / "people.yaml"
    if people is None:
        people_file = ROOT / "sandbox" / "data" / "people.yaml"
        data = ROOT / "sandbox" / "data"
        settings["directory"] = {
            "structures_file": str(data / "structures.csv"),
            "roles_file": str(data / "roles.csv"),
        }
    else:
        people_file.write_text(yaml.safe_dump(people), "utf-8")
    if ephemeral_url is not None:
        settings["ephemeral"] = {"url": ephemeral_url}
    if database_url is not None:
        settings["database"] = {"url": database_url}
    (folder / "secret").write_text(SECRET, "utf-8")
    with contextlib.ExitStack() as outside:
        psc = outside.enter_context(_psc(folder, settings, clock)) if with_psc else None
        (folder / "passerelle.yaml").write_text(yaml.safe_dump(settings), "utf-8")
        smtp.start()
        outside.callback(smtp.stop)
        running = Deployment(folder, port, mailbox, faults, clock, _nursery(folder), psc)
        outside.callback(running.stop)
        seed_demo(folder / "passerelle.yaml", people_file=people_file, secret_files={"orientation": folder / "secret"})
        yield running


def _nursery(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.nursery"],
        cwd=ROOT,
        env={**os.environ, "PASSERELLE_CONFIG": str(folder / "passerelle.yaml"), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def _psc(folder: Path, settings: dict[str, Any], clock: WorldClock) -> Iterator[RunningPsc]:
    """The simulated Pro Santé Connect, and what the gateway must know of it, in a copy of idp_config."""
    callback, left = (f"{settings['issuer']}/signin/psc/{way_back}" for way_back in ("callback", "logged-out"))
    (folder / "psc.secret").write_text(PSC_SECRET, "utf-8")
    options = PscOptions(
        client_id="passerelle-demo",
        client_secret_file=folder / "psc.secret",
        redirect_uris=(callback,),
        post_logout_redirect_uris=(left,),
    )
    with running_psc(options, clock=clock) as psc:
        shutil.copytree(ROOT / "idp_config", folder / "idp_config")
        file = folder / "idp_config" / "psc.yaml"
        written = file.read_text("utf-8").replace("http://localhost:8080", settings["issuer"])
        written = written.replace("http://127.0.0.3:8093", psc.realm.auth_url)
        file.write_text(written.replace("http://127.0.0.4:8094", psc.wallet_url), "utf-8")
        settings["idp_config"] = "idp_config"
        settings["means"] = ["psc", *settings["means"]]
        settings["psc"] = {"client_secret_file": "psc.secret"}
        yield psc


def crowd(number: int) -> list[dict[str, Any]]:
    """So many fictitious people, active, who receive their codes by mail."""
    return [
        {
            "username": f"person-{index}",
            "password": f"tramontane-numero-{index}-bleue",
            "given_name": f"Person {index}",
            "family_name": "Fictive",
            "email": f"person-{index}@demo.passerelle.test",
            "status": "active",
        }
        for index in range(number)
    ]


def lines_by_address(stores: Stores) -> dict[str | None, list[str]]:
    """The names of the journal's lines by the address of who caused them."""
    found: dict[str | None, list[str]] = {}
    for _, event in stores.database.journal.read(limit=10**6):
        found.setdefault(event.ip, []).append(event.name)
    return found
