"""The life of a password, on both engines: changed, put out of use, demanded anew."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from gateway.accounts.account import Account
from gateway.accounts.one_time_link import LinkPurpose
from gateway.journal.effects import NO_EFFECTS
from gateway.storage.sql import Database
from tests.contract.durable.samples import NOW, a_link, an_account, lines, told


def stored(database: Database, **changes: object) -> Account:
    account = an_account(password_hash="the first hash", password_set_at=NOW - 60, **changes)
    database.accounts.create(account, NO_EFFECTS)
    return account


def change(database: Database, account: Account, *, expected: str = "the first hash", new: str = "another") -> bool:
    effects = told("account.password_set")
    return database.accounts.change_password(account.id, expected=expected, new=new, at=NOW, effects=effects)


@pytest.mark.spec("R001-08", "PWD-09")
def test_a_change_replaces_the_hash_it_was_judged_on_and_answers_what_was_demanded(database: Database) -> None:
    account = stored(database, must_change_password=True)
    assert not change(database, account, expected="an older hash")
    assert lines(database) == []
    assert change(database, account)
    wanted = dataclasses.replace(account, password_hash="another", password_set_at=NOW, must_change_password=False)
    assert database.accounts.get(account.id) == wanted
    assert lines(database) == ["account.password_set"]
    assert not database.accounts.change_password("nobody", expected="", new="x", at=NOW, effects=NO_EFFECTS)


def test_a_change_kills_reset_links_under_way(database: Database) -> None:
    account = stored(database)
    reset = a_link(account, "reset")
    protest = a_link(account, "protest", purpose=LinkPurpose.NOT_ME)
    for link in (reset, protest):
        database.links.issue(link, NO_EFFECTS)
    assert change(database, account)
    found = {link: database.links.get(link) for link in ("reset", "protest")}
    assert {name: link is not None and link.revoked_at for name, link in found.items()} == {
        "reset": NOW,
        "protest": None,
    }


def test_of_parallel_changes_exactly_one_is_written(database: Database) -> None:
    account, together = stored(database), Barrier(8)

    def one(number: int) -> bool:
        together.wait()
        return change(database, account, new=f"hash {number}")

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, range(8))) == [False] * 7 + [True]
    assert lines(database) == ["account.password_set"]


@pytest.mark.spec("THR-03")
def test_a_password_is_put_out_of_use_once_and_only_by_failures_after_it_was_set(database: Database) -> None:
    account = stored(database)

    def disable(failed_at: float, account_id: str = account.id) -> bool:
        effects = told("password.disabled")
        return database.accounts.disable_password(account_id, failed_at=failed_at, effects=effects)

    assert not disable(NOW - 61)
    assert disable(NOW)
    assert [disable(NOW), disable(NOW + 1), disable(NOW, "nobody")] == [False] * 3
    assert lines(database) == ["password.disabled"]
    assert database.accounts.get(account.id) == dataclasses.replace(account, password_disabled_at=NOW)
    assert not change(database, account)


@pytest.mark.spec("THR-03")
def test_parallel_orders_put_it_out_of_use_once(database: Database) -> None:
    account, together = stored(database), Barrier(8)

    def one(_: int) -> bool:
        together.wait()
        return database.accounts.disable_password(account.id, failed_at=NOW, effects=told("password.disabled"))

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(one, range(8))) == [False] * 7 + [True]
    assert lines(database) == ["password.disabled"]


@pytest.mark.spec("PWD-07")
def test_another_password_is_demanded_once_of_whoever_has_one(database: Database) -> None:
    account = stored(database)
    without = an_account(2)
    database.accounts.create(without, NO_EFFECTS)
    effects = told("password.demanded")
    said = [database.accounts.demand_new_password(one.id, effects) for one in (account, account, without)]
    assert said == [True, False, False]
    assert lines(database) == ["password.demanded"]
    assert database.accounts.get(account.id) == dataclasses.replace(account, must_change_password=True)
