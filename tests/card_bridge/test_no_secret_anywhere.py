"""No code, nonce, holder or signature in logs, arguments, environment or dumps (BR-17, BRG-10, BRG-22, AC-072)."""

import faulthandler
import logging
import os
import sys
import tempfile

import pytest

from card_bridge.card.cps3 import Cps3
from card_bridge.person import Person
from card_bridge.ports import WindowState
from sandbox.card.faults import FaultPlan, Removed, Step
from tests.card_bridge.rig import NONCE, ORIGIN, PIN, SOON, HandClock, Workstation, card, message

WRONG = "8164"


@pytest.mark.spec("BR-17", "BRG-22", "BRG-10")
def test_nothing_that_was_received_typed_or_read_is_written(
    workstation: Workstation, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    workstation.insert(card())
    workstation.window.codes = [WRONG, PIN]
    assertion = workstation.page.authenticate().json
    workstation.page.send("POST", "/v1/authenticate", message()[:-1] + b',"pin":"4973"}')
    workstation.page.send("GET", "/v1/4973", Origin="https://4973.example")
    workstation.insert(card(faults=FaultPlan(after={Step.VERIFY: Removed()})))
    workstation.window.codes = [PIN]
    workstation.page.authenticate()
    workstation.insert(card(tries=0))
    workstation.page.authenticate()
    _start, *lines = workstation.log
    assert len(lines) >= 4
    captured = capfd.readouterr()
    written = "\n".join([*lines, captured.out, captured.err, caplog.text, *sys.argv, *os.environ.values()])
    secrets = [PIN, WRONG, NONCE, "FICTIVE", "Camille", "99900000003", "2900473128", "CPS3v3", "Lecteur", ORIGIN]
    secrets += [assertion["signature"][:20], assertion["certificate"][:20], "SIGNATURE", "example"]
    assert [secret for secret in secrets if secret in written] == []


@pytest.mark.spec("BR-17", "BRG-22")
def test_a_defect_is_logged_by_its_kind_and_place_only(
    workstation: Workstation, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def defect(*_arguments: object) -> bytes:
        raise KeyError(f"the code {PIN} of Camille FICTIVE")

    monkeypatch.setattr(Cps3, "sign", defect)
    inserted = workstation.insert(card())
    workstation.window.codes = [PIN]
    reply = workstation.page.authenticate()
    assert (reply.status, reply.json) == (500, {"error": "internal", "retriable": False})
    line = workstation.log[-1]
    assert "internal KeyError at test_no_secret_anywhere.py:" in line
    assert PIN not in line
    assert "FICTIVE" not in line
    assert capfd.readouterr().err == ""
    assert not inserted.pin_verified


def test_a_window_that_fails_is_an_internal_error_and_not_the_end(workstation: Workstation) -> None:
    def fail(_person: object) -> None:
        raise RuntimeError(PIN)

    workstation.insert(card())
    workstation.window.reactions[WindowState.READING] = fail
    assert workstation.page.authenticate().error == "internal"
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200


@pytest.mark.spec("BR-17")
def test_a_dump_of_all_threads_during_the_dialog_holds_no_code(workstation: Workstation) -> None:
    dumps: list[str] = []

    def dump(person) -> None:
        with tempfile.TemporaryFile("w+") as file:
            faulthandler.dump_traceback(file)
            file.seek(0)
            dumps.append(file.read())

    workstation.insert(card())
    workstation.window.reactions[WindowState.SIGNING] = dump
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200
    assert "card_session.py" in dumps[0]
    assert PIN not in dumps[0]


@pytest.mark.spec("BRG-10")
def test_the_code_is_wiped_after_its_one_use(workstation: Workstation, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bytearray] = []
    verify = Cps3.verify

    def keep(driver, code, policy):  # type: ignore[no-untyped-def]
        held.append(code)
        assert code in (PIN.encode(), WRONG.encode())
        verify(driver, code, policy)

    monkeypatch.setattr(Cps3, "verify", keep)
    workstation.insert(card())
    workstation.window.codes = [WRONG, PIN]
    assert workstation.page.authenticate().status == 200
    assert held == [bytes(4), bytes(4)]


@pytest.mark.spec("BRG-10")
def test_a_code_that_nobody_took_is_wiped() -> None:
    person = Person(HandClock(), deadline=float("inf"))
    person.ask(WindowState.ASK_CODE)
    person.code(PIN)
    held = person._code
    assert held == PIN.encode()
    person.forget()
    assert held == bytes(4)
    assert person.answer_code() is None


@pytest.mark.spec("BRG-10", "BR-10")
def test_no_answer_to_a_page_tells_tries_or_holder(workstation: Workstation) -> None:
    workstation.insert(card())
    workstation.window.codes = [WRONG]
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.ASK_CODE, 2)
    workstation.window.person.cancel()
    assert page.result(SOON).json == {"error": "pin_wrong", "retriable": True}


@pytest.mark.spec("BRG-22")
def test_a_log_line_is_an_instant_a_version_an_operation_and_a_code(workstation: Workstation) -> None:
    workstation.insert(card())
    workstation.window.codes = [PIN]
    workstation.page.authenticate()
    instant, version, *rest = workstation.log[-1].split(" ")
    assert instant.endswith("Z")
    assert version == "passerelle-bridge/0.1.0"
    assert rest == ["authenticate", "done"]
