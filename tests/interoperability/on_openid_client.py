"""An application built on openid-client, a JavaScript library over jose and oauth4webapi, in a process of Node.js.

Version 6 is written for Node 20 and newer; Debian 12 brings 18, where the same code works once the global Web Cryptography
object is switched on. So Debian's own packages are enough, and one version of the library is tested everywhere.
"""

import contextlib
import fcntl
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.interoperability.relying_party import SCOPE, RefusedError, Registration, SignedIn

FOLDER = Path(__file__).parent / "openid_client"
OLDEST_NODE, NODE_WITH_GLOBAL_CRYPTO = 18, 20


class NodeMissingError(Exception):
    """Node.js or npm is not here, is too old, or cannot fetch the library."""


def node_command() -> list[str]:
    """How a program is started. Raises NodeMissingError."""
    node = shutil.which("node") or shutil.which("nodejs")
    if node is None or shutil.which("npm") is None:
        raise NodeMissingError("node and npm are needed")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    major = int(version.removeprefix("v").partition(".")[0])
    if major < OLDEST_NODE:
        raise NodeMissingError(f"node {OLDEST_NODE} or newer is needed; {node} is {version}")
    return [node] if major >= NODE_WITH_GLOBAL_CRYPTO else [node, "--experimental-global-webcrypto"]


def install_library(folder: Path = FOLDER) -> None:
    """The packages of package-lock.json, checked against its hashes, unless they are there already. Raises NodeMissingError.

    One process installs at a time: `npm ci` empties node_modules before it fills it, and tests run in several processes.
    """
    wanted = hashlib.sha256((folder / "package-lock.json").read_bytes()).hexdigest()
    installed = folder / "node_modules" / ".installed-from"
    with (folder / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if installed.exists() and installed.read_text() == wanted:
            return
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=90, check=False)
        except subprocess.TimeoutExpired:
            raise NodeMissingError("npm ci did not end in 90 s") from None
        if done.returncode != 0:
            raise NodeMissingError(f"npm ci failed: {done.stderr[-1000:]}")
        installed.write_text(wanted)


class OnOpenidClient:
    def __init__(self, registration: Registration, process: subprocess.Popen[str]) -> None:
        self._registration = registration
        self._process = process

    def begin(self) -> str:
        return str(self._step("begin", **asdict(self._registration), scope=SCOPE))

    def finish(self, address: str) -> SignedIn:
        return SignedIn(**self._step("finish", address=address))

    def userinfo(self) -> dict[str, Any]:
        told: dict[str, Any] = self._step("userinfo")
        return told

    def refresh(self) -> dict[str, str]:
        """The type of the new access token, and the refresh token that came with it."""
        told: dict[str, str] = self._step("refresh")
        return told

    def logout(self, state: str) -> str:
        return str(self._step("logout", post_logout_redirect_uri=self._registration.page, state=state))

    def _step(self, step: str, **given: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"step": step, **given}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the program of Node.js ended at {step} (exit {self._process.wait(10)}): {self._stderr()}"
        said = json.loads(line)
        if "refused" in said:
            raise RefusedError(said["refused"])
        return said["done"]

    def _stderr(self) -> str:
        return self._process.stderr.read() if self._process.stderr else ""


@contextlib.contextmanager
def on_openid_client(registration: Registration) -> Iterator[OnOpenidClient]:
    process = subprocess.Popen(
        [*node_command(), "--no-warnings", "relying_party.mjs"],
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:  # closing its input ends it
        yield OnOpenidClient(registration, process)
