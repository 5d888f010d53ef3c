"""What the pages on connecting an application are tried with."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connect.connected import Connected, connected
from tests.connect.javascript_libraries import installed
from tests.interoperability.on_openid_client import NodeMissingError, node_command


@pytest.fixture(scope="session", name="connected")
def connected_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connected]:
    """A gateway that knows the applications of the pages."""
    with connected(tmp_path_factory.mktemp("connect")) as node:
        yield node


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder of the JavaScript libraries; without Node.js the test is skipped, and fails in continuous integration."""
    try:
        node_command()
        return installed()
    except NodeMissingError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))
