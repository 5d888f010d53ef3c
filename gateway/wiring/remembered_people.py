"""What applications are told of people, remembered as long as nothing about people has changed (decision record 0005).

Exact, not merely recent: the mark of people (gateway/storage/sql/people_mark.py) is read anew for every question, and any
commit that touches an account, a habilitation or a structure draws another. The mark is read before what it vouches for, so
what is kept is at least as new as its mark. One reading serves the questions of one turn of the event loop: their requests had
all come before the turn began, so nobody is told what was true before asking. What depends on the clock is kept while the clock
cannot change it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.oidc.ports import HeldRights, Person, PersonAsked

Told = tuple[Person, HeldRights | None]
_Key = tuple[str, str | None, str, bool, str]
MOST = 2048
"""Answers kept; one more, and all are read anew."""


class PeopleMark(Protocol):
    def at_once(self) -> str | None:
        """The mark of this instant; None where it cannot be known without waiting."""
        ...

    def read(self) -> str | None:
        """The same, waiting as long as it takes."""
        ...


class ReadPeople(Protocol):
    """`wiring.people.PeopleFromAccounts`."""

    def told_between(self, asked: Sequence[PersonAsked]) -> Sequence[tuple[Told | None, float, float]]: ...
    def person(self, account_id: str) -> Person | None: ...
    def rights(self, account_id: str, role_application: str, acr: str, now: float) -> HeldRights: ...


class RememberedPeople:
    """`oidc.ports.People` and `oidc.ports.PeopleAtOnce`. `version` is the mapping's. Thread-safe: marks never come back, so
    an answer kept under one can only be given for it."""

    def __init__(self, people: ReadPeople, mark: PeopleMark, version: Callable[[], str]) -> None:
        self._people, self._mark, self._version = people, mark, version
        self._memory: tuple[str | None, dict[_Key, tuple[Told, float, float]]] = (None, {})
        self._of_turn: tuple[asyncio.AbstractEventLoop, str] | None = None

    def told_at_once(self, asked: PersonAsked) -> Told | None:
        of_turn, loop = self._of_turn, asyncio.get_running_loop()
        if of_turn is None or of_turn[0] is not loop:
            mark = self._mark.at_once()
            if mark is None:
                return None
            of_turn = self._of_turn = loop, mark
            loop.call_soon(self._turn_ends)
        return self._kept(of_turn[1], asked)

    def _turn_ends(self) -> None:
        self._of_turn = None

    def told(self, asked: Sequence[PersonAsked]) -> Sequence[Told | None]:
        mark = self._mark.read()
        known_by, memory = self._memory
        if known_by != mark:
            memory = {}
            self._memory = mark, memory  # another thread may put its own in this place: ours is then forgotten
        answers = [None if mark is None else self._kept(mark, one) for one in asked]
        missing = [place for place, answer in enumerate(answers) if answer is None]
        read = self._people.told_between([asked[place] for place in missing]) if missing else ()
        for place, (told, since, until) in zip(missing, read, strict=True):
            answers[place] = told
            if told is not None and mark is not None:
                if len(memory) >= MOST:
                    memory.clear()
                memory[self._key(asked[place])] = told, since, until
        return answers

    def person(self, account_id: str) -> Person | None:
        return self._people.person(account_id)

    def rights(self, account_id: str, role_application: str, acr: str, now: float) -> HeldRights:
        return self._people.rights(account_id, role_application, acr, now)

    def _kept(self, mark: str, asked: PersonAsked) -> Told | None:
        known_by, memory = self._memory
        kept = memory.get(self._key(asked)) if known_by == mark else None
        return kept[0] if kept is not None and kept[1] < asked.now < kept[2] else None

    def _key(self, asked: PersonAsked) -> _Key:
        return asked.account_id, asked.role_application, asked.acr, asked.named, self._version()
