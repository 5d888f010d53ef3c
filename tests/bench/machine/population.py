"""A deployment filled with people whom nobody asks about: their accounts, habilitations, structures and sessions.

Their rows are made by the engine itself, after the row of one person whom the product made: columns, indexes and lengths are
the product's, what is encrypted is as long and opens for nobody. Their sessions go through the product's own port and script,
many to a trip.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import redis
import sqlalchemy as sa

from gateway.cli.administration import Administration
from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import system_randomness
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker, Word, script, words
from gateway.storage.ephemeral.on_redis.sessions import RedisSessions
from gateway.storage.sql.engine import open_engine
from gateway.storage.sql.tables import account, habilitation, structure
from tests.bench.machine.ours import session_of

SITE = 50
"""People to a structure."""
_AT_ONCE = 1000
_ENCRYPTED = ("family_name", "given_name", "email", "rpps")
_INDEXES = ("email_index", "rpps_index")


class Population:
    """`model`: the account that the others are made after."""

    def __init__(self, administering: Administration, model: str) -> None:
        settings = administering.settings
        self._engine = open_engine(settings.located(settings.database.url))
        self._sqlite = self._engine.dialect.name == "sqlite"
        if self._sqlite:
            sa.event.listen(self._engine, "connect", _hurried)
        self._model, self._now = model, administering.stores.clock.now()

    def add(self, first: int, last: int) -> list[str]:
        """People number `first` to `last` (excluded), whole structures of them; their identifiers."""
        with self._engine.execution_options(writes=True).begin() as connection:
            for statement in self._statements(connection, first, last):
                connection.execute(statement)
            names = account.c.username_folded
            made = sa.select(account.c.id).where(names >= _name(first), names < _name(last))
            return list(connection.execute(made).scalars())

    def settle(self) -> None:
        """Leaves the files as a deployment that has been quiet for a while does."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)" if self._sqlite else "VACUUM ANALYZE")
        self._engine.dispose()

    def _statements(self, connection: sa.Connection, first: int, last: int) -> Iterator[sa.Insert]:
        lengths = [sa.func.length(account.c[name]).label(name) for name in _ENCRYPTED]
        model = connection.execute(sa.select(account, *lengths).where(account.c.id == self._model)).one()
        known = {column.name: model[place] for place, column in enumerate(account.columns)}
        octets = dict(zip(_ENCRYPTED, model[len(account.columns) :], strict=True))
        numbers = _numbers(first, last)
        name = sa.literal("personne.") + sa.func.substr(sa.cast(numbers.c.i + 10**8, sa.String), 2)
        own: dict[str, sa.ColumnElement[Any]] = {"id": self._identifier(), "username": name, "username_folded": name}
        own |= {one: self._octets(octets[one]) for one in _ENCRYPTED} | {one: self._octets(32) for one in _INDEXES}
        values = [own.get(c.name, sa.literal(known[c.name], c.type)).label(c.name) for c in account.columns]
        yield _copied(account, values, numbers)

        sites = _numbers(first // SITE, last // SITE)
        code = sa.cast(sites.c.i + 10**8, sa.String)
        one_site = connection.execute(sa.select(structure).limit(1)).one()
        said: dict[str, sa.ColumnElement[Any]] = {
            c.name: sa.literal(getattr(one_site, c.name), c.type) for c in structure.columns
        }
        said |= {"id": sa.literal("fineg:") + code, "finess": code, "name": sa.literal("Structure ") + code}
        yield _copied(structure, [said[c.name].label(c.name) for c in structure.columns], sites)

        number = sa.cast(sa.func.substr(account.c.username_folded, 10), sa.Integer)
        held = {c.name: c for c in habilitation.columns} | {
            "id": self._identifier(),
            "account_id": account.c.id,
            "structure_id": sa.literal("fineg:") + sa.cast(number // SITE + 10**8, sa.String),
        }
        rows = (
            sa.select(*(held[c.name].label(c.name) for c in habilitation.columns))
            .select_from(account.join(habilitation, habilitation.c.account_id == self._model))
            .where(account.c.username_folded >= _name(first), account.c.username_folded < _name(last))
        )
        yield sa.insert(habilitation).from_select([c.name for c in habilitation.columns], rows)

    def _identifier(self) -> sa.ColumnElement[Any]:
        if not self._sqlite:
            return sa.cast(sa.func.gen_random_uuid(), sa.String)
        parts = [sa.func.hex(sa.func.randomblob(octets)) for octets in (4, 2, 2, 2, 6)]
        joined: sa.ColumnElement[Any] = parts[0]
        for part in parts[1:]:
            joined = joined.op("||")("-").op("||")(part)
        return sa.func.lower(joined)

    def _octets(self, length: int) -> sa.ColumnElement[Any]:
        if self._sqlite:
            return sa.func.randomblob(length)
        text = sa.func.repeat(sa.func.md5(sa.cast(sa.func.random(), sa.String)), length // 16 + 1)
        return sa.func.substr(sa.func.decode(text, "hex"), 1, length)


def _hurried(connection: sqlite3.Connection, _record: object) -> None:
    """This connection alone: a million rows in a minute, and nothing to lose."""
    for pragma in ("cache_size=-1000000", "synchronous=OFF", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _name(number: int) -> str:
    return f"personne.{number:08d}"


def _numbers(first: int, last: int) -> sa.CTE:
    """`i`: from `first` to `last`, excluded."""
    start = sa.select(sa.literal(first).label("i")).where(sa.literal(first) < last).cte(recursive=True)
    return start.union_all(sa.select(start.c.i + 1).where(start.c.i + 1 < last))


def _copied(table: sa.Table, values: Sequence[sa.ColumnElement[Any]], numbers: sa.CTE) -> sa.Insert:
    return sa.insert(table).from_select([c.name for c in table.columns], sa.select(*values).select_from(numbers))


class _ManyToATrip:
    """`gateway.storage.ephemeral.on_redis.link.RedisLink`, as far as starting sessions needs it: answers come later."""

    def __init__(self, client: redis.Redis) -> None:
        client.script_load(script("session_start").source)
        self._pipeline = client.pipeline(transaction=False)

    def run(self, name: str, keys: Sequence[str], *arguments: Word) -> int:
        self._pipeline.execute_command("EVALSHA", script(name).sha1, len(keys), *keys, *words(arguments))  # type: ignore[no-untyped-call]
        if len(self._pipeline) >= _AT_ONCE:
            self.finish()
        return 1

    def finish(self) -> None:
        if not all(self._pipeline.execute()):
            raise RuntimeError("a session that could not be started")


def start_sessions(client: redis.Redis, accounts: Sequence[str], now: float) -> None:
    link = _ManyToATrip(client)
    sessions = RedisSessions(link, EffectsPacker(system_randomness))  # type: ignore[arg-type]
    for account_id in accounts:
        sessions.start(session_of(account_id, now), now, NO_EFFECTS)
    link.finish()
