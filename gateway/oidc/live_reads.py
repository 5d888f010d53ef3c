"""What the machine door reads live beside the event loop: the person, her rights, the keys.

Rights are computed at the moment of issuance (TOK-05, TOK-06): nothing of them is kept in the grant but the name of the
active structure. Requests that wait at the same time are read together: each reading begins after all its requests came, so
nobody is told what was true before asking, and one trip to the database serves all of them. What is known at once to be still
true (`PeopleAtOnce`) is not read again.
"""

import asyncio
import weakref
from collections.abc import Callable, Sequence

from gateway.applications.client import Client
from gateway.keys.key_ring import KeyRing
from gateway.oidc.claims import Rights
from gateway.oidc.ports import HeldRights, People, PeopleAtOnce, Person, PersonAsked, RunBlocking

Told = tuple[Person, HeldRights | None] | None
AT_ONCE = 4
PATIENCE_SECONDS = 0.05
"""One reading at a time, so that it serves many; but one that the database delays longer does not hold the others."""
MOST = 64
"""Requests of one reading."""


class LiveReads:
    def __init__(
        self, people: People, ring: KeyRing, run_blocking: RunBlocking, at_once: PeopleAtOnce | None = None
    ) -> None:
        self._people = people
        self._at_once = at_once
        self._ring = ring
        self._run_blocking = run_blocking
        self._of_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Readings] = weakref.WeakKeyDictionary()

    async def person_and_rights(
        self,
        account_id: str,
        client: Client,
        *,
        scope: Sequence[str],
        acr: str,
        structure: str | None,
        now: float,
        named: bool = True,
    ) -> tuple[Person, Rights | None] | None:
        """None when nothing may be said of this account any more. Rights only under scope `ror`; not `named`: who the person
        is stays unread."""
        application = client.role_application if "ror" in scope else None
        asked = PersonAsked(account_id, application, acr, now, named)
        told: Told = None
        if self._at_once is not None and not self._ring.is_due():
            told = self._at_once.told_at_once(asked)
        if told is None:
            told = await self._read(asked)
        if told is None or not told[0].active:
            return None
        person, held = told
        return person, None if held is None else Rights(held.structures, structure, held.version, held.as_of, held.said)

    async def keys(self) -> KeyRing:
        """The ring, read again when it is due."""
        if self._ring.is_due():
            await self._run_blocking(self._ring.keep_fresh)
        return self._ring

    def _read(self, asked: PersonAsked) -> asyncio.Future[Told]:
        loop = asyncio.get_running_loop()
        readings = self._of_loops.get(loop)
        if readings is None:
            readings = self._of_loops[loop] = _Readings(loop, self._told, self._run_blocking)
        return readings.of(asked)

    def _told(self, asked: Sequence[PersonAsked]) -> Sequence[Told]:
        self._ring.keep_fresh()
        return self._people.told(asked)


class _Readings:
    """Of one event loop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        told: Callable[[Sequence[PersonAsked]], Sequence[Told]],
        run_blocking: RunBlocking,
    ) -> None:
        self._new_answer = loop.create_future
        self._now = loop.time
        self._told = told
        self._run_blocking = run_blocking
        self._waiting: list[tuple[PersonAsked, asyncio.Future[Told]]] = []
        self._under_way = 0
        self._begun_at = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, asked: PersonAsked) -> asyncio.Future[Told]:
        answer: asyncio.Future[Told] = self._new_answer()
        self._waiting.append((asked, answer))
        now = self._now()
        if self._under_way == 0 or (self._under_way < AT_ONCE and now - self._begun_at > PATIENCE_SECONDS):
            # The task starts at the loop's next turn: whoever asks in this one comes along.
            self._under_way += 1
            self._begun_at = now
            reading = asyncio.create_task(self._read())
            self._tasks.add(reading)
            reading.add_done_callback(self._tasks.discard)
        return answer

    async def _read(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                self._begun_at = self._now()
                await self._answer(taken)
        finally:
            self._under_way -= (
                1  # in the same step as the last look: nobody is left waiting for a reading that has ended
            )

    async def _answer(self, taken: Sequence[tuple[PersonAsked, asyncio.Future[Told]]]) -> None:
        asked = [one for one, _ in taken]
        try:
            answers = await self._run_blocking(lambda: self._told(asked))
        except Exception as error:
            for _, answer in taken:
                if not answer.done():
                    answer.set_exception(error)
        except BaseException:
            for _, answer in taken:
                answer.cancel()
            raise
        else:
            for (_, answer), told in zip(taken, answers, strict=True):
                if not answer.done():
                    answer.set_result(told)
