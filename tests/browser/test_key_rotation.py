"""The signing keys are rotated while people sign in: a single-page application in Chromium (oidc-client-ts) and a server
application (Flask and Authlib), both as the pages of docs/connect write them, and no login, refresh or logout fails.

Days pass between the steps, so everybody's clock is the gateway's. It only jumps between two logins; the commands run in
the middle of them.
"""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from joserfc import jws
from joserfc.jwk import KeySet

from tests.browser.driver import Chromium, chromium
from tests.connect.applications import running
from tests.connect.connected import GATEWAY, Connected
from tests.connect.page_blocks import block, write_blocks
from tests.faults.deployment import Deployment, deployment
from tests.html_only_browser import HtmlOnlyBrowser
from tests.running_demo import ROOT, free_port

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser-chromium"), pytest.mark.timeout(400)]

SPA, SERVER = "https://my-spa.example.org", "https://my-server.example.org"
STEP = 86_400 + 60
KEYS_KNOWN = 6
"""Seconds after which the gateway reads its keys again."""
SHARED_CLOCK = """
import struct, time
_own = time.time
def _shared():
    with open({offset!r}, "rb") as file:
        return _own() + struct.unpack("<q", file.read(8))[0] / 1e6
time.time = _shared
"""


class _Pages(SimpleHTTPRequestHandler):
    """What the page tells the team's server to answer."""

    extensions_map = {".js": "text/javascript", ".html": "text/html"}  # noqa: RUF012 -- the library's own

    def translate_path(self, path: str) -> str:
        path = urlsplit(path).path
        return super().translate_path("/index.html" if path in {"/", "/callback"} else path)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the library's own
        """Quiet."""


