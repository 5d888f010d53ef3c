"""Deployments for these tests: one that was never initialised, and copies of one that was."""

import shutil
from pathlib import Path

import pytest

from tests.cli.deployment import ADMINISTRATOR, Deployment


@pytest.fixture
def fresh(tmp_path: Path) -> Deployment:
    """Settings and idp_config; nothing was run yet."""
    return Deployment.create(tmp_path / "fresh")


@pytest.fixture(scope="session")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "deployment"
    ran = Deployment.create(folder).run("init", *ADMINISTRATOR)
    assert ran.code == 0, ran
    return folder


@pytest.fixture
def deployment(initialised: Path, tmp_path: Path) -> Deployment:
    """After `passerelle init`, with its first administrator."""
    shutil.copytree(initialised, tmp_path / "deployment")
    return Deployment(tmp_path / "deployment")
