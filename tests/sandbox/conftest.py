"""One sandbox and one provider for these tests, on free ports; each test starts with both of them calm and empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import sandbox
from tests.sandbox.lying_provider import CLIENT_ID, CLIENT_SECRET, LyingProvider

PEOPLE = """
- {name: Camille Fictive, username: camille, rpps: 99900000003, password: "tilleul bleu 7", why: "Gère les notifications"}
- {name: Sacha Exemple, username: sacha, rpps: null, password: null, why: "Aucun rôle"}
"""


@pytest.fixture(scope="session")
def started_provider() -> Iterator[LyingProvider]:
    provider = LyingProvider()
    provider.start()
    yield provider
    provider.stop()


@pytest.fixture(scope="session")
def options(started_provider: LyingProvider, tmp_path_factory: pytest.TempPathFactory) -> sandbox.SandboxOptions:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    (folder / "secret").write_text(f"{CLIENT_SECRET}\n", encoding="utf-8")
    (folder / "people.yaml").write_text(PEOPLE, encoding="utf-8")
    return sandbox.SandboxOptions(
        profile="test",
        issuer=started_provider.issuer,
        world="127.0.0.2:0",
        smtp="127.0.0.2:0",
        orientation="127.0.0.5:0",
        orientation_client_id=CLIENT_ID,
        orientation_client_secret_file=folder / "secret",
        suivi="127.0.0.6:0",
        suivi_client_id=CLIENT_ID,
        suivi_client_secret_file=folder / "secret",
        clock_offset_file=folder / "clock",
        people_file=folder / "people.yaml",
    )


@pytest.fixture(scope="session")
def started_sandbox(options: sandbox.SandboxOptions) -> Iterator[sandbox.RunningSandbox]:
    with sandbox.run(options) as running:
        yield running


@pytest.fixture
def world(started_sandbox: sandbox.RunningSandbox) -> sandbox.RunningSandbox:
    started_sandbox.mailbox.clear()
    started_sandbox.phone.clear()
    started_sandbox.faults.switch({"smtp": None, "sms": None})
    started_sandbox.clock.reset()
    return started_sandbox


@pytest.fixture
def provider(started_provider: LyingProvider) -> LyingProvider:
    started_provider.be_honest()
    return started_provider
