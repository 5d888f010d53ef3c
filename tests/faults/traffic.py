"""Traffic that keeps a ledger: what each person was told, so that it can be checked after a sudden death.

A `Stay` is one signed-in person; `codes` says what became of each authorization code as far as its holder knows. A step that
was asked and not answered leaves its fact undecided: either outcome is right then, half of one is not.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from http.client import HTTPException
from itertools import count, cycle
from typing import Any

from tests.faults.deployment import Deployment
from tests.faults.visitor import Answer, Ledger, Moved, Visitor, code_in


class Known(Enum):
    """What the holder of something knows of it."""

    YES = auto()
    NO = auto()
    UNDECIDED = auto()


@dataclass
class Code:
    value: str
    spent: Known = Known.NO
    source: str = ""
    """Of the request that spends it."""
    access_token: str | None = None


@dataclass
class Stay:
    """`alive`: the session was acknowledged and nobody asked for its end."""

    visitor: Visitor
    alive: Known = Known.YES
    id_token: str | None = None
    source: str = ""
    """Of the request that ends it."""
    codes: list[Code] = field(default_factory=list)

    def granted(self, answer_code: str) -> Code:
        self.codes.append(Code(answer_code))
        return self.codes[-1]

    def redeem(self, code: Code) -> Answer:
        code.spent = Known.UNDECIDED
        try:
            answer = self.visitor.redeem(code.value)
        finally:
            code.source = self.visitor.source
        assert answer.status == 200, answer
        code.spent = Known.YES
        code.access_token, self.id_token = answer.json()["access_token"], answer.json()["id_token"]
        return answer

    def leave(self) -> None:
        assert self.id_token is not None
        self.alive = Known.UNDECIDED
        cookies = dict(self.visitor.cookies)
        try:
            answer = self.visitor.logout(self.id_token)
        finally:
            self.source = self.visitor.source
        assert answer.status == 303, answer
        self.alive = Known.NO
        self.visitor.cookies = cookies  # the browser forgets them; a thief would not


class _Cut(Exception):  # noqa: N818 -- a turn of the path
    """The round is over, or the gateway went away under this person."""


class Traffic:
    """A few people at once; `start` and `end` frame what happens before a death."""

    def __init__(self, deployment: Deployment, people: list[dict[str, Any]], *, seed: int, threads: int = 4) -> None:
        self.ledger = Ledger()
        self.stays: list[Stay] = []
        self.sign_ins = 0
        self.failures: list[BaseException] = []
        self._deployment, self._threads = deployment, threads
        self._seed = seed
        self._people = cycle(people)
        self._held: list[Stay] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._running: list[threading.Thread] = []

    def start(self, round_number: int) -> None:
        self._stop.clear()
        self._running = [
            threading.Thread(target=self._person, args=(random.Random(f"{self._seed}.{round_number}.{number}"),))
            for number in range(self._threads)
        ]
        for thread in self._running:
            thread.start()

    def end(self) -> None:
        self._stop.set()
        for thread in self._running:
            thread.join()
        if self.failures:
            raise self.failures[0]

    def visitor(self) -> Visitor:
        return Visitor(self._deployment.port, self.ledger)

    def _person(self, chance: random.Random) -> None:
        try:
            while not self._stop.is_set():
                self._live(chance)
        except (OSError, HTTPException, _Cut):
            pass  # the gateway died under this person
        except BaseException as failure:  # told by `end`
            self.failures.append(failure)

    def _live(self, chance: random.Random) -> None:
        """One person comes, or is found already signed in, uses applications, and perhaps leaves."""
        stay = self._take_stay() if chance.random() < 0.6 else None
        if stay is None:
            if chance.random() < 0.2:
                self._forget_password()
            try:
                stay = self._sign_in()
            except Moved:
                return  # a delay after passwords that a death left uncounted for
        for _ in range(chance.randrange(4)):
            self._go_on()
            granted = stay.visitor.silently()
            assert granted is not None, "a live session was refused"
            code = stay.granted(granted)
            if chance.random() < 0.7:
                stay.redeem(code)
                if chance.random() < 0.5:
                    assert code.access_token is not None
                    assert stay.visitor.userinfo(code.access_token).status == 200
        if stay.id_token is not None and chance.random() < 0.3:
            stay.leave()
        self._put_back(stay)

    def _take_stay(self) -> Stay | None:
        """Whoever takes a stay holds it alone; it is put back when nothing was left undecided."""
        with self._lock:
            alive = [stay for stay in self.stays if stay.alive is Known.YES and stay not in self._held]
            if not alive:
                return None
            self._held.append(alive[-1])
            return alive[-1]

    def _put_back(self, stay: Stay) -> None:
        with self._lock:
            if stay in self._held:
                self._held.remove(stay)

    def release_all(self) -> None:
        self._held.clear()

    def _sign_in(self) -> Stay:
        with self._lock:
            person = next(self._people)
            self.sign_ins += 1
        visitor, address = self.visitor(), person["email"]
        before = len(self._deployment.codes(address))
        journey = visitor.open_journey()
        visitor.give_password(journey, person["username"], person["password"])
        fields = visitor.ask_for_code(journey)
        for number in count(before + 1):  # the mail of somebody's earlier try may come late
            mails = self._until(lambda number=number: self._deployment.codes(address)[number - 1 :])
            if visitor.give_code(journey, fields, code_in(mails[0].text)).status == 303:
                break
        answer = visitor.finish(journey)
        stay = Stay(visitor)
        with self._lock:
            self.stays.append(stay)
            self._held.append(stay)
        granted = visitor.resume(answer.location).query()["code"]
        stay.redeem(stay.granted(granted))
        return stay

    def _forget_password(self) -> None:
        """A durable write of the people's door."""
        with self._lock:
            person = next(self._people)
        visitor = self.visitor()
        fields = visitor.form("/forgotten") | {"identifier": person["username"]}
        visitor.ask("POST", "/forgotten", fields=fields, expected=("link.requested",))

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise _Cut

    def _until(self, look: Callable[[], Any]) -> Any:
        while not (found := look()):
            self._go_on()
            self._stop.wait(0.01)
        return found
