"""The jobs die while they move the journal's lines, again and again: each line arrives once (ARCHITECTURE §4)."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from gateway.journal.effects import because
from gateway.journal.events import Event as Line
from gateway.journal.events import Outcome
from tests.faults.deployment import deployment, wait_until

DEATHS = 12
AT_ONCE = 1500
"""More than two batches wait at each death, so that it falls inside the work."""


def _on_sqlite(request: pytest.FixtureRequest) -> dict[str, str]:
    return {}


def _on_redis_and_postgresql(request: pytest.FixtureRequest) -> dict[str, str]:
    redis_url = request.getfixturevalue("redis_url")
    return {"ephemeral_url": f"{redis_url[:-1]}5", "database_url": request.getfixturevalue("postgresql_url")}


@pytest.mark.parametrize(
    "engines", [pytest.param(_on_sqlite, id="sqlite"), pytest.param(_on_redis_and_postgresql, id="redis-postgresql")]
)
def test_each_line_is_moved_once_whenever_the_jobs_die(
    tmp_path: Path, engines: Callable[[pytest.FixtureRequest], dict[str, str]], request: pytest.FixtureRequest
) -> None:
    chance = random.Random(3)
    with deployment(tmp_path, people=[], **engines(request)) as running, running.stores() as stores:

        def spool_some(first: int) -> None:
            lines = (
                Line("userinfo.read", Outcome.SUCCESS, 1.0, request=str(first + number)) for number in range(AT_ONCE)
            )
            stores.ephemeral.spool.note(because(*lines))

        for death in range(DEATHS):
            spool_some(death * AT_ONCE)
            waiting = stores.ephemeral.spool.backlog()
            jobs = running.start("jobs")
            wait_until(lambda waiting=waiting: stores.ephemeral.spool.backlog() < waiting, "the jobs move lines")
            Event().wait(chance.random() * 0.03)
            jobs.kill()
        running.start("jobs")
        wait_until(lambda: stores.ephemeral.spool.backlog() == 0, "every line has left the spool")
        moved = Counter(
            event.request for _, event in stores.database.journal.read(limit=10**6) if event.name == "userinfo.read"
        )
    assert len(moved) == DEATHS * AT_ONCE
    assert set(moved.values()) == {1}
