"""`python -m sandbox`: starts everything in one process and says `sandbox ready` on one line when it listens.

Exit status: 0 after SIGTERM or Ctrl-C, 2 when it refuses to start. With a port 0 the ready line carries the real
addresses as JSON.
"""

import argparse
import json
import logging
import signal
import sys
import threading
from pathlib import Path

from sandbox.options import SandboxOptions, SandboxRefusal, accepted_addresses
from sandbox.running import RunningSandbox, run


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    logging.basicConfig(level=logging.WARNING, format="sandbox: %(message)s")
    asked_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked_to_stop.set())
    try:
        with run(options) as running:
            print(_ready_line(options, running), flush=True)
            asked_to_stop.wait()
    except SandboxRefusal as refusal:
        print(refusal, file=sys.stderr)
        return 2
    return 0


def _ready_line(options: SandboxOptions, running: RunningSandbox) -> str:
    psc_ports_are_free_choice = any((text or "").endswith(":0") for text in (options.psc, options.wallet))
    if not accepted_addresses(options).any_port_is_free_choice and not psc_ports_are_free_choice:
        return "sandbox ready"
    addresses = {
        "world": running.world_url,
        "smtp": running.smtp_address,
        "orientation": running.orientation_url,
        **({"suivi": running.suivi_url} if running.suivi_url is not None else {}),
    }
    if running.bridge_url:
        addresses |= {"bridge": running.bridge_url}
    if running.psc:
        addresses |= {"psc": running.psc.issuer, "wallet": running.psc.wallet_url}
    return f"sandbox ready {json.dumps(addresses)}"


def _options(arguments: list[str] | None) -> SandboxOptions:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="The outside world of the demo, on loopback."
    )
    parser.add_argument("--profile", required=True, help="demo or test; anything else is refused")
    parser.add_argument("--issuer", required=True, metavar="URL", help="the gateway")
    parser.add_argument("--world", required=True, metavar="HOST:PORT", help="the page with mailbox and phone")
    parser.add_argument("--smtp", required=True, metavar="HOST:PORT", help="where mails arrive")
    parser.add_argument("--orientation", required=True, metavar="HOST:PORT", help="the sample application")
    parser.add_argument("--orientation-client-id", required=True, metavar="ID")
    parser.add_argument("--orientation-client-secret-file", required=True, type=Path, metavar="PATH")
    parser.add_argument("--suivi", metavar="HOST:PORT", help="the second sample application; absent: not started")
    parser.add_argument("--suivi-client-id", metavar="ID")
    parser.add_argument("--suivi-client-secret-file", type=Path, metavar="PATH")
    parser.add_argument("--clock-offset-file", type=Path, metavar="PATH", help="the clock shared with the gateway")
    parser.add_argument("--people-file", type=Path, metavar="PATH", help="YAML list of the demo's people")
    psc = parser.add_argument_group("Pro Santé Connect, simulated; not started without --psc")
    psc.add_argument("--psc", metavar="HOST:PORT", help="its OpenID Provider")
    psc.add_argument("--wallet", metavar="HOST:PORT", help="its pages, on another host")
    psc.add_argument("--psc-client-id", metavar="ID", help="the gateway, as declared there")
    psc.add_argument("--psc-client-secret-file", type=Path, metavar="PATH")
    psc.add_argument("--psc-redirect-uri", action="append", metavar="URL", help="may be given several times")
    psc.add_argument(
        "--psc-post-logout-redirect-uri", action="append", metavar="URL", help="may be given several times"
    )
    psc.add_argument("--psc-backchannel-logout-uri", metavar="URL", help="told when a session ends; nobody by default")
    card = parser.add_argument_group("a card reader with its bridge; not started without --bridge-port")
    card.add_argument(
        "--bridge-port",
        action="append",
        type=int,
        dest="bridge_ports",
        metavar="PORT",
        help="may be given several times",
    )
    card.add_argument("--card-folder", type=Path, metavar="PATH", help="where the authorities of the cards are written")
    return SandboxOptions(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
