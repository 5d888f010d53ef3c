"""A gateway that trusts the cards of this test process, the demo's world around it, and no bridge: that one is the person's.

Everything but the bridge is as `passerelle demo` makes it, in processes of their own.
"""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

from gateway.cli import demo
from gateway.cli.seed import seed_demo
from sandbox.card.igc_sante import LookAlikeIgc
from tests.card_bridge.window.desktop import Desktop
from tests.running_demo import ROOT, RunningDemo, free_port
from tests.virtual_readers import VirtualPcscd

REVOKED = 0x5EED_0000_0000_0000_0000_0000_0000_0511


@contextlib.contextmanager
def running_workplace(folder: Path, igc: LookAlikeIgc) -> Iterator[RunningDemo]:
    hosts = [f"127.0.0.{number}" for number in (1, 2, 2, 5, 6, 3, 4, 1)]
    ports = demo.Ports(*(free_port(host) for host in hosts))
    settings_file = demo._prepare(folder, ports, None, None, None, None)
    _publish(igc, folder / "cards")
    with demo.Processes(folder, settings_file, Event()) as processes:
        processes.start_program("world", _without_a_reader(ports, folder))
        people = ROOT / "sandbox" / "data" / "people.yaml"
        seed_demo(settings_file, people_file=people, secret_files=demo._secrets(folder))
        for name in ("serve", "jobs"):
            processes.start_program(name, [sys.executable, "-m", "gateway.cli", name])
        sites = (f"{ports.issuer}/health", ports.world_url, ports.orientation_url, ports.suivi_url, ports.wallet_url)
        processes.wait_until_healthy(sites)
        yield RunningDemo(
            gateway=ports.issuer,
            world=ports.world_url,
            orientation=ports.orientation_url,
            suivi=ports.suivi_url,
            wallet=ports.wallet_url,
            bridge=f"http://127.0.0.1:{ports.bridge}",
            data=folder,
        )


def _publish(igc: LookAlikeIgc, folder: Path) -> None:
    igc.write(folder)
    listed = folder / f"{igc.fort_personnes.file}.crl"
    listed.write_bytes(igc.crl(igc.fort_personnes, [REVOKED]))


def _without_a_reader(ports: demo.Ports, folder: Path) -> list[str]:
    command = demo._sandbox_command(ports, folder)
    for option in ("--bridge-port", "--card-folder"):
        at = command.index(option)
        del command[at : at + 2]
    return command


class Daemon:
    """`passerelle-bridge serve` in the person's session, with the machine's own configuration; starts and stops."""

    def __init__(self, place: RunningDemo, desktop: Desktop, pc_sc: VirtualPcscd, folder: Path) -> None:
        self._place, self._desktop, self._pc_sc = place, desktop, pc_sc
        self._configuration = folder / "bridge.toml"
        self._configuration.write_text(f'allowed_origins = ["{place.gateway}"]\ndemo = true\n', "utf-8")
        self.log = folder / "bridge.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        port = self._place.bridge.rpartition(":")[2]
        serve = [sys.executable, "-m", "card_bridge", "serve", "--ports", port]
        with self.log.open("wb") as written:
            self._process = subprocess.Popen(
                [*serve, "--configuration", str(self._configuration)],
                cwd=ROOT,
                env=self._desktop.environment | self._pc_sc.environment,
                stdout=written,
                stderr=subprocess.STDOUT,
            )
        while not re.search(rf"start port {port}", self.log.read_text("utf-8")):
            assert self._process.poll() is None, self.log.read_text("utf-8")
            Event().wait(0.02)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        said = f"{process.wait(timeout=10)} {self.log.read_text('utf-8')}"
        assert said.startswith("0 "), said
        assert "Traceback" not in said, said

    def restart(self) -> None:
        """It opens three windows a minute by the machine's own clock, which no test moves."""
        self.stop()
        self.start()
