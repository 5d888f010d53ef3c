"""Fixtures of the tests of numbered requirements: one deployed gateway per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.requirements.assembled import Gateway, opened


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    yield from opened(tmp_path)
