"""`passerelle-bridge`: `serve` lets the allowed sites ask for the card; `doctor` says in words what is wrong.

The origins come from the machine's own file, which an administrator writes and no page can change (BRG-03). The window's
toolkit and the readers' library are brought in by `serve` only, so that the doctor can say that they are missing.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from card_bridge.allowed_origins import ConfigurationRefused, read_configuration
from card_bridge.clock import SystemClock
from card_bridge.doctor.examination import Looks, examine, unusable
from card_bridge.doctor.findings import Finding, Level, wrong
from card_bridge.doctor.sentences import said
from card_bridge.loopback_ports import PORTS, NoPortFree
from card_bridge.ports import Readers
from card_bridge.running import run
from card_bridge.version import VERSION


def machine_configuration(platform: str = sys.platform) -> Path:
    """Where an administrator writes, and an ordinary user does not."""
    if platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "Passerelle" / "bridge.toml"
    if platform == "darwin":
        return Path("/Library/Application Support/Passerelle/bridge.toml")
    return Path("/etc/passerelle/bridge.toml")


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    return _serve(asked.configuration, asked.ports) if asked.command == "serve" else _doctor(asked)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="passerelle-bridge", description="Carte CPS : la passerelle de ce poste.")
    parser.add_argument("--version", action="version", version=f"passerelle-bridge {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="sert les sites autorisés, jusqu’à l’arrêt")
    doctor = commands.add_parser("doctor", help="dit ce qui ne va pas, et quoi faire")
    for command in (serve, doctor):
        command.add_argument("--configuration", type=Path, default=machine_configuration(), metavar="FILE")
        command.add_argument("--ports", type=_ports, default=PORTS, metavar="PORT[,PORT…]")
    doctor.add_argument("--lang", choices=("fr", "en"), default=_language())
    return parser


def _ports(written: str) -> tuple[int, ...]:
    return tuple(int(port) for port in written.split(","))


def _serve(configuration: Path, ports: Sequence[int]) -> int:
    try:
        origins = read_configuration(configuration).allowed_origins
    except ConfigurationRefused as refused:
        return _stop(unusable(configuration, refused))
    readers = _readers()
    if readers is None:
        return _stop(wrong("no-pyscard"))
    try:
        from card_bridge.window.qt import Application  # noqa: PLC0415
    except ImportError:
        return _stop(wrong("no-window"))
    application = Application()
    try:
        bridge = run(readers=readers, window=application.window, allowed_origins=origins, ports=tuple(ports), log=_log)
    except NoPortFree:
        return _stop(wrong("ports-taken", ports=", ".join(map(str, ports))))
    with bridge:
        application.run()
    return 0


def _doctor(asked: argparse.Namespace) -> int:
    looks = Looks(asked.configuration, _readers(), SystemClock(), ports=asked.ports)
    levels = set()
    for finding in examine(looks):
        levels.add(finding.level)
        sys.stdout.write(said(finding, asked.lang, sys.platform) + "\n")
        sys.stdout.flush()
    return 1 if Level.WRONG in levels else 0


def _readers() -> Readers | None:
    try:
        from card_bridge.pcsc import PcscReaders  # noqa: PLC0415
    except ImportError:
        return None
    return PcscReaders()


def _log(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _stop(finding: Finding) -> int:
    _log(said(finding, _language(), sys.platform))
    return 2


def _language() -> str:
    return "en" if os.environ.get("LANG", "").startswith("en") else "fr"


if __name__ == "__main__":
    sys.exit(main())
