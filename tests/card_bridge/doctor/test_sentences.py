"""The doctor says in words what is wrong on a workstation, each thing alone; readers are in memory here."""

import contextlib
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from card_bridge.__main__ import machine_configuration, main
from card_bridge.doctor.browser_rules import rules_of_this_machine
from card_bridge.doctor.examination import Looks, examine
from card_bridge.doctor.findings import Finding, Level
from card_bridge.doctor.sentences import _SENTENCES, said
from sandbox.card.families import CPS3_CONTACTLESS, CPS4_CONTACT
from sandbox.card.faults import FaultPlan, Removed, Step
from sandbox.card.reader import VirtualReader, VirtualReaders
from sandbox.card.virtual_card import ForeignCard, VirtualCard
from tests.card_bridge.rig import HandClock, Workstation, card, certificate, igc

ORIGIN = "https://auth.example.fr"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def reader() -> VirtualReader:
    return VirtualReader("Lecteur A")


@pytest.fixture
def looks(tmp_path: Path, reader: VirtualReader) -> Looks:
    """A workstation on which nothing is wrong, but for the card that is not inserted yet."""
    configuration = tmp_path / "bridge.toml"
    configuration.write_text(f'allowed_origins = ["{ORIGIN}"]\n', "utf-8")
    return Looks(
        configuration,
        VirtualReaders([reader]),
        HandClock(),
        ports=(free_port(),),
        rules=dict,
        has_window_toolkit=lambda: True,
        has_display=lambda: True,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def seen(looks: Looks) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(looks)}


def sentence(looks: Looks, what: str, platform: str = "linux") -> str:
    return said(seen(looks)[what], "fr", platform)


def test_a_card_that_can_be_used_is_named_with_its_holder(looks: Looks, reader: VirtualReader) -> None:
    inserted = card()
    reader.insert(inserted)
    assert all(finding.level is not Level.WRONG for finding in examine(looks))
    assert "CPS3v3-2900473128" in sentence(looks, "card")
    assert "Camille FICTIVE" in sentence(looks, "card")


def test_it_sends_no_code_and_spends_no_try(looks: Looks, reader: VirtualReader) -> None:
    inserted = card(tries=2)
    reader.insert(inserted)
    seen(looks)
    assert inserted.tries_left == 2
    assert (inserted.record.count(0x20), inserted.record.count(0x88)) == (0, 0)


def test_a_stopped_service_comes_with_the_way_to_start_it(looks: Looks) -> None:
    readers = VirtualReaders()
    readers.stopped = True
    stopped = replace(looks, readers=readers)
    assert "Le service des cartes à puce est arrêté" in sentence(stopped, "service-stopped")
    assert "systemctl" in sentence(stopped, "service-stopped")
    assert "SCardSvr" in sentence(stopped, "service-stopped", "win32")


def test_no_reader(looks: Looks) -> None:
    assert "Aucun lecteur" in sentence(replace(looks, readers=VirtualReaders()), "no-reader")


def test_an_empty_reader_is_not_a_fault(looks: Looks) -> None:
    assert seen(looks)["no-card"].level is Level.KNOW


@pytest.mark.parametrize(
    ("inserted", "what"),
    [
        (lambda: card(faults=FaultPlan(mute=True)), "card-mute"),
        (ForeignCard, "card-unsupported"),
        (lambda: ForeignCard(CPS4_CONTACT), "card-unsupported"),
        (lambda: ForeignCard(CPS3_CONTACTLESS), "card-contactless"),
        (lambda: card(certificate(usage="signature")), "certificate-unsupported"),
        (lambda: card(certificate(not_after=igc().now - timedelta(days=1))), "certificate-unsupported"),
        (lambda: card(tries=0), "blocked"),
        (lambda: card(tries=1), "last-try"),
        (lambda: card(faults=FaultPlan(after={Step.READ: Removed()})), "card-gone"),
    ],
)
def test_what_is_in_the_reader_is_said(looks: Looks, reader: VirtualReader, inserted: Any, what: str) -> None:
    there: VirtualCard = inserted()
    reader.insert(there)
    finding = seen(looks)[what]
    assert finding.level is (Level.KNOW if what == "last-try" else Level.WRONG)
    assert "→" in said(finding, "fr", "linux")


def test_a_card_that_another_program_keeps_is_said(looks: Looks, reader: VirtualReader) -> None:
    reader.insert(card())
    reader.exclusive = True
    assert "Un autre programme garde la carte" in sentence(looks, "card-in-use")


def test_missing_components_are_said(looks: Looks) -> None:
    assert "pyscard" in sentence(replace(looks, readers=None), "no-pyscard")
    assert "PySide6" in sentence(replace(looks, has_window_toolkit=lambda: False), "no-window")
    assert "écran" in sentence(replace(looks, has_display=lambda: False), "no-display")


def test_the_configuration_is_read_and_said(looks: Looks) -> None:
    assert ORIGIN in sentence(looks, "origins")
    looks.configuration.write_text('allowed_origins = ["http://localhost:8080"]\ndemo = true\n', "utf-8")
    assert "démonstration" in sentence(looks, "demo")
    looks.configuration.write_text('allowed_origins = ["http://auth.example.fr"]\n', "utf-8")
    assert "http://auth.example.fr" in sentence(looks, "configuration-refused")
    looks.configuration.unlink()
    assert str(looks.configuration) in sentence(looks, "no-configuration")


