"""The adapter of PC/SC for tests, once the real service has noticed that the card of the test before is gone."""

import importlib.util
import os
import time
from typing import Any

import pytest

from card_bridge.ports import ReaderFault
from tests.virtual_readers import READERS, VirtualPcscd

PATIENCE_SECONDS = 3.0


def settled_readers(pc_sc: VirtualPcscd) -> Any:
    """`PcscReaders`; skips, or fails with CI=true, where pyscard is missing.

    A card pulled out in the very instant of its reset can leave the service with a ghost in the reader: it is then restarted.
    """
    if importlib.util.find_spec("smartcard") is None:
        absent = "pyscard is missing (./run test builds it)"
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
    from card_bridge.pcsc import PcscReaders

    readers = PcscReaders()
    end = time.monotonic() + PATIENCE_SECONDS
    while not _quiet(readers):
        if time.monotonic() > end:
            pc_sc.stop()
            pc_sc.start()
            end = time.monotonic() + PATIENCE_SECONDS
        readers.wait(0.5)
    return readers


def _quiet(readers: Any) -> bool:
    try:
        return tuple(readers.names()) == READERS and not any(readers.state(name).present for name in READERS)
    except ReaderFault:
        return False
