"""npm `oidc-provider` on Node 22, both pinned with their hashes in package-lock.json; installed once, beside its lock file."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.bench import measure
from tests.bench.machine.operations import (
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    CODE_VERIFIER,
    INTROSPECTION,
    REDIRECT_URI,
    Operation,
    asked,
)

FOLDER = Path(__file__).parent


class PeerMissingError(Exception):
    """npm is not here, or cannot fetch the packages."""


def install() -> None:
    """Raises PeerMissingError. `npm ci` refuses a package whose hash is not the lock file's."""
    wanted = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    installed = FOLDER / "node_modules" / ".installed-from"
    with (FOLDER / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed.exists() and installed.read_text() == wanted:
            return
        if shutil.which("npm") is None:
            raise PeerMissingError("npm is needed to fetch oidc-provider")
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode != 0:
            raise PeerMissingError(f"npm ci failed: {done.stderr[-1000:]}")
        installed.write_text(wanted)


def node() -> tuple[str, str]:
    """The Node of the lock file, else the machine's, and its version."""
    pinned = [path for path in FOLDER.glob("node_modules/node-linux-*/bin/node") if os.access(path, os.X_OK)]
    program = str(pinned[0]) if pinned else shutil.which("node")
    if program is None:
        raise PeerMissingError("no Node.js")
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return program, version if pinned else f"{version} (the machine's own)"


class OidcProvider:
    name = "oidc-provider"

    def __init__(self, folder: Path, redis_port: int) -> None:
        self._folder, self._redis_port = folder, redis_port
        self._port, self._control = measure.free_port(), measure.free_port()

    def start(self) -> measure.Process:
        self.process = measure.Process(
            [node()[0], str(FOLDER / "server.mjs")],
            core=measure.SERVER_CORE,
            log=self._folder / "peer.log",
            environment={
                "PORT": str(self._port), "CONTROL": str(self._control), "REDIS_PORT": str(self._redis_port),
                "CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": CLIENT_SECRET, "REDIRECT_URI": REDIRECT_URI,
                "CODE_VERIFIER": CODE_VERIFIER, "NODE_ENV": "production",
            },
        )  # fmt: skip
        return self.process

    @property
    def pid(self) -> int:
        return self.process.pid

    def url(self, operation: Operation) -> str:
        return f"http://127.0.0.1:{self._port}{'/token/introspection' if operation is INTROSPECTION else '/token'}"

    def fill(self, **octets: int) -> None:
        """Lengthens the claims of its tokens."""
        self._controlled("filling?" + "&".join(f"{name}={length}" for name, length in octets.items()))

    def pool(self, operation: Operation, count: int) -> Sequence[str]:
        if operation is INTROSPECTION:
            return self._controlled(f"opaque?count={count}")
        codes = self._controlled(f"code?count={count}")
        if operation is CODE:
            return codes
        return [str(asked(self.url(CODE), CODE, code)["refresh_token"]) for code in codes]

    def _controlled(self, what: str) -> list[str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._control}/{what}", timeout=60) as answer:
            return answer.read().decode().split()