def test_a_bridge_at_work_is_recognised(looks: Looks, workstation: Workstation) -> None:
    assert "version" in sentence(replace(looks, ports=(workstation.bridge.port,)), "running")


@contextlib.contextmanager
def a_stranger() -> Iterator[int]:
    """Another program that listens on a port and speaks HTTP."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"hello": 1}).encode())

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_port_that_a_stranger_took_is_said(looks: Looks) -> None:
    with a_stranger() as taken:
        some = seen(replace(looks, ports=(taken, free_port())))
        assert (some["port-taken"].level, "not-running" in some) == (Level.KNOW, True)
        assert str(taken) in sentence(replace(looks, ports=(taken,)), "ports-taken")


@pytest.mark.spec("BRG-04")
@pytest.mark.parametrize(
    ("rules", "what"),
    [
        ({}, "browser-asks"),
        ({"LoopbackNetworkAllowedForUrls": [ORIGIN]}, "browser-allows"),
        ({"LocalNetworkAccessAllowedForUrls": ["[*.]example.fr"]}, "browser-allows"),
        ({"LocalNetworkAccessBlockedForUrls": ["*"]}, "browser-blocks"),
        (
            {"LocalNetworkAccessBlockedForUrls": ["*"], "LoopbackNetworkAllowedForUrls": ["auth.example.fr"]},
            "browser-allows",
        ),
        ({"LoopbackNetworkAllowedForUrls": [f"{ORIGIN}:8443", "http://auth.example.fr", "example.fr"]}, "browser-asks"),
        ({"LoopbackNetworkAllowedForUrls": ["[*.]xample.fr"]}, "browser-asks"),
    ],
)
def test_what_the_organisation_told_chromium_is_said(looks: Looks, tmp_path: Path, rules: Any, what: str) -> None:
    folder = tmp_path / "etc/chromium/policies/managed"
    folder.mkdir(parents=True)
    (folder / "passerelle.json").write_text(json.dumps(rules), "utf-8")
    (folder / "broken.json").write_text("{", "utf-8")
    read = rules_of_this_machine(tmp_path)
    findings = list(examine(replace(looks, rules=lambda: {"Chromium": read["Chromium"]})))
    assert [finding.what for finding in findings if finding.what.startswith("browser-")] == [what]


@pytest.mark.spec("BRG-04")
@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({}, "browser-asks"),
        ({"SkipDomains": ["auth.example.fr"]}, "browser-allows"),
        ({"Enabled": False}, "browser-allows"),
    ],
)
def test_what_the_organisation_told_firefox_is_said(looks: Looks, tmp_path: Path, rule: Any, what: str) -> None:
    folder = tmp_path / "etc/firefox/policies"
    folder.mkdir(parents=True)
    (folder / "policies.json").write_text(json.dumps({"policies": {"LocalNetworkAccess": rule}}), "utf-8")
    read = rules_of_this_machine(tmp_path)
    findings = list(examine(replace(looks, rules=lambda: {"Firefox": read["Firefox"]})))
    assert [finding.what for finding in findings if finding.what.startswith("browser-")] == [what]


def test_every_sentence_exists_in_both_languages_with_the_same_facts() -> None:
    def holes(said_in_a_language: tuple[str, str]) -> set[str]:
        text = "".join(said_in_a_language)
        return {part.split("}")[0] for part in text.split("{")[1:]}

    for what, (french, english) in _SENTENCES.items():
        assert holes(french) == holes(english), what


@pytest.mark.spec("BRG-03")
def test_the_machine_s_configuration_is_where_only_an_administrator_writes() -> None:
    assert machine_configuration("linux") == Path("/etc/passerelle/bridge.toml")
    assert machine_configuration("darwin").is_relative_to("/Library")
    assert "Passerelle" in str(machine_configuration("win32"))


def test_the_command_ends_with_1_when_something_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "none.toml"
    assert main(["doctor", "--configuration", str(missing), "--ports", str(free_port()), "--lang", "en"]) == 1
    assert f"The configuration file {missing} does not exist" in capsys.readouterr().out


def test_serving_without_a_configuration_says_so_and_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--configuration", str(tmp_path / "none.toml")]) == 2
    assert "none.toml" in capsys.readouterr().err


@pytest.mark.spec("BRG-04")
def test_the_rules_that_we_ship_for_browsers_let_the_site_through(looks: Looks, tmp_path: Path) -> None:
    shipped = ROOT / "docs" / "workstation"
    for file, place in (
        ("chromium-policy.json", "etc/chromium/policies/managed/passerelle.json"),
        ("firefox-policies.json", "etc/firefox/policies/policies.json"),
    ):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text((shipped / file).read_text("utf-8"), "utf-8")
    read = rules_of_this_machine(tmp_path)
    ours = replace(
        looks,
        configuration=shipped / "bridge.toml",
        rules=lambda: {name: read[name] for name in ("Chromium", "Firefox")},
    )
    found = [finding for finding in examine(ours) if finding.what.startswith("browser-")]
    assert [(finding.what, finding.facts["browser"]) for finding in found] == [
        ("browser-allows", "Chromium"),
        ("browser-allows", "Firefox"),
    ]
