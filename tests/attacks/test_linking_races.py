"""Two people, two tabs, two clicks at once: linking over the real stores, on every engine, each thread like one process.

Whatever the order, an identity ends on one account or on none, and nobody is told of a refusal that was a double click.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.common_passwords import common_passwords
from gateway.accounts.identity_link import LinkKind
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, link_token, new_link
from gateway.accounts.password_hash import Argon2Parameters, PasswordHasher
from gateway.accounts.password_policy import PasswordPolicy
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.randomness import system_randomness
from gateway.refusal import Refusal
from gateway.signin.assurance import AssuranceScale
from gateway.signin.demands import Demands
from gateway.signin.enrolment.access_link import AccessLinks
from gateway.signin.evidence import Evidence, Means
from gateway.signin.linking.identity import ProvedIdentity
from gateway.signin.linking.link import Linking
from gateway.signin.linking.not_me import LinkDisputes
from gateway.signin.linking.pending import IdentitySeal
from gateway.signin.policy import SigninPolicy
from gateway.signin.request_context import RequestContext
from gateway.signin.transaction import Demand, SigninTransaction
from gateway.storage.ephemeral import EphemeralStore
from gateway.storage.sql import Database
from gateway.wiring.factors import stored_factors
from tests.contract.durable.conftest import (  # noqa: F401 -- fixtures
    database,
    migrated_postgresql,
    migrated_sqlite,
    open_database,
    url,
)
from tests.contract.durable.samples import NOW, an_account
from tests.contract.ephemeral.conftest import ephemeral_url, store  # noqa: F401 -- fixtures
from tests.fakes import SetClock

RPPS = "99900000003"
ISSUER = "https://auth.psc.exemple.invalid/realms/esante"
CONTEXT = RequestContext("192.0.2.7", "ua", "incident")
THREADS = 4


class World:
    """One deployment; `linking[n]` is what process n would build. Transactions are put where the pages would leave them."""

    def __init__(self, durable: Database, processes: list[Database], ephemeral: EphemeralStore) -> None:
        self.database, self.store = durable, ephemeral
        self.clock, self.policy = SetClock(NOW), SigninPolicy()
        keys, scale = durable.purpose_keys, AssuranceScale()
        self.seal = IdentitySeal(keys.get(Purpose.PENDING_IDENTITY), system_randomness)
        self.link_key = keys.get(Purpose.LINK)
        at: dict[str, Any] = {"clock": self.clock, "policy": self.policy}
        self.linking = [
            Linking(
                transactions=ephemeral.transactions,
                accounts=one.accounts,
                identities=one.identities,
                links=one.links,
                sessions=ephemeral.sessions,
                spool=ephemeral.spool,
                demands=Demands(scale, self.policy, stored_factors(one, self.policy)),
                seal=self.seal,
                link_key=self.link_key,
                randomness=system_randomness,
                **at,
            )
            for one in processes
        ]
        self.disputes = [
            LinkDisputes(identities=one.identities, links=one.links, sessions=ephemeral.sessions, **at)
            for one in processes
        ]
        pepper = keys.get(Purpose.PASSWORD_PEPPER)
        self.access = [
            AccessLinks(
                accounts=one.accounts,
                links=one.links,
                sessions=ephemeral.sessions,
                throttle=ephemeral.throttle,
                spool=ephemeral.spool,
                hasher=PasswordHasher(pepper, system_randomness, Argon2Parameters(memory=64, passes=1, lanes=1)),
                passwords=PasswordPolicy(common_passwords(), ["Passerelle"]),
                throttle_key=keys.get(Purpose.THROTTLE),
                **at,
            )
            for one in processes
        ]

    def person(self, number: int = 1, **changes: Any) -> Account:
        account = an_account(number, **{"email_verified_at": NOW - 9, **changes})
        self.database.accounts.create(account, NO_EFFECTS)
        return account

    def identity(self, **changes: Any) -> ProvedIdentity:
        said: dict[str, Any] = {
            "kind": LinkKind.PSC,
            "issuer": ISSUER,
            "subject": f"f:0b5e:8{RPPS}",
            "national_id": f"8{RPPS}",
            "rpps": RPPS,
            "family_name": "FAUXNOM",
            "given_name": "PRENOMA",
            "profession": None,
            "proved_at": NOW,
            "expires_at": NOW + 3600,
        }
        return ProvedIdentity(**(said | changes))

    def at_the_confirmation(
        self, account: Account | None, name: str = "1", *, activation: bytes | None = None, **identity: Any
    ) -> SigninTransaction:
        handle = f"0transaction-{name}"
        proofs = (Evidence(Means.PASSWORD, NOW - 2), Evidence(Means.EMAIL_CODE, NOW - 1))
        txn = SigninTransaction(
            handle=handle,
            browser="browser",
            demand=Demand(),
            continuation={"resume": "/"},
            opened_at=NOW,
            expires_at=NOW + 600,
            account_id=account.id if account else None,
            evidence=proofs if account else (),
            extra=self.seal.held(self.identity(**identity), handle, chosen=True, activation=activation),
        )
        self.store.transactions.open(txn, NO_EFFECTS)
        return txn

    def activation(self, account: Account) -> OneTimeLink:
        link = new_link(
            self.link_key,
            LinkPurpose.ACTIVATION,
            account_id=account.id,
            contact_version=account.contact_version,
            now=NOW,
            ttl_seconds=3600,
            randomness=system_randomness,
        )
        self.database.links.issue(link, NO_EFFECTS)
        return link

    def at_once(self, *acts: Callable[[int], object]) -> list[str]:
        """What each said: "done", or the name of the refusal."""
        start = Barrier(len(acts))

        def run(number: int) -> str:
            start.wait()
            try:
                acts[number](number)
            except Refusal as refusal:
                return type(refusal).__name__
            return "done"

        with ThreadPoolExecutor(len(acts)) as pool:
            return list(pool.map(run, range(len(acts))))

    def confirming(self, txn: SigninTransaction) -> Callable[[int], object]:
        return lambda number: self.linking[number].confirm(txn, CONTEXT)

    def warned(self) -> list[object]:
        """Who would be told that a link was refused."""
        items = [item for _, item, _ in self.store.spool.take_outgoing(NOW, 50, 0.0)]
        return [item.payload["account"] for item in items if item.payload.get("what") == "link_refused"]

    def subjects(self, account: Account) -> list[str]:
        return [link.subject for link in self.database.identities.of(account.id)]


@pytest.fixture
def world(
    database: Database,  # noqa: F811 -- the fixture
    open_database: Callable[..., Database],  # noqa: F811 -- the fixture
    store: EphemeralStore,  # noqa: F811 -- the fixture
) -> Iterator[World]:
    yield World(database, [open_database() for _ in range(THREADS)], store)


@pytest.mark.spec("LNK-14", "A16")
def test_a_confirmation_clicked_several_times_links_once_and_alarms_nobody(world: World) -> None:
    account = world.person()
    txn = world.at_the_confirmation(account)
    said = world.at_once(*[world.confirming(txn)] * THREADS)
    assert sorted(said) == ["TransactionMoved"] * (THREADS - 1) + ["done"]
    assert len(world.subjects(account)) == 1
    assert world.warned() == []
    assert world.store.transactions.find(txn.handle, NOW) is None


@pytest.mark.spec("LNK-14", "A16")
def test_one_account_from_several_tabs_gets_one_identity(world: World) -> None:
    account = world.person()
    tabs = [
        world.at_the_confirmation(account, str(tab), subject=f"sub-{tab}", national_id=None, rpps=None)
        for tab in range(THREADS)
    ]
    said = world.at_once(*[world.confirming(tab) for tab in tabs])
    assert said.count("done") == 1
    assert set(said) <= {"done", "LinkRefused", "TransactionMoved"}
    assert len(world.subjects(account)) == 1


@pytest.mark.spec("LNK-05", "LNK-14", "A8", "A16")
def test_several_people_who_confirm_one_identity_at_once_are_one(world: World) -> None:
    people = [world.person(number) for number in range(1, THREADS + 1)]
    tabs = [world.at_the_confirmation(person, person.username) for person in people]
    said = world.at_once(*[world.confirming(tab) for tab in tabs])
    assert sorted(said) == ["LinkRefused"] * (THREADS - 1) + ["done"]
    linked = [person for person in people if world.subjects(person)]
    assert len(linked) == 1
    assert said[people.index(linked[0])] == "done"
    owner = world.database.accounts.find_by_rpps(RPPS)
    assert owner is not None
    assert owner.id == linked[0].id
    assert sorted(map(str, world.warned())) == sorted(person.id for person in people if person is not linked[0])


@pytest.mark.spec("LNK-03", "A16")
def test_whoever_gives_up_while_confirming_has_done_one_of_both(world: World) -> None:
    account = world.person()
    txn = world.at_the_confirmation(account)
    said = world.at_once(world.confirming(txn), lambda number: world.linking[number].give_up(txn))
    assert sorted(said) == ["TransactionMoved", "done"]
    assert len(world.subjects(account)) == (1 if said[0] == "done" else 0)


@pytest.mark.spec("LNK-06", "RST-03", "A16")
def test_an_activation_by_identity_and_one_by_password_at_once_are_one_activation(world: World) -> None:
    account = world.person(status=AccountStatus.INVITED, email_verified_at=None, rpps=RPPS)
    link = world.activation(account)
    token = link_token(world.link_key, LinkPurpose.ACTIVATION, link.id)
    txn = world.at_the_confirmation(None, activation=link.token_digest)

    def by_password(number: int) -> None:
        world.access[number].set_password(token, LinkPurpose.ACTIVATION, "le martinet dort en volant", CONTEXT)

    said = world.at_once(world.confirming(txn), by_password)
    assert said.count("done") == 1
    now = world.database.accounts.get(account.id)
    assert now is not None
    assert now.status is AccountStatus.ACTIVE
    assert (now.password_hash is None) == (said[0] == "done") == bool(world.subjects(account))


@pytest.mark.spec("LNK-09", "A16")
def test_a_protest_sent_several_times_counts_once(world: World) -> None:
    account = world.person()
    world.linking[0].confirm(world.at_the_confirmation(account), CONTEXT)
    (link,) = world.database.identities.of(account.id)
    token = link_token(world.link_key, LinkPurpose.NOT_ME, link.id)
    said = world.at_once(*[lambda number: world.disputes[number].not_me(token, CONTEXT)] * THREADS)
    assert sorted(said) == ["LinkGone"] * (THREADS - 1) + ["done"]
    (frozen,) = world.database.identities.of(account.id)
    assert frozen.frozen_until == NOW + 72 * 3600
