"""The people's door of these tests."""

import pytest

from tests.unit.web.world import Door


@pytest.fixture
def door() -> Door:
    return Door()
