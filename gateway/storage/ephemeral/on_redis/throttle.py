"""Counters of failures and of events: an attempt counts before it is judged, in one step (THR-09)."""

import orjson

from gateway.journal.effects import Effects
from gateway.signin.ports import Admission, DelayRule
from gateway.storage.ephemeral.addresses import drawn_address
from gateway.storage.ephemeral.lifetimes import CONSECUTIVE_FAILURES_SECONDS
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker, key


class RedisThrottle:
    def __init__(self, link: RedisLink, pack: EffectsPacker) -> None:
        self._link, self._pack = link, pack

    def admit(self, key: str, rule: DelayRule, now: float, if_refused: Effects) -> Admission:
        admitted, failures, retry_at = self._link.run(
            "throttle_admit",
            _failure_keys(key),
            now,
            orjson.dumps(rule.delays),
            rule.max_in_window,
            rule.window_seconds,
            CONSECUTIVE_FAILURES_SECONDS,
            self._pack(if_refused),
        )
        return Admission(admitted=bool(admitted), failures=int(failures), retry_at=float(retry_at))

    def succeeded(self, key: str) -> None:
        self._link.run("throttle_succeeded", _failure_keys(key))

    def count(self, key: str, *, limit: int, window_seconds: int, now: float) -> bool:
        counted = self._link.run("throttle_count", [_window_key(key, window_seconds)], now, now + window_seconds)
        return int(counted) <= limit

    def is_full(self, key: str, *, limit: int, window_seconds: int, now: float) -> bool:
        counted, ends_at = self._link.read("HMGET", _window_key(key, window_seconds), "counted", "ends_at")
        return counted is not None and now < float(ends_at) and int(counted) >= limit


def _failure_keys(throttle_key: str) -> list[str]:
    address = drawn_address(throttle_key)
    return [key(address.partition, "failures", address.digest), key(address.partition, "recent", address.digest)]


def _window_key(throttle_key: str, window_seconds: int) -> str:
    address = drawn_address(throttle_key)
    return key(address.partition, "window", f"{address.digest}:{window_seconds:d}")
