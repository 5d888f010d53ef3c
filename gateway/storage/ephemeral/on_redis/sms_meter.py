"""What is counted before a text message leaves, in one step (SMS-04, SMS-05).

One partition holds it all: text messages are few, and the daily budget is everybody's.
"""

from collections.abc import Mapping, Sequence

import orjson

from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.signin.one_time_code.sms_meter import ConversionFloor, SmsRefusal, SmsWindow
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker, key

_PARTITION = 0
_STOPS = key(_PARTITION, "sms-stops")


class RedisSmsMeter:
    def __init__(self, link: RedisLink, pack: EffectsPacker) -> None:
        self._link, self._pack = link, pack

    def take(
        self,
        send_id: str,
        *,
        scopes: Sequence[str],
        windows: Sequence[SmsWindow],
        floor: ConversionFloor,
        now: float,
        when_counted: Mapping[str, Mapping[int, Effects]],
        when_stopped: Mapping[str, Effects],
    ) -> SmsRefusal | None:
        judged_until = now - floor.patience_seconds
        asked = {
            "scopes": list(scopes),
            # Instants as text: no number is rounded on its way through Lua.
            "windows": [{"limit": window.limit, "ends_at": repr(window.ends_at)} for window in windows],
            "judged_from": repr(judged_until - floor.window_seconds),
            "judged_until": repr(judged_until),
            "sends": floor.sends,
            "percent": floor.percent,
            "kept_seconds": floor.window_seconds + floor.patience_seconds,
        }
        counted = {
            f"{number}:{count}": self._pack(effects).decode()
            for number, window in enumerate(windows, 1)
            for count, effects in when_counted.get(window.name, {}).items()
        }
        stopped = [self._pack(when_stopped.get(scope, NO_EFFECTS)).decode() for scope in scopes]
        keys = [_STOPS, *_keys(scopes), *(_window_key(window) for window in windows)]
        reason, number = self._link.run(
            "sms_take", keys, now, send_id, orjson.dumps(asked), orjson.dumps(counted), orjson.dumps(stopped)
        )
        if not reason:
            return None
        name = scopes[number - 1] if reason == b"stopped" else windows[number - 1].name
        return SmsRefusal(reason.decode(), name)

    def verified(self, send_id: str, scopes: Sequence[str]) -> None:
        if scopes:
            self._link.run("sms_verified", _keys(scopes), send_id)

    def refusal(self, *, scopes: Sequence[str], windows: Sequence[SmsWindow], now: float) -> SmsRefusal | None:
        for scope in scopes:
            if self._link.read("HEXISTS", _STOPS, scope):
                return SmsRefusal("stopped", scope)
        for window in windows:
            counted, ends_at = self._link.read("HMGET", _window_key(window), "counted", "ends_at")
            if counted is not None and now < float(ends_at) and int(counted) >= window.limit:
                return SmsRefusal("full", window.name)
        return None

    def stopped(self) -> Sequence[tuple[str, float]]:
        found = self._link.read("HGETALL", _STOPS)
        pairs = zip(found[::2], found[1::2], strict=True) if isinstance(found, list) else found.items()
        return sorted(((scope.decode(), float(at)) for scope, at in pairs), key=lambda one: one[1])

    def reopen(self, scope: str, effects: Effects) -> bool:
        return bool(self._link.run("sms_reopen", [_STOPS, *_keys([scope])], scope, self._pack(effects)))


def _keys(scopes: Sequence[str]) -> list[str]:
    return [key(_PARTITION, kind, scope) for scope in scopes for kind in ("sms-sent", "sms-verified")]


def _window_key(window: SmsWindow) -> str:
    return key(_PARTITION, "window", f"sms:{window.name}")
