"""The two verification helpers of docs/connect/api behind one face, each as a team would have it: a copy of one file."""

import base64
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from tests.connect.javascript_libraries import installed
from tests.interoperability.on_openid_client import node_command
from tests.running_demo import ROOT

HELPERS = ROOT / "docs" / "connect" / "api"
Demand = tuple[str, ...]


@dataclass(frozen=True)
class Request:
    """`now` is the clock of the API; `demands` what its route asks, by the Python names."""

    now: float
    headers: Mapping[str, str]
    method: str = "GET"
    url: str = "https://api.example/dossiers?page=2"
    certificate: bytes | None = None
    demands: Sequence[tuple[Any, ...]] = ()


@dataclass(frozen=True)
class Verdict:
    """`status` 200: accepted, with the claims and what the last demand gave."""

    status: int
    claims: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    gave: Any = None
    address: str | None = None


class Judge(Protocol):
    def begins(self, issuer: str, audience: str, *, without: Sequence[str] = ()) -> None:
        """A new process of the API, without the checks of these names."""

    def judge(self, request: Request) -> Verdict: ...


class PythonJudge:
    def __init__(self, folder: Path) -> None:
        self._module = _module(Path(shutil.copy(HELPERS / "verify_access_token.py", folder)))
        self._now = 0.0

    def begins(self, issuer: str, audience: str, *, without: Sequence[str] = ()) -> None:
        helper = self._module
        gateway = helper.Gateway(issuer, now=lambda: self._now)
        self._server = helper.ResourceServer(
            gateway,
            audience,
            now=lambda: self._now,
            checks=[check for check in helper.CHECKS if check.__name__ not in without],
            proof_checks=[check for check in helper.PROOF_CHECKS if check.__name__ not in without],
        )

    def judge(self, request: Request) -> Verdict:
        self._now = request.now
        gave = None
        try:
            access = self._server.access(request.method, request.url, request.headers, certificate=request.certificate)
            for name, *given in request.demands:
                gave = getattr(access, name)(*given)
        except self._module.AccessRefused as refused:
            assert json.loads(refused.body)["error"]
            address = getattr(refused, "address", None)
            return Verdict(refused.status, error=refused.error, headers=refused.headers, address=address)
        return Verdict(200, claims=dict(access.claims), gave=gave)


class NodeJudge:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def begins(self, issuer: str, audience: str, *, without: Sequence[str] = ()) -> None:
        self._step(begins={"issuer": issuer, "audience": audience, "without": list(without)})

    def judge(self, request: Request) -> Verdict:
        certificate = None if request.certificate is None else base64.b64encode(request.certificate).decode()
        said = self._step(
            judge={
                "now": request.now,
                "headers": dict(request.headers),
                "method": request.method,
                "url": request.url,
                "certificate": certificate,
                "demands": [[_camel(name), *given] for name, *given in request.demands],
            }
        )
        return Verdict(**said)

    def _step(self, **given: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the helper ended: {self._process.stderr.read() if self._process.stderr else ''}"
        said = json.loads(line)
        assert "broke" not in said, said["broke"]
        return said


@contextmanager
def node_judge(folder: Path) -> Iterator[NodeJudge]:
    (folder / "node_modules").symlink_to(installed())
    shutil.copy(HELPERS / "verify_access_token.mjs", folder)
    shutil.copy(Path(__file__).parent / "judge.mjs", folder)
    process = subprocess.Popen(
        [*node_command(), "--no-warnings", "judge.mjs"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:  # closing its input ends it
        yield NodeJudge(process)


def _module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_access_token", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_access_token"] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
