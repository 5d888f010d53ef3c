"""One rig for the tests that change nothing, a fresh one for those that do."""

from pathlib import Path

import pytest

from tests.unit.signin.card.cards import Rig


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    return Rig(tmp_path_factory.mktemp("anchors"))


@pytest.fixture
def fresh(tmp_path: Path) -> Rig:
    return Rig(tmp_path)
