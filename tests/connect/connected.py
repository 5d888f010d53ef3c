"""A gateway that knows the applications of the pages: a second deployment of the demo's people, whose client files are the
pages' own blocks; its messages arrive in the demo's mailbox, and its clock is the demo's.

What the pages say is taken literally but for the addresses: example.org becomes a free port of this machine.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import requests
import yaml

from gateway.cli.seed import seed_demo
from tests.connect.page_blocks import PAGES, block, blocks, commands
from tests.running_demo import ROOT, RunningDemo, free_port, running_demo

EXAMPLES = tuple(f"https://{name}.example.org" for name in ("my-spa", "my-server", "my-mobile", "api"))
GATEWAY = "https://portail.example.org"
CLIENTS = "idp_config/clients/"


@dataclass(frozen=True)
class Connected:
    demo: RunningDemo
    folder: Path
    """Holds the secrets and keys that the commands of the pages made."""
    settings: Path
    places: dict[str, str]

    @property
    def issuer(self) -> str:
        return self.places[GATEWAY]

    def passerelle(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "gateway.cli", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=_environment(self.settings), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def connected(data: Path) -> Iterator[Connected]:
    with running_demo(data / "demo") as demo:
        places = {example: f"http://127.0.0.1:{free_port('127.0.0.1')}" for example in EXAMPLES}
        places[GATEWAY] = f"http://localhost:{free_port('127.0.0.1')}"
        folder = data / "team"
        folder.mkdir()
        places["THE_PUBLIC_KEY"] = _key_of_the_service(folder)
        with _deployment(demo, folder, places) as node:
            yield node


def _key_of_the_service(folder: Path) -> str:
    (folder / "make_key.py").write_text(block("api.md", "make_key.py"), "utf-8")
    made = subprocess.run([sys.executable, "make_key.py"], cwd=folder, capture_output=True, text=True, check=True)
    return made.stdout.strip()


@contextlib.contextmanager
def _deployment(demo: RunningDemo, folder: Path, places: dict[str, str]) -> Iterator[Connected]:
    own = demo.data / "deployment"
    clients = own / "clients"
    clients.mkdir(parents=True)
    for page in sorted(PAGES.glob("*.md")):
        for name, text in blocks(page.name):
            if name.startswith(CLIENTS):
                for example, place in places.items():
                    text = text.replace(example, place)  # noqa: PLW2901
                (clients / name.removeprefix(CLIENTS)).write_text(text, "utf-8")
    demos = yaml.safe_load((demo.data / "passerelle.yaml").read_text("utf-8"))
    kept = {name: value for name, value in demos.items() if name not in {"psc", "card"}}  # of the demo's own address
    settings = demo.data / "deployment.yaml"  # beside the demo's own: what it names is found from here
    changed = {
        "issuer": places[GATEWAY],
        "listen": places[GATEWAY].removeprefix("http://"),
        "data": own.name,
        "clients": str(clients),
        "means": ["password"],
    }
    settings.write_text(yaml.safe_dump({**kept, **changed}), "utf-8")
    seed_demo(settings, people_file=ROOT / "sandbox" / "data" / "people.yaml", secret_files={})
    node = Connected(demo, folder, settings, places)
    for page in sorted(PAGES.glob("*.md")):
        for command in commands(page.name):
            node.passerelle(*command)
    with contextlib.ExitStack() as stack:
        for part in ("serve", "jobs"):
            log = own / f"{part}.log"
            command = [sys.executable, "-m", "gateway.cli", part]
            with log.open("wb") as file:
                process = subprocess.Popen(command, cwd=ROOT, env=_environment(settings), stdout=file, stderr=file)
            stack.callback(stop, process)
            if part == "serve":
                wait_for(f"{places[GATEWAY]}/health", process, log)
        yield node


def wait_for(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, f"{url} did not start: {log.read_text()}"
        with contextlib.suppress(requests.ConnectionError):
            requests.get(url, timeout=5, allow_redirects=False)
            return
        Event().wait(0.05)
    raise AssertionError(f"{url} does not answer: {log.read_text()}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _environment(settings: Path) -> dict[str, str]:
    return {**os.environ, "PASSERELLE_CONFIG": str(settings), "PYTHONPATH": str(ROOT)}
