"""Real PC/SC: pyscard over pcscd over virtual readers. Where one is missing these tests skip; with CI=true they fail."""

import importlib.util
import os
from collections.abc import Iterator
from typing import Any

import pytest

from card_bridge.ports import ReaderFault
from tests.virtual_readers import READERS, VirtualPcscd


@pytest.fixture
def readers(pc_sc: VirtualPcscd) -> Iterator[object]:
    """The adapter under test; the service of `pc_sc` is running."""
    if importlib.util.find_spec("smartcard") is None:
        absent = "pyscard is missing (./run test builds it)"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    from card_bridge.pcsc import PcscReaders

    adapter = PcscReaders()
    while not _quiet(adapter):
        adapter.wait(0.5)
    yield adapter


def _quiet(adapter: Any) -> bool:
    """The service is up and has noticed that the card of the test before is gone."""
    try:
        return tuple(adapter.names()) == READERS and not any(adapter.state(name).present for name in READERS)
    except ReaderFault:
        return False
