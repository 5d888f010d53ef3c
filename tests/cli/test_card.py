"""`passerelle config check` and `doctor` with the card switched on: its environment, its pinned authorities, the lists held."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.accounts.identity_link import LinkKind
from gateway.journal.effects import NO_EFFECTS
from gateway.randomness import handle, partition_of, system_randomness
from gateway.signin.ended_session import LOGOUT_CALL
from gateway.signin.evidence import Evidence, Means
from gateway.signin.session import Session
from gateway.wiring.card import crl_fetch
from gateway.wiring.jobs import jobs_of
from gateway.wiring.stores import read_idp_config
from sandbox.card.igc_sante import LookAlikeIgc
from tests.cli.deployment import ROOT, Deployment
from tests.contract.durable.samples import an_account
from tests.contract.durable.test_durable_identity_links import an_identity

HOUR, DAY = 3600, 86400
ISSUING, ROOT_AUTHORITY = "ACI-FO-PP-TEST.pem", "ACR-FO-TEST.pem"


@pytest.fixture(scope="module")
def igc() -> LookAlikeIgc:
    return LookAlikeIgc()


def switch_on(deployment: Deployment, igc: LookAlikeIgc, **declared: Any) -> Path:
    """The folder of the authorities."""
    written = yaml.safe_load((ROOT / "idp_config" / "card.yaml").read_text("utf-8"))
    (deployment.folder / "idp_config" / "card.yaml").write_text(yaml.safe_dump(written | declared), "utf-8")
    folder = deployment.folder / "cards"
    igc.write(folder)
    deployment.settings(means=["card", "password"], card={"certificates": "cards"})
    return folder


def fetch(deployment: Deployment) -> None:
    """What `passerelle jobs` does every hour."""
    with deployment.stores() as stores:
        settings = deployment.read_settings()
        reviewed = read_idp_config(settings)
        assert reviewed.card is not None
        crl_fetch(settings, reviewed.card, stores).run_if_due()


def found(deployment: Deployment) -> dict[str, dict[str, str]]:
    """What doctor says of cards, by subject."""
    findings = deployment.run("doctor", "--json").document["findings"]
    return {one["subject"]: one for one in findings if one["subject"].startswith(("cards", "revocation list"))}


def test_all_is_well(deployment, igc):
    switch_on(deployment, igc)
    fetch(deployment)
    said = found(deployment)
    assert said["cards"]["state"] == "demo: 4 pinned issuing authorities; accepted: fort"
    for authority in (ISSUING, ROOT_AUTHORITY):
        finding = said.pop(f"revocation list of {authority}")
        assert "until 20" in finding["state"]
        assert finding["advice"] == ""
    assert said.keys() == {"cards"}
    assert deployment.json("config", "check")["warnings"] == []


@pytest.mark.spec("SES-08", "SES-07")
def test_the_jobs_end_the_session_of_a_card_that_the_next_list_names(deployment, igc):
    folder = switch_on(deployment, igc)
    card = igc.professional()
    settings = deployment.read_settings()
    with deployment.stores() as stores:
        now, reviewed = stores.clock.now(), read_idp_config(settings)
        account = an_account(created_at=now)
        stores.database.accounts.create(account, NO_EFFECTS)
        link = an_identity(account, kind=LinkKind.CARD, created_at=now, last_used_at=now)
        stores.database.identities.commit(link, account, NO_EFFECTS)
        issuer = card.certificate.issuer.rfc4514_string()
        upstream = {"kind": "card", "issuer": issuer, "certificate": f"{card.certificate.serial_number:x}"}
        session = Session(
            handle=handle(system_randomness, partition_of(account.id)), sid="sid", account_id=account.id, started_at=now,
            auth_time=now, last_used_at=now, absolute_end=now + 4 * HOUR, idle_seconds=1800,
            evidence=(Evidence(Means.CARD, now),), clients=("orientation",), upstream=upstream,
        )  # fmt: skip
        stores.ephemeral.sessions.start(session, now, NO_EFFECTS)
        jobs = {job.name: job for job in jobs_of(settings, reviewed, stores)}
        assert list(jobs).index("revocation lists") < list(jobs).index("revoked cards")
        assert jobs["revoked cards"].every_seconds <= 60
        assert (jobs["revocation lists"].run(), jobs["revoked cards"].run()) == (2, 0)
        (folder / f"{igc.fort_personnes.file}.crl").write_bytes(
            igc.crl(igc.fort_personnes, [card.certificate.serial_number])
        )
        deployment.set_clock(HOUR)
        stores.ephemeral.sessions.use(session.handle, now + 1700)
        stores.ephemeral.sessions.use(session.handle, now + 3400)
        assert (jobs["revocation lists"].run(), jobs["revoked cards"].run()) == (1, 1)
        assert stores.ephemeral.sessions.of(account.id, stores.clock.now()) == []
        (call,) = [item for _, item, _ in stores.ephemeral.spool.take_outgoing(stores.clock.now(), 10, 60.0)]
        assert (call.kind, call.payload["client"], call.payload["sid"]) == (LOGOUT_CALL, "orientation", "sid")


def test_a_deployment_without_cards_says_nothing_of_them(deployment):
    assert found(deployment) == {}


def test_lists_that_nobody_fetched_are_missed(deployment, igc):
    switch_on(deployment, igc)
    said = found(deployment)[f"revocation list of {ISSUING}"]
    assert said["state"] == "none is held"
    assert "passerelle jobs" in said["advice"]
    assert deployment.run("doctor").code == 1


@pytest.mark.parametrize(
    ("later", "sentence", "advice"),
    [
        (6 * DAY - 13 * HOUR, "until", ""),
        (6 * DAY - 11 * HOUR, "until", "The next one is late"),
        (6 * DAY + HOUR, "over", "Nobody signs in by card"),
    ],
)
def test_a_list_that_ends_soon_or_is_over_is_told(deployment, igc, later, sentence, advice):
    folder = switch_on(deployment, igc)
    for authority in (igc.fort_personnes, igc.root):
        (folder / f"{authority.file}.crl").write_bytes(igc.crl(authority, this_update=igc.now))
    fetch(deployment)
    deployment.set_clock(later)
    said = found(deployment)[f"revocation list of {ISSUING}"]
    assert sentence in said["state"]
    assert said["advice"].startswith(advice)
    assert bool(said["advice"]) == bool(advice)


@pytest.mark.spec("SV-15")
@pytest.mark.parametrize("wrong", ["missing", "another"])
def test_a_pinned_file_that_is_not_the_one_is_named_by_both(deployment, igc, wrong):
    folder = switch_on(deployment, igc)
    if wrong == "missing":
        (folder / ISSUING).unlink()
    else:
        (folder / ISSUING).write_text(LookAlikeIgc(keys="inconnue").fort_personnes.pem, "ascii")
    said = found(deployment)
    assert ISSUING in said["cards"]["state"]
    assert said["cards"]["advice"]
    assert said.keys() == {"cards"}, "its lists are not judged"
    ran = deployment.run("config", "check")
    assert (ran.code, ISSUING in ran.err) == (1, True)


@pytest.mark.spec("SV-15")
@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ({"name": "test"}, "anchors"),
        ({"accepted_ranges": ["elementaire"]}, "accepted_ranges"),
        ({"accepted_ranges": ["standard"]}, "accepted_ranges"),
        ({"bridge_ports": [80]}, "bridge_ports"),
        ({"policy_oid": []}, "policy_oid"),
    ],
)
def test_a_wrong_line_of_card_yaml_is_named_by_both(deployment, igc, declared, sentence):
    switch_on(deployment, igc, **declared)
    for words in (["config", "check"], ["doctor"]):
        ran = deployment.run(*words)
        assert (ran.code, sentence in ran.out + ran.err) == (1, True), ran


def test_a_card_without_its_folder_or_its_file_is_named(fresh, igc):
    fresh.settings(means=["card", "password"])
    ran = fresh.run("config", "check")
    assert (ran.code, "card.certificates" in ran.err) == (1, True)
    switch_on(fresh, igc)
    (fresh.folder / "idp_config" / "card.yaml").unlink()
    ran = fresh.run("config", "check")
    assert (ran.code, "card.yaml" in ran.err) == (1, True)
