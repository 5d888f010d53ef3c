"""The simulated Pro Santé Connect of the attacks, started once."""

from collections.abc import Iterator

import pytest

from tests.flows.psc_gateway import Simulator, simulated


@pytest.fixture(scope="session")
def psc_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with simulated(tmp_path_factory.mktemp("psc")) as simulator:
        yield simulator
