"""Fixtures of the protocol tests."""

import pytest

from tests.protocol.provider import Provider


@pytest.fixture
def provider() -> Provider:
    return Provider()
