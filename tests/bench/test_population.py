"""The crowd that growth is measured beside is one the product itself would have: its own ports read it."""

from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

from gateway.randomness import system_randomness
from gateway.storage.ephemeral import open_ephemeral
from gateway.storage.sql.engine import open_engine
from gateway.storage.sql.tables import account
from tests.bench.machine.ours import LABELS, Gateway
from tests.bench.machine.population import SITE, Population, start_sessions

NOBODY = 1  # no port of Redis: nothing here asks it


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def gateway(request: pytest.FixtureRequest, tmp_path: Path) -> Gateway:
    database = request.getfixturevalue("postgresql_url") if request.param == "PostgreSQL" else None
    return Gateway(tmp_path, NOBODY, people=1, database=database)


def test_each_of_the_crowd_holds_what_their_model_holds_in_a_structure_of_their_own(gateway: Gateway) -> None:
    with gateway.deployment() as administering:
        population = Population(administering, gateway.accounts[0])
        made = population.add(0, 2 * SITE) + population.add(2 * SITE, 3 * SITE)
        population.settle()
        held = administering.stores.database.habilitations.of_many(made)
    assert len(set(made)) == len(held) == 3 * SITE
    structures = {structure.id for pairs in held.values() for _, structure in pairs}
    assert len(structures) == 3
    for pairs in held.values():
        assert sorted(one.role_label for one, _ in pairs) == sorted(LABELS)
        assert len({structure.id for _, structure in pairs}) == 1


def test_rows_of_the_crowd_are_as_long_as_those_the_product_wrote(gateway: Gateway) -> None:
    with gateway.deployment() as administering:
        population = Population(administering, gateway.accounts[0])
        population.add(0, SITE)
        population.settle()
        engine = open_engine(administering.settings.located(administering.settings.database.url))
    columns = [c for c in account.columns if not c.name.startswith("username")]
    with engine.connect() as connection:
        lengths = set(map(tuple, connection.execute(sa.select(*(sa.func.length(sa.cast(c, sa.LargeBinary)
            if isinstance(c.type, sa.LargeBinary) else sa.cast(c, sa.String)) for c in columns)))))  # fmt: skip
    engine.dispose()
    assert len(lengths) == 1


def test_sessions_started_many_to_a_trip_are_sessions(redis_url: str) -> None:
    people, now = [f"banc-{number}" for number in range(1500)], 1_800_000_000.0
    with redis.Redis.from_url(redis_url) as client:
        start_sessions(client, people, now)
    store = open_ephemeral(redis_url, system_randomness)
    assert [len(store.sessions.of(one, now + 1)) for one in (people[0], people[999], people[-1])] == [1, 1, 1]
    store.close()
