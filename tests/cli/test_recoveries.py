"""The region as the second person of a recovery, from the command line."""

import datetime

import pytest

from gateway.accounts.account import AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.recovery import Reason, Recovery, RecoveryState
from gateway.habilitations.structure import Structure, StructureKind
from gateway.journal.effects import NO_EFFECTS
from tests.cli.deployment import Deployment
from tests.contract.durable.samples import a_habilitation, an_account

PLACE = Structure("fineg:990000010", StructureKind.EG, "Foyer fictif", "990000010", region="93")
PERSON, REFERENT = an_account(1, status=AccountStatus.ACTIVE), an_account(2)


def opened(deployment: Deployment) -> None:
    with deployment.stores() as stores:
        database, now = stores.database, stores.clock.now()
        database.structures.put([PLACE], NO_EFFECTS)
        today = datetime.date.today()
        for account in (PERSON, REFERENT):
            database.accounts.create(account, NO_EFFECTS)
            held = {"start_on": today, "end_on": today + datetime.timedelta(days=30), "seen_at": now}
            database.habilitations.grant(a_habilitation(account, PLACE, account.id, **held), NO_EFFECTS)
        recovery = Recovery("recovery-1", PERSON.id, PLACE.id, Reason.STOLEN, REFERENT.id, now, now + 9_999)
        stop = OneTimeLink("recovery-1", PERSON.id, LinkPurpose.STOP_RECOVERY, b"d" * 32, 1, now, now + 9_999)
        assert database.recoveries.open(recovery, stop, NO_EFFECTS)


def state(deployment: Deployment) -> tuple[RecoveryState, bool]:
    with deployment.stores() as stores:
        found = stores.database.recoveries.get("recovery-1")
        assert found is not None
        return found.state, found.decided_by_region is not None


@pytest.mark.spec("FID-11")
def test_the_region_sees_what_waits_for_it_and_decides_once(deployment):
    assert deployment.json("accounts", "recoveries", "list") == {"recoveries": []}
    assert "No recovery" in deployment.run("accounts", "recoveries", "list").out
    opened(deployment)
    (shown,) = deployment.json("accounts", "recoveries", "list")["recoveries"]
    assert (shown["username"], shown["opened_by"], shown["for_the_region"]) == ("agent-1", "agent-2", True)
    assert "for the region to decide" in deployment.run("accounts", "recoveries", "list").out
    asked = deployment.run("accounts", "recoveries", "approve", "recovery-1")
    assert (asked.code, "--yes" in asked.err) == (1, True)
    assert state(deployment) == (RecoveryState.WAITING, False)
    deployment.json("accounts", "recoveries", "approve", "recovery-1", "--yes")
    assert state(deployment) == (RecoveryState.APPROVED, True)
    late = deployment.run("accounts", "recoveries", "refuse", "recovery-1", "--yes")
    assert (late.code, "does not wait any more" in late.err) == (1, True)
    unknown = deployment.run("accounts", "recoveries", "refuse", "nothing", "--yes")
    assert (unknown.code, "recoveries list" in unknown.err) == (1, True)
