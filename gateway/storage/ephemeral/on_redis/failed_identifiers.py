"""Identifiers that failed from one origin, and the turns of those who wait there, in one step each (THR-05)."""

from gateway.journal.effects import Effects
from gateway.signin.password.failed_identifiers import SprayLimit, Turns
from gateway.storage.ephemeral.addresses import drawn_address
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker, key


class RedisFailedIdentifiers:
    def __init__(self, link: RedisLink, pack: EffectsPacker) -> None:
        self._link, self._pack = link, pack

    def admit(
        self, origin: str, identifier: str, limit: SprayLimit, now: float, *, waited: bool, if_crossed: Effects
    ) -> bool:
        admitted = self._link.run(
            "spray_admit",
            _keys(origin),
            now,
            drawn_address(identifier).digest,
            limit.most,
            now - limit.seconds,
            now + limit.seconds,
            int(waited),
            now + limit.quiet_seconds,
            self._pack(if_crossed),
        )
        return bool(admitted)

    def succeeded(self, origin: str, identifier: str) -> None:
        self._link.run("spray_succeeded", _keys(origin), drawn_address(identifier).digest)

    def crossed(self, origin: str, limit: SprayLimit, now: float) -> bool:
        return int(self._link.run("spray_count", _keys(origin), now - limit.seconds)) >= limit.most

    def next_turn(self, origin: str, turns: Turns, now: float) -> float:
        turn = self._link.run(
            "spray_turn", _keys(origin), now, now + turns.at_least, now + turns.at_most, turns.interval
        )
        return float(turn)


def _keys(origin: str) -> list[str]:
    """The failed identifiers by instant; the last turn, and until when the crossing is told."""
    address = drawn_address(origin)
    return [key(address.partition, "spray", address.digest), key(address.partition, "spray-turn", address.digest)]
