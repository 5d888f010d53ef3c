"""Driver by masked ATR and confirmation, certificate by label, identifier and key usage (BR-01, BR-03, BR-16)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from card_bridge.card.channel import Channel
from card_bridge.card.family import Family, family_of, is_accepted
from card_bridge.ports import WindowState
from card_bridge.refusals import BridgeRefusal
from sandbox.card import families
from sandbox.card.cps3 import VirtualCps3
from sandbox.card.faults import FaultPlan
from sandbox.card.pkcs15_files import KeySlot
from sandbox.card.reader import VirtualReader
from sandbox.card.virtual_card import ForeignCard
from tests.card_bridge.rig import PIN, Workstation, card, certificate, igc


@pytest.mark.spec("BR-01")
def test_the_version_bytes_of_a_cps3_may_move() -> None:
    assert family_of(families.CPS3_CONTACT) is family_of(families.CPS3_LATER_VERSION) is Family.CPS3
    for at in (0, *range(5, 11), *range(14, 17)):
        other = bytearray(families.CPS3_CONTACT)
        other[at] ^= 1
        assert family_of(bytes(other)) is None, at
    assert family_of(families.CPS3_CONTACT + b"\x00") is None
    assert family_of(families.CPS3_CONTACT[:-1]) is family_of(b"") is None


@pytest.mark.spec("BR-01")
@pytest.mark.parametrize("atr", [families.CPS3_CONTACT, families.CPS3_LATER_VERSION])
def test_a_cps3_of_any_version_authenticates(workstation: Workstation, atr: bytes) -> None:
    workstation.insert(card(atr=atr))
    workstation.window.codes = [PIN]
    assert workstation.page.authenticate().status == 200


@pytest.mark.spec("BR-01")
@pytest.mark.parametrize("atr", [families.FOREIGN, families.CPS4_CONTACT, families.CPS4_PRE_SERIES, families.CPS4_T0])
def test_nothing_is_sent_to_an_unknown_card(workstation: Workstation, atr: bytes) -> None:
    foreign = ForeignCard(atr)
    workstation.reader.insert(foreign)
    assert workstation.page.authenticate().error == "card_unsupported"
    assert foreign.record.commands() == []
    assert WindowState.ASK_CODE not in workstation.window.states


@pytest.mark.spec("BR-01")
@pytest.mark.parametrize("refusal", ["6E00", "6A86", "6A82", "9404", "6F00"])
def test_a_card_of_the_older_kind_gets_one_select(workstation: Workstation, refusal: str) -> None:
    older = ForeignCard(families.CPS2TER, refusal=bytes.fromhex(refusal))
    workstation.reader.insert(older)
    assert workstation.page.authenticate().error == "card_unsupported"
    assert older.record.commands() == ["00A4090C043F000001"]


@pytest.mark.spec("BR-16", "BRG-14")
def test_a_contactless_card_is_refused_without_a_word_to_it(workstation: Workstation) -> None:
    contactless = card(atr=families.CPS3_CONTACTLESS)
    workstation.insert(contactless)
    assert family_of(families.CPS3_CONTACTLESS) is Family.CPS3_CONTACTLESS
    assert not is_accepted(families.CPS3_CONTACTLESS)
    assert workstation.page.authenticate().error == "card_unsupported"
    assert contactless.record.commands() == []


def test_a_card_of_another_kind_may_stay_in_another_reader() -> None:
    health_insurance, free = VirtualReader("Lecteur A"), VirtualReader("Lecteur B")
    workstation = Workstation([health_insurance, free])
    health_insurance.insert(ForeignCard())
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.CARD_UNSUPPORTED)
    workstation.window.codes = [PIN]
    free.insert(card())
    assert page.result(10).status == 200
    workstation.stop()


def test_of_two_professional_cards_one_must_leave() -> None:
    first, second = VirtualReader("Lecteur A"), VirtualReader("Lecteur B")
    first.insert(card())
    second.insert(card(card_number="2900473136"))
    workstation = Workstation([first, second])
    page = workstation.page.begins_to_authenticate()
    workstation.window.wait_for(WindowState.SEVERAL_CARDS)
    workstation.window.codes = [PIN]
    first.remove()
    assert page.result(10).status == 200
    assert workstation.window.wait_for(WindowState.ASK_CODE).card_label == "CPS3v3-2900473136"
    workstation.stop()


def _slot(**changes: object) -> KeySlot:
    return replace(KeySlot.of(certificate()), **changes)  # type: ignore[arg-type]


@pytest.mark.spec("BR-03")
@pytest.mark.parametrize(
    "slots",
    [
        pytest.param([certificate(usage="signature")], id="signature only"),
        pytest.param([_slot(key_label="CPS_PRIV_SIG")], id="key of another name"),
        pytest.param([_slot(certificate_label="Certificat Technique CPS")], id="certificate of another name"),
        pytest.param([_slot(certificate_identifier=b"\x09" * 14)], id="certificate of another key"),
        pytest.param([_slot(), _slot()], id="two candidates"),
        pytest.param([_slot(), _slot(certificate_label="Certificat de Signature CPS")], id="two keys"),
        pytest.param([_slot(), _slot(key_label="CPS_PRIV_SIG")], id="two certificates of one key"),
        pytest.param(
            [replace(KeySlot.of(certificate(usage="signature")), reference=0x82, key_label="CPS_PRIV_AUT",
                     certificate_label="Certificat d'Authentification CPS")],
            id="signature certificate under the authentication label",
        ),
        pytest.param([certificate(not_after=igc().now - timedelta(days=1))], id="expired"),
    ],
)  # fmt: skip
def test_without_exactly_one_authentication_certificate_no_code_is_asked(
    workstation: Workstation, slots: list[object]
) -> None:
    inserted = workstation.insert(card(*slots))
    reply = workstation.page.authenticate()
    assert (reply.status, reply.json) == (409, {"error": "certificate_unsupported", "retriable": False})
    assert WindowState.ASK_CODE not in workstation.window.states
    assert inserted.record.count(0x20) == 0
    assert inserted.misuse == []


@pytest.mark.spec("BR-03")
def test_a_certificate_expires_at_its_last_second(workstation: Workstation) -> None:
    inserted = certificate("2900473144")
    workstation.insert(card(inserted))
    last = inserted.certificate.not_valid_after_utc.timestamp()
    workstation.window.codes = [PIN, PIN]
    workstation.clock.instant = last
    assert workstation.page.authenticate().status == 200
    workstation.clock.instant = last + 1
    assert workstation.page.authenticate().error == "certificate_unsupported"


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(FaultPlan(every_answer=b"\x6f\x00"), id="6F00 everywhere"),
        pytest.param(FaultPlan(every_answer=b"\x12\x34"), id="status words of nobody"),
        pytest.param(FaultPlan(every_answer=b"\x61\x10"), id="announces for ever"),
        pytest.param(FaultPlan(every_answer=b"\x00" * 16 + b"\x61\x10"), id="answers for ever"),
        pytest.param(FaultPlan(every_answer=b"\x6c\x10"), id="corrects for ever"),
        pytest.param(FaultPlan(announced_length=0xFFFF), id="files of 64 kB"),
        pytest.param(FaultPlan(announced_length=0), id="files of nothing"),
        pytest.param(FaultPlan(files={bytes.fromhex("3F002F00"): b"\x30\x80" * 2000}), id="nested without end"),
        pytest.param(
            FaultPlan(files={bytes.fromhex("3F0000015031"): b"\xa0\x82\xff\xff\x30"}), id="longer than its file"
        ),
        pytest.param(
            FaultPlan(files={bytes.fromhex("3F0000017002"): b"\x30\x7f" * 2000}), id="a TLV in a TLV in a TLV"
        ),
    ],
)
def test_a_card_that_talks_nonsense_ends_in_a_refusal(workstation: Workstation, plan: FaultPlan) -> None:
    inserted = workstation.insert(card(faults=plan))
    assert workstation.page.authenticate().error in {"card_unsupported", "certificate_unsupported"}
    assert inserted.record.count(0x20) == 0
    assert len(inserted.record.commands()) < 200
    assert not any("internal" in line for line in workstation.log)


@pytest.mark.parametrize("answer", [b"", b"\x90"])
def test_half_a_status_word_is_no_answer(answer: bytes) -> None:
    with pytest.raises(BridgeRefusal, match="card_unsupported"):
        Channel(lambda _command: answer, lambda: None).send(bytes.fromhex("00A4090C023F00"))


def test_the_update_file_may_be_absent_or_whole_but_not_corrupt(workstation: Workstation) -> None:
    for updated, asked in (("never", 1), ("once", 2), ("corrupt", 2)):
        inserted = workstation.insert(VirtualCps3([certificate()], updated=updated))  # type: ignore[arg-type]
        workstation.window.codes = ["1234"]
        reply = workstation.page.authenticate()
        assert (reply.status == 200) == (updated != "corrupt")
        assert workstation.window.states.count(WindowState.ASK_CODE) == asked
        assert inserted.record.count(0x20) == int(updated != "corrupt")
