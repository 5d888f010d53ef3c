"""The real bridge over a virtual card, and the real verification behind it: both ends of the signed value.

The page is a caller on a plain socket; the person types the code in a window that is played.
"""

from collections.abc import Iterator

import pytest

from gateway.accounts.identity_link import LinkKind
from gateway.signin.card.refusals import CardOfAnotherType, CardRefused
from sandbox.card.cps3 import VirtualCps3
from tests.card_bridge.rig import PIN, Page, Workstation
from tests.unit.signin.card.cards import ORIGIN, Rig, message
from tests.unit.signin.card.tab import Tab

OTHER = "https://autre.exemple.fr"


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    return Rig(tmp_path_factory.mktemp("anchors"))


@pytest.fixture
def desk() -> Iterator[Workstation]:
    """Two gateways may call this bridge."""
    workstation = Workstation(allowed_origins=[ORIGIN, OTHER])
    workstation.window.codes = [PIN]
    yield workstation
    workstation.stop()


def inserted(desk: Workstation, rig: Rig, **facts: object) -> None:
    pair = [rig.igc.professional(usage=usage, **facts) for usage in ("authentication", "signature")]  # type: ignore[arg-type]
    desk.insert(VirtualCps3(pair, pin=PIN, card_number="2900473128"))


def answered(desk: Workstation, tab: Tab, *, origin: str = ORIGIN) -> None:
    nonce = tab.nonce()
    reply = Page(desk.bridge.port, origin).authenticate(nonce=nonce)
    assert reply.status == 200, reply.body
    tab.answer(reply.json)


@pytest.mark.spec("SV-10", "BRG-06", "BRG-08", "BR-09")
def test_a_card_read_by_the_bridge_signs_its_holder_in(desk: Workstation, rig: Rig) -> None:
    inserted(desk, rig)
    tab = Tab(rig)
    answered(desk, tab)
    ((identity, _),) = tab.linking.arrived
    assert (identity.kind, identity.rpps) == (LinkKind.CARD, "99900000003")


@pytest.mark.spec("BRG-06", "BRG-08", "AC-067")
def test_a_nonce_relayed_by_another_site_is_worth_nothing_here(desk: Workstation, rig: Rig) -> None:
    inserted(desk, rig)
    tab = Tab(rig)
    with pytest.raises(CardRefused, match="signature"):
        answered(desk, tab, origin=OTHER)
    assert tab.linking.arrived == []


@pytest.mark.spec("BRG-08", "AC-075")
def test_a_certificate_of_another_card_beside_the_signature_is_refused(desk: Workstation, rig: Rig) -> None:
    inserted(desk, rig)
    tab = Tab(rig)
    reply = Page(desk.bridge.port, ORIGIN).authenticate(nonce=tab.nonce())
    other = message(rig.igc.professional("99900000011", card_number="2900473129"))
    with pytest.raises(CardRefused, match="signature"):
        tab.answer(reply.json | {"certificate": other["certificate"]})


@pytest.mark.spec("SV-08")
def test_a_card_of_another_type_is_told_the_way_out(desk: Workstation, rig: Rig) -> None:
    inserted(desk, rig, card_type=3)
    with pytest.raises(CardOfAnotherType):
        answered(desk, Tab(rig))
