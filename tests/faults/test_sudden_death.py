"""Processes die at any instant (SIGKILL): what a caller was told is there after the restart, with its journal line.

The gateway dies under traffic in each round; the jobs and an administrator's command die with it now and then. After the
restart every fact that was acknowledged since the last death is checked, and in the end every request of the whole run
against the journal: an acknowledged one has exactly its lines, and so has one that was cut but is seen to have been done; any
other one that was cut has each of them once at most.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from tests.faults.deployment import Deployment, crowd, deployment, lines_by_address, wait_until
from tests.faults.traffic import Code, Known, Stay, Traffic

PEOPLE = 48
SIGN_INS_BEFORE_A_DAY_PASSES = PEOPLE * 7
"""The most codes that are sent to one person in an hour is 10 here."""
REQUESTS_BETWEEN_DEATHS = 60
DAY = 86400


@dataclass
class Clerks:
    """Administrators' commands, one after the other; `created` are the accounts that they printed."""

    deployment: Deployment
    created: list[str] = field(default_factory=list)
    _names: "count[int]" = field(default_factory=count)

    def start(self) -> Callable[[], None]:
        """Starts one; what it gives kills it."""
        name = f"invited-{next(self._names)}"
        clerk = self.deployment.start("clerk", name, log=name)

        def kill() -> None:
            clerk.kill()
            self.created += self.deployment.log(name).rpartition("\n")[0].split()  # a cut line was not said

        return kill


class Trial:
    def __init__(self, running: Deployment, *, deaths: int, seed: int) -> None:
        self.running, self.deaths = running, deaths
        self.people = crowd(PEOPLE)
        self.traffic = Traffic(running, self.people, seed=seed)
        self.chance = random.Random(seed)
        self.clerks = Clerks(running)
        self.checked: Counter[str] = Counter()
        self._sign_ins_today = 0

    def run(self) -> None:
        serve, jobs = self.running.serve(), self.running.start("jobs")
        for number in range(self.deaths):
            kill_clerk = self.clerks.start() if self.chance.random() < 0.35 else None
            self.traffic.start(number)
            asked = len(self.traffic.ledger.acts)
            self.traffic.ledger.wait_for(asked + 1 + self.chance.randrange(REQUESTS_BETWEEN_DEATHS))
            Event().wait(self.chance.random() * 0.004)  # anywhere inside a request, not always at its start
            serve.kill()
            if self.chance.random() < 0.4:
                jobs.kill()
                jobs = self.running.start("jobs")
            if kill_clerk is not None:
                kill_clerk()
            serve = self.running.serve()
            self.traffic.end()
            self.check_facts()
            self._let_a_day_pass_if_needed()
        self.check_facts()
        self._let_leases_end()
        self.check_journal()
        self.check_accounts()

    def _let_a_day_pass_if_needed(self) -> None:
        if self.traffic.sign_ins - self._sign_ins_today > SIGN_INS_BEFORE_A_DAY_PASSES:
            self._sign_ins_today = self.traffic.sign_ins
            self.traffic.stays.clear()  # they end by themselves
            self.running.advance(DAY)

    # ── what people were told ──

    def check_facts(self) -> None:
        """Sessions acknowledged live, ended ones are dead, codes are spent once. Facts once checked are settled."""
        for stay in self.traffic.stays:
            granted = stay.visitor.silently()
            if stay.alive is Known.YES:
                assert granted is not None, "an acknowledged session is lost"
                self.checked["sessions"] += 1
            elif stay.alive is Known.NO:
                assert granted is None, "an acknowledged logout is undone"
                self.checked["logouts"] += 1
            elif granted is None:
                self._seen_done(stay.source)
            lives = granted is not None
            stay.alive = Known.YES if lives else Known.NO
            for code in stay.codes:
                self._check_code(stay, code, lives=lives)
            stay.codes = []
            if granted is not None:
                self._check_code(stay, Code(granted), lives=True)
        self.traffic.stays = [stay for stay in self.traffic.stays if stay.alive is Known.YES][-12:]
        self.traffic.release_all()

    def _check_code(self, stay: Stay, code: Code, *, lives: bool) -> None:
        visitor = stay.visitor
        if code.spent is Known.YES:
            assert code.access_token is not None
            read = visitor.userinfo(code.access_token).status
            assert read == (200 if lives else 401), "an acknowledged grant is lost, or outlived its session"
        first = visitor.redeem(code.value)
        if code.spent is Known.NO and lives:
            assert first.status == 200, "an acknowledged code is lost"
        elif code.spent is Known.YES or not lives:
            assert first.status == 400, "a spent code, or one of a dead session, is redeemed"
        elif first.status == 400:
            self._seen_done(code.source)
        assert visitor.redeem(code.value).status == 400, "redeemed twice"
        for token in (code.access_token, first.json().get("access_token")):
            if token is not None:
                assert visitor.userinfo(token).status == 401, "a token outlives the replay of its code"
        self.checked["codes"] += 1

    def _seen_done(self, source: str) -> None:
        """Its answer was cut, but it was done: then its line was written with it."""
        self.traffic.ledger.happened(source)
        self.checked["cut after it was done"] += 1

    # ── what the journal says ──

    def _let_leases_end(self) -> None:
        """What a dead job had taken comes back after its lease, a minute by the clock."""

        def drained() -> bool:
            if stores.ephemeral.spool.backlog() == 0 and not stores.database.outbox.take(0):
                return True
            self.running.advance(30)
            return False

        with self.running.stores() as stores:
            wait_until(drained, "the jobs have nothing left")

    def check_journal(self) -> None:
        with self.running.stores() as stores:
            lines = lines_by_address(stores)
        for source, act in self.traffic.ledger.acts.items():
            found, expected = Counter(lines.get(source, [])), Counter(act.expected)
            if act.acknowledged:
                assert found == expected, f"{source}: {act}, but the journal has {found}"
                self.checked["acknowledged lines"] += expected.total()
            elif not act.refused:
                assert found <= expected, f"{source}: {act} was cut, but the journal has {found}"
                self.checked["cut requests"] += 1

    def check_accounts(self) -> None:
        with self.running.stores() as stores:
            created = Counter(
                event.target
                for _, event in stores.database.journal.read(limit=10**6)
                if event.name == "account.created"
            )
            for account_id in self.clerks.created:
                assert stores.database.accounts.get(account_id) is not None, "an acknowledged account is lost"
                assert created[account_id] == 1
        assert set(created.values()) <= {1}
        self.checked["accounts"] = len(self.clerks.created)


