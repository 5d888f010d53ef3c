"""Authorization codes and the grants they become (OID-04)."""

from collections.abc import Sequence
from itertools import count

from gateway.journal.effects import Effects
from gateway.oidc.ports import AuthorizationCode, CodeState, Grant, Redemption, Refresh, RefreshState, Rotation
from gateway.randomness import PARTITIONS, digest
from gateway.storage.ephemeral.addresses import Address, address_of, drawn_address
from gateway.storage.ephemeral.documents import dump_code, dump_grant, load_code, load_grant
from gateway.storage.ephemeral.on_redis.async_link import AsyncRedisLink
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker, key
from gateway.storage.ephemeral.unavailable import RecordExistsError


class RedisAuthorizationCodes:
    def __init__(self, link: RedisLink, pack: EffectsPacker) -> None:
        self._link, self._pack = link, pack

    def issue(self, code: AuthorizationCode, effects: Effects) -> bool:
        address = drawn_address(code.handle, code.account_id)
        drawn_address(code.grant_id, code.account_id)
        issued = self._link.run(
            "code_issue",
            [_code_key(address)],
            code.issued_at,
            address.digest,
            code.session_handle_digest,
            code.account_id,
            code.expires_at,
            dump_code(code),
            self._pack(effects),
        )
        if issued < 0:
            raise RecordExistsError("code")
        return bool(issued)


class RedisGrants:
    def __init__(self, link: AsyncRedisLink, pack: EffectsPacker) -> None:
        self._link, self._pack = link, pack
        self._notes = count()

    async def find_code(self, handle: str, now: float) -> tuple[AuthorizationCode, CodeState] | None:
        address = address_of(handle)
        found = await self._link.run("code_find", [_code_key(address)], now) if address else None
        if not found:
            return None
        document, spent, session_digest = found[:3]
        state = CodeState.SPENT if spent == b"1" else CodeState.FRESH
        return load_code(document, handle, session_digest=session_digest.decode(), life=_life(found)), state

    async def redeem_code(
        self,
        handle: str,
        grant: Grant,
        now: float,
        *,
        if_redeemed: Effects,
        if_replayed: Effects,
        refresh: RefreshState | None = None,
    ) -> Redemption:
        address, grant_address = address_of(handle), drawn_address(grant.id, grant.account_id)
        if address is None or address.partition != grant_address.partition:
            return Redemption.UNKNOWN
        done = await self._link.run(
            "code_redeem",
            [_code_key(address), _grant_key(grant_address)],
            now,
            address.digest,
            grant_address.digest,
            grant.expires_at,
            dump_grant(grant),
            self._pack(if_redeemed),
            self._pack(if_replayed),
            *((refresh.generation, refresh.digest, refresh.ends_at) if refresh is not None else ()),
        )
        if done == b"exists":
            raise RecordExistsError("grant")
        return Redemption(done.decode())

    async def burn_code(self, handle: str, now: float, effects: Effects) -> None:
        address = address_of(handle)
        if address is None:
            await self.note(effects)
        else:
            await self._link.run("code_burn", [_code_key(address)], now, self._pack(effects))

    async def find_grant(self, grant_id: str, now: float, *, jti: str | None = None) -> Grant | None:
        address = address_of(grant_id)
        if address is None:
            return None
        silenced = digest(jti) if jti is not None else ""
        found = await self._link.run("grant_find", [_grant_key(address)], now, silenced)
        return _grant(found, grant_id) if found else None

    async def use_session(self, grant_id: str, now: float, *, jti: str, least_seconds: float) -> Grant | None:
        address = address_of(grant_id)
        if address is None:
            return None
        found = await self._link.run("grant_use_session", [_grant_key(address)], now, digest(jti), least_seconds)
        return _grant(found, grant_id) if found else None

    async def find_refresh(self, grant_id: str, now: float) -> tuple[Grant, RefreshState] | None:
        address = address_of(grant_id)
        found = await self._link.run("refresh_find", [_grant_key(address)], now) if address else None
        if not found:
            return None
        generation, live_digest, ends_at = found[3:6]
        grant = _grant(found, grant_id)
        return grant, RefreshState(int(generation), live_digest.decode(), float(ends_at))

    async def rotate_refresh(
        self,
        grant_id: str,
        presented: RefreshState,
        successor: RefreshState,
        now: float,
        *,
        by: str,
        answer: bytes,
        grace_seconds: float,
        if_rotated: Effects,
        if_reused: Effects,
    ) -> Rotation:
        address = address_of(grant_id)
        if address is None:
            return Rotation(Refresh.UNKNOWN)
        done, kept, *life = await self._link.run(
            "refresh_rotate",
            [_grant_key(address)],
            now,
            address.digest,
            presented.generation,
            presented.digest,
            successor.generation,
            successor.digest,
            successor.ends_at,
            by,
            answer,
            grace_seconds,
            self._pack(if_rotated),
            self._pack(if_reused),
        )
        return Rotation(Refresh(done.decode()), kept, *(_life(life) if life else ()))

    async def revoke_grant(self, grant_id: str, now: float, effects: Effects) -> bool:
        address = address_of(grant_id)
        if address is None:
            return False
        return bool(
            await self._link.run("grant_revoke", [_grant_key(address)], now, address.digest, self._pack(effects))
        )

    async def silence(self, jti: str, until: float, now: float, effects: Effects) -> bool:
        address = address_of(jti)
        if address is None:
            return False
        return bool(await self._link.run("token_silence", [_silenced_key(address)], now, until, self._pack(effects)))

    async def is_silenced(self, jti: str, now: float) -> bool:
        address = address_of(jti)
        return address is not None and bool(
            await self._link.run("token_is_silenced", [_silenced_key(address)], now, address.digest)
        )

    async def note(self, effects: Effects) -> None:
        await self._link.run("note", [key(next(self._notes) % PARTITIONS, "events")], self._pack(effects))


def _code_key(address: Address) -> str:
    return key(address.partition, "code", address.digest)


def _grant_key(address: Address) -> str:
    return key(address.partition, "grant", address.digest)


def _silenced_key(address: Address) -> str:
    return key(address.partition, "silenced", address.digest)


def _grant(found: Sequence[bytes], grant_id: str) -> Grant:
    return load_grant(found[0], grant_id, session_digest=found[1].decode(), life=_life(found))


def _life(found: Sequence[bytes]) -> tuple[float, float]:
    """When the session ends unless it is used, and when it ends anyhow: from what the prelude's `with_life` added."""
    last_used_at, idle_seconds, absolute_end = map(float, found[-3:])
    return min(last_used_at + idle_seconds, absolute_end), absolute_end
