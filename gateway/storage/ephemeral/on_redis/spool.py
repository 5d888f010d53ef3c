"""The spool: in each partition a stream of journal lines, and a set of items to send, scored by when they are due."""

from collections.abc import Sequence
from itertools import count

from gateway.journal.effects import Effects, Outgoing
from gateway.journal.events import Event
from gateway.journal.serialise import event_from_json, outgoing_from_json
from gateway.randomness import PARTITIONS
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker, key

_SMALLEST_PAGE = 16


class RedisSpool:
    def __init__(self, link: RedisLink, pack: EffectsPacker) -> None:
        self._link, self._pack = link, pack
        self._turns = count()

    def note(self, effects: Effects) -> None:
        self._link.run("note", [key(next(self._turns) % PARTITIONS, "events")], self._pack(effects))

    def take_events(self, limit: int) -> Sequence[tuple[str, Event]]:
        """A page of each partition, merged up to where every partition is known: the oldest lines, in order, without
        reading the whole backlog."""
        page = max(_SMALLEST_PAGE, 2 * limit // PARTITIONS)
        pages = self._link.read_all(
            [("XRANGE", key(partition, "events"), "-", "+", "COUNT", page) for partition in range(PARTITIONS)]
        )
        known_up_to = min((_instant(lines[-1][0]) for lines in pages if len(lines) == page), default=None)
        merged = sorted(
            (_instant(entry), f"{partition:x}.{entry.decode()}.{fields[b'tag'].decode()}", fields[b"event"])
            for partition, lines in enumerate(pages)
            for entry, fields in lines
            if known_up_to is None or _instant(entry) <= known_up_to
        )
        return [(spool_id, event_from_json(event)) for _, spool_id, event in merged[:limit]]

    def drop_events(self, spool_ids: Sequence[str]) -> None:
        of_partition: dict[int, list[str]] = {}
        for spool_id in spool_ids:
            partition, entry, _ = spool_id.split(".")
            of_partition.setdefault(int(partition, 16), []).append(entry)
        self._link.read_all(
            [("XDEL", key(partition, "events"), *entries) for partition, entries in of_partition.items()]
        )

    def take_outgoing(self, now: float, limit: int, lease_seconds: float) -> Sequence[tuple[str, Outgoing, int]]:
        due = self._link.read_all(
            [("ZCOUNT", key(partition, "outgoing"), "-inf", now) for partition in range(PARTITIONS)]
        )
        taken: list[tuple[str, Outgoing, int]] = []
        first = next(self._turns)  # so that no partition waits behind a busy one
        for partition in ((first + step) % PARTITIONS for step in range(PARTITIONS)):
            if due[partition] and len(taken) < limit:
                rows = self._link.run(
                    "outgoing_take", [key(partition, "outgoing")], now, limit - len(taken), now + lease_seconds
                )
                taken += [(f"{partition:x}.{row.decode()}", outgoing_from_json(item), n) for row, item, n in rows]
        return taken

    def done(self, item_id: str, effects: Effects) -> None:
        outgoing, row = _row_of(item_id)
        self._link.run("outgoing_done", [outgoing], row, self._pack(effects))

    def retry(self, item_id: str, at: float, effects: Effects) -> None:
        outgoing, row = _row_of(item_id)
        self._link.run("outgoing_retry", [outgoing], row, at, self._pack(effects))

    def waiting(self, kind: str, *, limit: int = 1000, **said: str) -> Sequence[tuple[Outgoing, int]]:
        found: list[tuple[Outgoing, int]] = []
        for partition in range(PARTITIONS):
            for row in self._link.run("outgoing_waiting", [key(partition, "outgoing")], limit):
                item = outgoing_from_json(row[0])
                if item.kind == kind and said.items() <= item.payload.items():
                    found.append((item, int(row[1])))
        return found[:limit]

    def backlog(self) -> int:
        lines = [("XLEN", key(partition, "events")) for partition in range(PARTITIONS)]
        items = [("ZCARD", key(partition, "outgoing")) for partition in range(PARTITIONS)]
        return sum(self._link.read_all([*lines, *items]))


def _instant(entry: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = entry.partition(b"-")
    return int(milliseconds), int(sequence)


def _row_of(item_id: str) -> tuple[str, str]:
    partition, _, row = item_id.partition(".")
    return key(int(partition, 16), "outgoing"), row
