"""Real PC/SC: pyscard over pcscd over virtual readers. Where one is missing these tests skip; with CI=true they fail."""

from typing import Any

import pytest

from tests.card_bridge.real_readers import settled_readers
from tests.virtual_readers import VirtualPcscd


@pytest.fixture
def readers(pc_sc: VirtualPcscd) -> Any:
    """The adapter under test; the service of `pc_sc` is running, its readers are empty."""
    return settled_readers(pc_sc)
