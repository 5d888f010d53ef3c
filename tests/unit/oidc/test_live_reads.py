"""Requests that wait together are read together, each after it was asked, and one slow reading does not hold the others."""

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from gateway.oidc import live_reads
from gateway.oidc.live_reads import LiveReads
from gateway.oidc.ports import HeldRights, Person, PersonAsked


class Accounts:
    def __init__(self) -> None:
        self.readings: list[list[str]] = []
        self.active = True

    def told(self, asked: Sequence[PersonAsked]):
        self.readings.append([one.account_id for one in asked])
        if any(one.account_id == "broken" for one in asked):
            raise ConnectionError
        return [
            None
            if one.account_id == "nobody"
            else (
                Person(one.account_id, self.active, "Camille", "Exemple", None, False, None, None, None, "fr"),
                None if one.role_application is None else HeldRights((), one.role_application, None),
            )
            for one in asked
        ]


RING = SimpleNamespace(keep_fresh=lambda: None, is_due=lambda: False)
CLIENT = SimpleNamespace(role_application="orientation")


def _ask(reads: LiveReads, account_id: str, scope: tuple[str, ...] = ("openid", "ror")):
    return reads.person_and_rights(account_id, CLIENT, scope=scope, acr="a", structure="s", now=1.0)  # type: ignore[arg-type]


def test_those_who_ask_in_one_turn_share_a_reading_and_each_gets_its_own() -> None:
    accounts = Accounts()
    reads = LiveReads(accounts, RING, asyncio.to_thread)  # type: ignore[arg-type]

    async def all_at_once():
        return await asyncio.gather(_ask(reads, "a"), _ask(reads, "nobody"), _ask(reads, "b", ("openid",)))

    a, nobody, b = asyncio.run(all_at_once())
    assert accounts.readings == [["a", "nobody", "b"]]
    assert nobody is None
    assert (a[0].account_id, a[1].version, a[1].active) == ("a", "orientation", "s")
    assert (b[0].account_id, b[1]) == ("b", None)


@pytest.mark.spec("TOK-06")
def test_whoever_asks_while_a_reading_runs_is_told_what_is_true_afterwards() -> None:
    accounts = Accounts()

    async def scenario():
        running, go = asyncio.Event(), asyncio.Event()

        async def slow(call):
            told = call()
            running.set()
            await go.wait()
            return told

        reads = LiveReads(accounts, RING, slow)  # type: ignore[arg-type]
        first = asyncio.create_task(_ask(reads, "a"))
        await running.wait()
        accounts.active = False
        second = asyncio.create_task(_ask(reads, "a"))
        await asyncio.sleep(0)
        go.set()
        return await first, await second

    first, second = asyncio.run(scenario())
    assert first is not None
    assert second is None


def test_a_reading_that_fails_fails_its_own_and_the_next_is_read_again() -> None:
    reads = LiveReads(Accounts(), RING, asyncio.to_thread)  # type: ignore[arg-type]

    async def scenario():
        with pytest.raises(ConnectionError):
            await _ask(reads, "broken")
        return await _ask(reads, "a")

    assert asyncio.run(scenario()) is not None


def test_a_reading_that_is_delayed_does_not_hold_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_reads, "PATIENCE_SECONDS", -1.0)
    accounts = Accounts()

    async def scenario():
        stuck, reached = asyncio.Event(), asyncio.Event()

        async def first_never_ends(call):
            told = call()
            if len(accounts.readings) == 1:
                reached.set()
                await stuck.wait()
            return told

        reads = LiveReads(accounts, RING, first_never_ends)  # type: ignore[arg-type]
        delayed = asyncio.create_task(_ask(reads, "a"))
        await reached.wait()
        told = await _ask(reads, "b")
        stuck.set()
        await delayed
        return told

    assert asyncio.run(scenario()) is not None


def test_many_in_one_turn_are_read_in_parts() -> None:
    accounts = Accounts()
    reads = LiveReads(accounts, RING, asyncio.to_thread)  # type: ignore[arg-type]

    async def scenario():
        return await asyncio.gather(*(_ask(reads, f"a{number}") for number in range(150)))

    assert len(asyncio.run(scenario())) == 150
    assert [len(reading) for reading in accounts.readings] == [64, 64, 22]
