"""One look-alike hierarchy for all these tests."""

import pytest

from sandbox.card.cps3 import VirtualCps3
from sandbox.card.igc_sante import LookAlikeIgc
from tests.sandbox.card.terminal import Terminal


@pytest.fixture(scope="session")
def igc() -> LookAlikeIgc:
    return LookAlikeIgc()


@pytest.fixture
def card(igc: LookAlikeIgc) -> VirtualCps3:
    """A card as the ones in people's pockets: an authentication key and a signature key."""
    return VirtualCps3([igc.professional(), igc.professional(usage="signature")])


@pytest.fixture
def terminal(card: VirtualCps3) -> Terminal:
    return Terminal(card.transmit)
