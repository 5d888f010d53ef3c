"""A small deployment in a folder of its own, and the command as an administrator runs it: in this process, or in its own."""

import asyncio
import contextlib
import io
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests.auth
import yaml

from gateway.cli.command_line import passerelle
from gateway.cli.output import run
from gateway.settings import Settings, read_settings
from gateway.wiring.application import build
from gateway.wiring.stores import Stores, open_stores, read_idp_config

ROOT = Path(__file__).resolve().parents[2]
ISSUER = "http://localhost:8080"
ROOT_ADMIN = ("--username", "ad.ministre", "--given-name", "Ada", "--family-name", "Ministre")
ADMINISTRATOR = (*ROOT_ADMIN, "--email", "ada.ministre@exemple.invalid")

DYING = """
import importlib, os, signal, sys
target, *sys.argv[1:] = sys.argv[1:]
module, _, path = target.partition(":")
owner, names = importlib.import_module(module), path.split(".")
for name in names[:-1]:
    owner = getattr(owner, name)
whole = getattr(owner, names[-1])
def last_act(*arguments, **named):
    whole(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, names[-1], last_act)
from gateway.cli import main
main()
"""
"""The command, killed as soon as the function named `module:path` has done its work."""


@dataclass(frozen=True)
class Ran:
    """What a person, or a script, sees of a command."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The sentence of the one JSON document on stderr."""
        assert self.out == ""
        said: dict[str, Any] = json.loads(self.err)
        assert said["exit_code"] == self.code
        return str(said["error"])


class Deployment:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "passerelle.yaml"

    @classmethod
    def create(cls, folder: Path) -> "Deployment":
        """What an administrator writes before the first command."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "idp_config" / "clients").mkdir(parents=True)
        for file in ("tenant.yaml", "assurance.yaml", "roles.yaml", "networks.yaml", "clients/orientation.yaml"):
            (folder / "idp_config" / file).write_bytes((ROOT / "idp_config" / file).read_bytes())
        deployment = cls(folder)
        deployment.set_clock(0)
        deployment.settings(
            profile="demo",
            issuer=ISSUER,
            data="var",
            smtp={"host": "127.0.0.1", "port": 9, "tls": "none", "sender": "passerelle@demo.passerelle.test"},
            clock_offset_file="clock-offset",
            parameters={"key.sign.rsa_bits": 2048},
        )
        return deployment

    def settings(self, **changes: Any) -> None:
        """Writes the settings, with these keys changed; None takes one out."""
        known = yaml.safe_load(self.config.read_text("utf-8")) if self.config.exists() else {}
        kept = {key: value for key, value in (known | changes).items() if value is not None}
        self.config.write_text(yaml.safe_dump(kept, sort_keys=False), "utf-8")

    def client(self, client_id: str, **changes: Any) -> None:
        """A new application: one file."""
        written = {
            "client_id": client_id,
            "name": {"fr": "Suivi"},
            "redirect_uris": ["https://suivi.exemple.invalid/callback"],
            "scopes": ["openid", "profile"],
            "audience": "https://suivi.exemple.invalid",
            "role_application": "orientation",
        }
        file = self.folder / "idp_config" / "clients" / f"{client_id}.yaml"
        file.write_text(yaml.safe_dump(written | changes), "utf-8")

    def set_clock(self, seconds: float) -> None:
        """Moves the clock that every process of the deployment reads."""
        (self.folder / "clock-offset").write_bytes(struct.pack("<q", int(seconds * 1e6)))

    def run(self, *words: str) -> Ran:
        """The command in this process, where it is quick."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(self.folder):
            code = run(passerelle, ["--config", str(self.config), *words])
        return Ran(code, out.getvalue(), err.getvalue())

    def json(self, *words: str) -> Any:
        """The document of a command that must succeed."""
        ran = self.run("--json", *words)
        assert (ran.code, ran.err) == (0, ""), ran
        return ran.document

    def start(self, *words: str, dying_after: str | None = None) -> "subprocess.Popen[str]":
        program = (
            [sys.executable, "-m", "gateway.cli"] if dying_after is None else [sys.executable, "-c", DYING, dying_after]
        )
        return subprocess.Popen(
            [*program, "--config", str(self.config), *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def process(self, *words: str, dying_after: str | None = None) -> Ran:
        """The command in a process of its own."""
        process = self.start(*words, dying_after=dying_after)
        out, err = process.communicate(timeout=60)
        return Ran(process.returncode, out, err)

    def read_settings(self) -> Settings:
        return read_settings(self.config)

    @contextlib.contextmanager
    def stores(self) -> Iterator[Stores]:
        with open_stores(self.read_settings(), node="test") as stores:
            yield stores

    def journal(self) -> list[Any]:
        with self.stores() as stores:
            return [event for _, event in stores.database.journal.read()]

    def every_byte(self) -> bytes:
        """Of the stores: what a stolen folder holds, without the key-encryption key."""
        files = [file for file in (self.folder / "var").rglob("*") if file.is_file() and file.name != "kek.key"]
        return b"".join(file.read_bytes() for file in files)

    @contextlib.contextmanager
    def serving(self) -> Iterator["MachineDoor"]:
        settings = self.read_settings()
        with asyncio.Runner() as runner, open_stores(settings, node="test") as stores:
            yield MachineDoor(build(settings, read_idp_config(settings), stores), runner)


@dataclass(frozen=True)
class MachineDoor:
    """The machine door of the application that uvicorn would serve."""

    application: Any
    runner: asyncio.Runner

    def get(self, path: str) -> Any:
        status, body = self._ask("GET", path, {}, b"")
        assert status == 200
        return body

    def redeem(self, client_id: str, secret: str) -> tuple[int, str]:
        """Status and error of a token request whose code nobody knows: only a client that is who it says gets to hear it."""
        form = {
            "grant_type": "authorization_code",
            "code": "a" * 43,
            "redirect_uri": "https://x.invalid/",
            "code_verifier": "v" * 43,
        }
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "authorization": requests.auth._basic_auth_str(client_id, secret),
        }
        status, body = self._ask("POST", "/token", headers, urlencode(form).encode())
        return status, body["error"]

    def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
        }
        self.runner.run(self.application(scope, receive, send))
        return sent[0]["status"], json.loads(sent[1]["body"])
