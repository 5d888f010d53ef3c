"""Sessions: idle and absolute limits judged in the step that reads (SES-03); what ends one ends its codes and grants.

One script reaches all that an account has, because all of it is in the account's partition.
"""

from collections.abc import Sequence

from gateway.journal.effects import NO_EFFECTS, Effects
from gateway.randomness import partition_of
from gateway.signin.ended_session import logout_call
from gateway.signin.session import Session
from gateway.storage.ephemeral.addresses import Address, address_of, drawn_address
from gateway.storage.ephemeral.documents import dump_session, load_session
from gateway.storage.ephemeral.on_redis.link import RedisLink
from gateway.storage.ephemeral.on_redis.scripts import EffectsPacker, key
from gateway.storage.ephemeral.unavailable import RecordExistsError

_STARTED = 1


class RedisSessions:
    def __init__(self, link: RedisLink, pack: EffectsPacker) -> None:
        self._link, self._pack = link, pack

    def start(
        self,
        session: Session,
        now: float,
        effects: Effects,
        *,
        replacing: Session | None = None,
        at_most: int | None = None,
        if_ousted: Effects = NO_EFFECTS,
    ) -> bool:
        address = drawn_address(session.handle, session.account_id)
        replaced = address_of(replacing.handle) if replacing is not None else None
        if replacing is not None and replaced is not None and replaced.partition != address.partition:
            # Another person's session, out of this step's reach: dead before the new one lives.
            self.end(replacing.handle, now, NO_EFFECTS)  # which tells its applications
            replaced = None
        renewed = replacing is not None and replacing.account_id == session.account_id
        started = self._link.run(
            "session_start",
            [_key(address)],
            now,
            address.digest,
            session.account_id,
            session.last_used_at,
            session.idle_seconds,
            session.absolute_end,
            session.version,
            dump_session(session),
            replaced.digest if replaced is not None else "",
            self._pack(effects),
            at_most if at_most is not None else "",
            self._pack(if_ousted),
            replacing.version if replacing is not None and renewed else "",
        )
        if not started:
            raise RecordExistsError("session")
        return bool(started == _STARTED)

    def find(self, handle: str, now: float) -> Session | None:
        address = address_of(handle)
        if address is None:
            return None
        found = self._link.read(
            "HMGET", _key(address), "document", "last_used_at", "idle_seconds", "absolute_end", "version"
        )
        if found[0] is None:
            return None
        session = _session(found, handle)
        return session if now < session.expires_at() else None

    def use(self, handle: str, now: float) -> Session | None:
        address = address_of(handle)
        if address is None:
            return None
        found = self._link.run("session_use", [_key(address)], now, address.digest)
        return _session(found, handle) if found else None

    def amend(self, session: Session, now: float, effects: Effects) -> bool:
        address = drawn_address(session.handle, session.account_id)
        return bool(
            self._link.run(
                "session_amend",
                [_key(address)],
                now,
                address.digest,
                session.account_id,
                session.version,
                session.version + 1,
                dump_session(session),
                session.idle_seconds,
                self._pack(effects),
            )
        )

    def end(self, handle: str, now: float, effects: Effects) -> Session | None:
        address = address_of(handle)
        if address is None:
            return None
        found = self._link.run("session_end", [_key(address)], now, address.digest, self._pack(effects))
        return _session(found, handle) if found else None

    def of(self, account_id: str, now: float) -> Sequence[Session]:
        return [_session(found, "") for found in self._link.run("sessions_of", [_all(account_id)], now)]

    def end_sessions_of(self, account_id: str, now: float, effects: Effects, *, sparing: str | None = None) -> int:
        spared = address_of(sparing) if sparing is not None else None
        kept = spared.digest if spared is not None else ""
        return int(self._link.run("sessions_end_all", [_all(account_id)], now, self._pack(effects), kept))

    def end_one_of(self, account_id: str, sid: str, now: float, effects: Effects) -> bool:
        return bool(self._link.run("session_end_one", [_all(account_id)], now, sid, self._pack(effects)))

    def withdraw(self, session: Session, client_id: str, now: float, effects: Effects) -> bool:
        address = drawn_address(session.handle, session.account_id)
        return bool(
            self._link.run(
                "session_withdraw",
                [_key(address)],
                now,
                address.digest,
                session.account_id,
                session.version,
                session.version + 1,
                dump_session(session),
                client_id,
                self._pack(effects + logout_call(session, client_id)),
            )
        )


def _key(address: Address) -> str:
    return key(address.partition, "session", address.digest)


def _all(account_id: str) -> str:
    return key(partition_of(account_id), "sessions-of", account_id)


def _session(found: Sequence[bytes], handle: str) -> Session:
    document, last_used_at, idle_seconds, absolute_end, version = found[:5]
    return load_session(
        document,
        handle,
        last_used_at=float(last_used_at),
        idle_seconds=int(idle_seconds),
        absolute_end=float(absolute_end),
        version=int(version),
    )