def _on_sqlite(request: pytest.FixtureRequest) -> dict[str, str]:
    return {}


def _on_redis_and_postgresql(request: pytest.FixtureRequest) -> dict[str, str]:
    redis_url = request.getfixturevalue("redis_url")
    return {"ephemeral_url": f"{redis_url[:-1]}7", "database_url": request.getfixturevalue("postgresql_url")}


ENGINES = pytest.mark.parametrize(
    "engines", [pytest.param(_on_sqlite, id="sqlite"), pytest.param(_on_redis_and_postgresql, id="redis-postgresql")]
)
SEED = int(os.environ.get("PASSERELLE_DEATHS_SEED", "1"))


def _try(
    folder: Path,
    engines: Callable[[pytest.FixtureRequest], dict[str, str]],
    request: pytest.FixtureRequest,
    deaths: int,
) -> None:
    limits = {"otp.sends.account.hour": 10, "otp.sends.account.day": 50}
    with deployment(folder, people=crowd(PEOPLE), parameters=limits, **engines(request)) as running:
        trial = Trial(running, deaths=deaths, seed=SEED)
        try:
            trial.run()
        except BaseException:
            print(running.log("serve")[-4000:], running.log("jobs")[-4000:])
            raise
        print(f"{deaths} deaths, {len(trial.traffic.ledger.acts)} requests; checked: {dict(trial.checked)}")
        assert trial.checked["sessions"] and trial.checked["codes"] and trial.checked["cut requests"]
        assert "Traceback" not in running.log("serve")


@pytest.mark.timeout(240)
def test_what_was_acknowledged_outlives_twenty_sudden_deaths(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    _try(tmp_path, _on_sqlite, request, 20)


@ENGINES
@pytest.mark.trial
@pytest.mark.timeout(3600)
def test_what_was_acknowledged_outlives_two_hundred_sudden_deaths(
    tmp_path: Path, engines: Callable[[pytest.FixtureRequest], dict[str, str]], request: pytest.FixtureRequest
) -> None:
    _try(tmp_path, engines, request, 200)
