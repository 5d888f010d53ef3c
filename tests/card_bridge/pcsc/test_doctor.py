"""The doctor over the real service: the same sentences, with nothing played."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from card_bridge.__main__ import main
from tests.card_bridge.rig import card
from tests.virtual_readers import READERS, VirtualPcscd


@pytest.fixture
def doctor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    configuration = tmp_path / "bridge.toml"
    configuration.write_text('allowed_origins = ["https://auth.example.fr"]\n', "utf-8")

    def ask() -> str:
        main(["doctor", "--configuration", str(configuration), "--ports", "1", "--lang", "fr"])
        return capsys.readouterr().out

    return ask


@pytest.mark.spec("BR-14")
def test_a_real_stopped_service_is_said(pc_sc: VirtualPcscd, readers: Any, doctor: Callable[[], str]) -> None:
    pc_sc.stop()
    assert "Le service des cartes à puce est arrêté." in doctor()
    pc_sc.start()
    assert f"Le lecteur « {READERS[0]} » fonctionne ; il est vide." in doctor()


def test_a_real_card_is_read_without_spending_a_try(
    pc_sc: VirtualPcscd, readers: Any, doctor: Callable[[], str]
) -> None:
    inserted = card(tries=2)
    pc_sc.insert(inserted)
    while not readers.state(READERS[0]).present:
        readers.wait(0.5)
    assert "La carte CPS3v3-2900473128 et son certificat d’authentification sont lisibles." in doctor()
    assert inserted.tries_left == 2
    assert inserted.record.count(0x20) == 0


def test_a_card_that_another_program_keeps_is_said(
    pc_sc: VirtualPcscd, readers: Any, doctor: Callable[[], str]
) -> None:
    from smartcard import scard

    pc_sc.insert(card())
    while not readers.state(READERS[0]).present:
        readers.wait(0.5)
    _, context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
    scard.SCardConnect(context, READERS[0], scard.SCARD_SHARE_EXCLUSIVE, scard.SCARD_PROTOCOL_T0)
    assert f"Un autre programme garde la carte du lecteur « {READERS[0]} »." in doctor()
    scard.SCardReleaseContext(context)
