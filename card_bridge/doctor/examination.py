"""What the doctor looks at, in the order a login needs it: configuration, port, service, reader, card, window, browser.

It reads and asks; it changes nothing, sends no code to a card and spends no try. Every look is an argument, so that each
sentence can be tested without the matter it is about.
"""

import http.client
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from card_bridge.allowed_origins import Configuration, ConfigurationRefused, read_configuration
from card_bridge.card.channel import Channel
from card_bridge.card.cps3 import Cps3
from card_bridge.card.family import Family, family_of
from card_bridge.card.holder_certificate import read_holder_certificate
from card_bridge.doctor.browser_rules import Rules, browser_findings, rules_of_this_machine
from card_bridge.doctor.findings import Finding, good, know, wrong
from card_bridge.loopback_ports import PORTS
from card_bridge.ports import CardInUse, CardMute, Clock, NoCard, NoReader, ReaderFault, Readers, ServiceStopped
from card_bridge.reader_faults import MeaningfulConnection, MeaningfulReaders
from card_bridge.refusals import BridgeRefusal, Code
from card_bridge.version import PROTOCOL

PATIENCE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Looks:
    """Everything outside that the examination depends on."""

    configuration: Path
    readers: Readers | None
    """None when pyscard is not installed."""
    clock: Clock
    ports: Sequence[int] = PORTS
    rules: Callable[[], Rules] = rules_of_this_machine
    has_window_toolkit: Callable[[], bool] = lambda: find_spec("PySide6") is not None
    has_display: Callable[[], bool] = field(
        default=lambda: not sys.platform.startswith("linux") or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
    )


def examine(looks: Looks) -> Iterator[Finding]:
    """Findings as they are made; the card's may take a few seconds."""
    configuration = None
    try:
        configuration = read_configuration(looks.configuration)
    except ConfigurationRefused as refused:
        yield unusable(looks.configuration, refused)
    origins = sorted(configuration.allowed_origins) if configuration else []
    if configuration:
        yield from _configured(configuration, origins)
    yield from _ports(looks.ports, origins[0] if origins else "")
    if looks.readers is None:
        yield wrong("no-pyscard")
    else:
        yield from _cards(MeaningfulReaders(looks.readers), looks.clock)
    if not looks.has_window_toolkit():
        yield wrong("no-window")
    elif not looks.has_display():
        yield wrong("no-display")
    yield from browser_findings(looks.rules(), origins)


def unusable(file: Path, refused: ConfigurationRefused) -> Finding:
    """Why the bridge cannot start with this configuration."""
    return (
        wrong("configuration-refused", file=file, reason=refused)
        if file.exists()
        else wrong("no-configuration", file=file)
    )


def _configured(configuration: Configuration, origins: Sequence[str]) -> Iterator[Finding]:
    yield good("origins", origins=", ".join(origins))
    if configuration.demo:
        yield know("demo")


def _ports(ports: Sequence[int], origin: str) -> Iterator[Finding]:
    taken = []
    for port in ports:
        if not _is_listening(port):
            continue
        version = _bridge_version(port, origin)
        if version is not None:
            yield good("running", port=port, version=version)
            return
        taken.append(port)
    if len(taken) == len(ports):
        yield wrong("ports-taken", ports=", ".join(map(str, taken)))
        return
    yield from (know("port-taken", port=port) for port in taken)
    yield know("not-running")


def _is_listening(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        caller.settimeout(PATIENCE_SECONDS)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def _bridge_version(port: int, origin: str) -> str | None:
    """Asked as an allowed page would ask; None when what listens there is not a bridge, or will not say."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/v1/status", headers={"Origin": origin, "X-CPS-Bridge": "1"})
        answer = json.loads(connection.getresponse().read(8192))
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    return str(answer.get("version")) if isinstance(answer, dict) and answer.get("protocol") == PROTOCOL else None


def _cards(readers: MeaningfulReaders, clock: Clock) -> Iterator[Finding]:
    try:
        names = readers.names()
        if not names:
            yield wrong("no-reader")
        for name in names:
            yield _in_reader(readers, name, clock)
    except NoReader:
        yield wrong("no-reader")
    except ServiceStopped:
        yield wrong("service-stopped")


def _in_reader(readers: MeaningfulReaders, name: str, clock: Clock) -> Finding:
    state = readers.state(name)
    if not state.present:
        return know("no-card", reader=name)
    if state.mute:
        return wrong("card-mute", reader=name)
    family = family_of(state.atr)
    if family is Family.CPS3_CONTACTLESS:
        return wrong("card-contactless", reader=name)
    if family is None:
        return wrong("card-unsupported", reader=name)
    try:
        connection = readers.connect(name)
    except CardInUse:
        return wrong("card-in-use", reader=name)
    except CardMute:
        return wrong("card-mute", reader=name)
    except NoCard:
        return know("no-card", reader=name)
    try:
        return _read(connection, name, clock)
    except ReaderFault as fault:
        if isinstance(fault, ServiceStopped):
            raise
        return wrong("card-gone", reader=name)
    finally:
        connection.close(reset=True)


def _read(connection: MeaningfulConnection, name: str, clock: Clock) -> Finding:
    driver = Cps3(Channel(connection.transmit, lambda: None))
    label = ""
    try:
        driver.confirm()
        contents = driver.read()
        label = contents.label
        certificate = read_holder_certificate(contents.certificate_file, now=clock.now())
    except BridgeRefusal as refusal:
        if refusal.code is Code.CERTIFICATE_UNSUPPORTED:
            return wrong("certificate-unsupported", label=label)
        return wrong("card-unsupported", reader=name)
    if contents.tries_left == 0:
        return wrong("blocked", label=label)
    if contents.tries_left == 1:
        return know("last-try", label=label)
    return good("card", label=label, holder=certificate.holder)