@contextlib.contextmanager
def single_page(places: dict[str, str], libraries: Path, folder: Path) -> Iterator[str]:
    folder.mkdir()
    write_blocks("spa.md", ["index.html", "my-spa.js"], folder, places)
    (folder / "node_modules").symlink_to(libraries)
    port = int(places[SPA].rpartition(":")[2])
    server = ThreadingHTTPServer(("127.0.0.1", port), lambda *given: _Pages(*given, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield places[SPA]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class World:
    gateway: Deployment
    places: dict[str, str]
    between_logins: threading.Lock = field(default_factory=threading.Lock)

    def passerelle(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "gateway.cli", "--config", str(self.gateway.settings_file), "--json", *words]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def said(self, *words: str) -> Any:
        out, err = self.passerelle(*words).communicate(timeout=60)
        assert out, err
        return json.loads(out)

    def published(self) -> KeySet:
        return KeySet.import_key_set(requests.get(f"{self.gateway.issuer}/jwks", timeout=20).json())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "gateway").mkdir()
    with deployment(tmp_path / "gateway") as gateway:
        places = {here: f"http://127.0.0.1:{free_port('127.0.0.1')}" for here in (SPA, SERVER)}
        places[GATEWAY] = gateway.issuer
        clients = gateway.folder / "clients"
        clients.mkdir()
        for page, client_id in (("spa.md", "my-spa"), ("server.md", "my-server")):
            text = block(page, f"idp_config/clients/{client_id}.yaml")
            for example, own in places.items():
                text = text.replace(example, own)
            (clients / f"{client_id}.yaml").write_text(text, "utf-8")
        settings = yaml.safe_load(gateway.settings_file.read_text("utf-8"))
        settings |= {"clients": "clients", "unattended": {"username": "n.benali"}}
        gateway.settings_file.write_text(yaml.safe_dump(settings), "utf-8")
        made = World(gateway, places)
        made.said("clients", "add", "my-server", "--output", str(tmp_path / "my-server.secret"))
        gateway.serve()
        yield made


class ServerTraffic(threading.Thread):
    """Signs in to the server application again and again, each time at a fresh browser: in, refreshed, out."""

    def __init__(self, world: World, address: str) -> None:
        super().__init__(daemon=True)
        self.done = 0
        self.failures: list[str] = []
        self._world, self._address = world, address
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            with self._world.between_logins:
                browser = HtmlOnlyBrowser()
                for path in ("/login", "/refresh"):
                    browser.open(self._address + path)
                    if "Nadia Benali" not in browser.html:
                        self.failures.append(f"{path}: {browser.url} {browser.status} {browser.html[:500]}")
                browser.open(f"{self._address}/logout")
                if "Se connecter" not in browser.html:
                    self.failures.append(f"/logout: {browser.url} {browser.status}")
                self.done += 1

    def stop(self) -> None:
        self._ended.set()
        self.join(60)


class SinglePage:
    """Somebody at the single-page application; `kids` of the ID tokens it got, in their order."""

    def __init__(self, browser: Chromium, address: str, world: World) -> None:
        self._browser, self._address, self._world = browser, address, world
        self.kids: list[str] = []
        self.done = 0

    @contextlib.contextmanager
    def _tokens(self) -> Iterator[None]:
        """What is done inside brings new tokens, by a key that is published."""
        with self._browser._page.expect_response(_brings_tokens) as awaited:
            yield
        id_token = awaited.value.json()["id_token"]
        signed = jws.deserialize_compact(id_token, self._world.published(), algorithms=["ES256"])
        self.kids.append(str(signed.headers()["kid"]))

    def let_days_pass(self) -> None:
        self._browser._context.add_init_script(f"{{const before = Date.now; Date.now = () => before() + {STEP}000;}}")

    def sign_in(self) -> None:
        self._browser.open(self._address)
        with self._tokens():
            self._browser.click("Se connecter")
        self._browser.wait_for("Nadia Benali")

    def refresh(self) -> None:
        with self._tokens():
            self._browser.click("Renouveler")
        self._browser.wait_for("Réponse")
        self._browser.wait_for("Nadia Benali")

    def sign_out(self) -> None:
        self._browser.click("Se déconnecter")
        self._browser._page.wait_for_function("document.querySelectorAll('main button').length === 1")
        self._browser.wait_for("Se connecter")

    def round(self) -> None:
        self.sign_in()
        self.refresh()
        self.sign_out()
        self.done += 1


def _brings_tokens(response: Any) -> bool:
    return bool(response.url.endswith("/token") and response.request.method == "POST" and response.status == 200)


def rotate_under(page: SinglePage, world: World, *, open_session: bool = False) -> list[str]:
    """The next step of the rotation, while the page signs in; the states that keys came to."""
    plan = world.said("rotate", "signing-keys")["plan"]
    if open_session:
        page.sign_in()
    applying = world.passerelle("rotate", "signing-keys", "--apply", plan)
    while not open_session and applying.poll() is None:
        page.round()
    out, err = applying.communicate(timeout=60)
    assert applying.returncode == 0, err
    if open_session:
        page.refresh()
        page.sign_out()
    page.round()
    return sorted({key["state"] for key in json.loads(out)["keys"]})


def test_no_login_fails_while_the_signing_keys_are_rotated(
    world: World, tmp_path: Path, node: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    customised = tmp_path / "clock"
    customised.mkdir()
    offset = str(world.gateway.folder / "clock-offset")
    (customised / "sitecustomize.py").write_text(SHARED_CLOCK.format(offset=offset), "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(customised))
    (tmp_path / "server").mkdir()
    connected = Connected(None, tmp_path, world.gateway.settings_file, world.places)  # type: ignore[arg-type]
    secret = {"my-server.secret": tmp_path / "my-server.secret"}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            running("server.md", "app.py", connected, tmp_path / "server", SERVER, files=secret)
        )
        monkeypatch.undo()
        address = stack.enter_context(single_page(world.places, node, tmp_path / "spa"))
        page = SinglePage(stack.enter_context(chromium()), address, world)
        traffic = ServerTraffic(world, server)
        stack.callback(traffic.stop)
        traffic.start()

        def days_pass() -> None:
            with world.between_logins:
                world.gateway.advance(STEP)
                page.let_days_pass()

        def the_gateway_reads_its_keys_again() -> None:
            with world.between_logins:
                world.gateway.advance(KEYS_KNOWN)

        page.round()
        first = page.kids[-1]
        assert rotate_under(page, world) == ["staged"]
        assert set(page.kids) == {first}, "published, and not used yet"
        days_pass()
        page.round()
        assert rotate_under(page, world, open_session=True) == ["active", "retiring"]
        the_gateway_reads_its_keys_again()
        page.round()
        second = page.kids[-1]
        assert second != first
        days_pass()
        page.round()
        assert rotate_under(page, world) == ["retired"]
        page.round()
        assert page.kids[-1] == second
        the_gateway_reads_its_keys_again()
        assert {key.kid for key in world.published().keys} & {first, second} == {second}
        since = traffic.done
        while traffic.done < since + 2 and traffic.is_alive():
            page.round()
        traffic.stop()
    assert traffic.failures == []
    assert traffic.done >= 6, "sign-ins of the server application under way all along"
    assert page.done >= 6
