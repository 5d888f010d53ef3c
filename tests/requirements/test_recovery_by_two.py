"""Somebody lost everything: a référent opens, another approves, paper gives the account back, and nothing of before is left."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.accounts.account import AccountStatus
from gateway.accounts.authenticator import RecoveryCodes, TotpAuthenticator
from gateway.accounts.contact_change import Contact, ContactChange
from gateway.accounts.one_time_link import LinkPurpose, link_token
from gateway.accounts.recovery import RecoveryState
from gateway.accounts.trusted_device import TrustedDevice
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.signin.colleagues.refusals import NotNow
from gateway.signin.evidence import Means
from gateway.signin.request_context import RequestContext
from gateway.wiring.colleagues import colleague_recoveries
from tests.requirements.assembled import ISSUER, PASSWORD, Answer, Browser, Gateway, hidden_fields
from tests.requirements.team_world import (
    FRESH,
    MEANS,
    Team,
    distributed,
    journal,
    new_password,
    outbox,
    sheet_of,
    told,
    words,
)
from tests.webauthn_authenticator import SoftAuthenticator

HOURS = 3600


@pytest.fixture
def team(tmp_path: Path):
    gateway = Gateway(tmp_path, means=MEANS)
    yield Team(gateway)
    gateway.close()


def state(team: Team, recovery_id: str) -> RecoveryState:
    found = team.gateway.stores.database.recoveries.get(recovery_id)
    assert found is not None
    return found.state


def stop_token(team: Team, recovery_id: str) -> str:
    key = team.gateway.stores.database.purpose_keys.get(Purpose.LINK)
    return link_token(key, LinkPurpose.STOP_RECOVERY, recovery_id)


def region(team: Team):
    return colleague_recoveries(team.gateway.settings, team.gateway.reviewed, team.gateway.stores)


# ── two people ──


@pytest.mark.spec("FID-11", "ADM-03")
def test_another_referent_of_the_structure_approves_and_nobody_else_may(team: Team) -> None:
    """Not the one who opened it, nor the person, nor a référent of elsewhere, nor one without a strong means."""
    recovery_id = team.opened()
    weak = team.referent("faible", team.structure, passkey=False)
    elsewhere = team.referent("ailleurs", team.gateway.structure(2))
    opener = team.browser(team.nadia)
    own = opener.get(f"/equipe/{team.elodie.id}")
    assert "decision" not in own.text, "no form to approve one's own"
    path = f"/equipe/recuperations/{recovery_id}/decision"
    thomas = team.browser(team.thomas)
    fields = hidden_fields(thomas.get(f"/equipe/{team.elodie.id}"), path)
    opener.cookies["__Host-browser"] = thomas.cookies["__Host-browser"]
    refused = opener.post(path, {**fields, "decision": "approve"})
    assert (refused.status, "une autre personne doit décider" in words(refused)) == (422, True)
    for account in (team.elodie, elsewhere, weak):
        browser = team.browser(account, Means.PASSWORD, Means.EMAIL_CODE)
        browser.cookies["__Host-browser"] = thomas.cookies["__Host-browser"]
        assert browser.post(path, {**fields, "decision": "approve"}).status in {303, 403, 404}
    stranger = team.browser(elsewhere)
    stranger.cookies["__Host-browser"] = thomas.cookies["__Host-browser"]
    assert stranger.post(path, {**fields, "decision": "approve"}).status == 404
    team.gateway.habilitation(team.elodie, team.structure)
    team.passkey(team.elodie)
    subject = team.browser(team.elodie)
    subject.cookies["__Host-browser"] = thomas.cookies["__Host-browser"]
    assert subject.post(path, {**fields, "decision": "approve"}).status == 404, (
        "not even as a référent of the structure"
    )
    assert state(team, recovery_id) is RecoveryState.WAITING
    assert team.decided(recovery_id, browser=thomas).location.endswith("said=approved")
    assert state(team, recovery_id) is RecoveryState.APPROVED
    (line,) = journal(team.gateway, "recovery.approved")
    assert (line.actor, line.target, line.structure) == (team.thomas.id, team.elodie.id, team.structure.id)


@pytest.mark.spec("FID-11")
def test_opening_one_demands_a_reason_of_the_list_and_to_have_seen_the_person(team: Team) -> None:
    browser = team.browser(team.nadia)
    for fields in ({"reason": "lost_device"}, {"seen": "yes"}, {"reason": "because", "seen": "yes"}):
        assert team.act(browser, team.elodie, "recuperation", **fields).status == 422
    assert team.gateway.stores.database.recoveries.under_way(team.gateway.clock.now()) == []
    stale = browser.get(f"/equipe/{team.elodie.id}")
    team.opened()
    action, fields = f"/equipe/{team.elodie.id}/recuperation", {"reason": "stolen", "seen": "yes"}
    assert browser.submit(stale, action, **fields).status == 422, "one at a time"


@pytest.mark.spec("FID-11")
def test_it_is_decided_within_72_hours(team: Team) -> None:
    for age, status in ((72 * HOURS - 1, 303), (72 * HOURS, 422)):
        recovery_id = team.opened()
        opened_at = team.gateway.clock.now()
        thomas = team.browser(team.thomas)
        page = thomas.get(f"/equipe/{team.elodie.id}")
        team.gateway.clock.advance(opened_at + age - team.gateway.clock.now())
        for account in (team.nadia, team.thomas, team.elodie):
            for one, _ in team.gateway.stores.database.habilitations.of(account.id):
                team.gateway.stores.database.habilitations.apply(
                    add=[], end=[], seen=[one.id], seen_at=team.gateway.clock.now(), effects=NO_EFFECTS
                )
        later = team.browser(team.thomas)
        later.cookies["__Host-browser"] = thomas.cookies["__Host-browser"]
        path = f"/equipe/recuperations/{recovery_id}/decision"
        assert later.submit(page, path, decision="approve").status == status
        if status == 303:
            team.gateway.clock.advance(72 * HOURS)
            for account in (team.nadia, team.thomas, team.elodie):
                for one, _ in team.gateway.stores.database.habilitations.of(account.id):
                    team.gateway.stores.database.habilitations.apply(
                        add=[], end=[], seen=[one.id], seen_at=team.gateway.clock.now(), effects=NO_EFFECTS
                    )


@pytest.mark.spec("FID-11")
def test_without_a_second_referent_the_region_decides_and_with_one_it_does_not(team: Team) -> None:
    recovery_id = team.opened()
    with pytest.raises(NotNow, match="has_second"):
        region(team).decide_for_region(recovery_id, approved=True, operator="region")
    database = team.gateway.stores.database
    for one in database.passkeys.of(team.thomas.id):
        assert database.passkeys.revoke(one.id, team.gateway.clock.now(), NO_EFFECTS)
    page = team.browser(team.nadia).get(f"/equipe/{team.elodie.id}")
    assert "la région doit l'approuver" in words(page)
    region(team).decide_for_region(recovery_id, approved=True, operator="region")
    decided = database.recoveries.get(recovery_id)
    assert decided is not None
    assert (decided.state, decided.decided_by, decided.decided_by_region) == (RecoveryState.APPROVED, None, "region")
    with pytest.raises(NotNow, match="over"):
        region(team).decide_for_region(recovery_id, approved=False, operator="region")


@pytest.mark.spec("FID-11")
def test_who_may_decide_hears_of_it_and_the_region_where_nobody_may(team: Team) -> None:
    team.referent("faible", team.structure, passkey=False)
    team.opened()
    (order,) = [one.payload for one in outbox(team.gateway) if one.kind == "tell_referents"]
    assert distributed(team, dict(order)) == [("notice", team.thomas.id)]
    database = team.gateway.stores.database
    for one in database.passkeys.of(team.thomas.id):
        assert database.passkeys.revoke(one.id, team.gateway.clock.now(), NO_EFFECTS)
    assert ("operator_alert", "colleague_recovery") in distributed(team, dict(order))


@pytest.mark.spec("FID-11")
def test_a_refusal_ends_it_and_the_person_is_told(team: Team) -> None:
    recovery_id = team.opened()
    assert team.decided(recovery_id, "refuse").location.endswith("said=refused")
    assert state(team, recovery_id) is RecoveryState.REFUSED
    assert "recovery_refused" in told(team.gateway, team.elodie)
    browser = team.browser(team.nadia)
    stale = team.opened(browser)
    assert state(team, stale) is RecoveryState.WAITING, "another may be opened"


@pytest.mark.spec("FID-11")
def test_nothing_is_printed_before_it_is_approved(team: Team) -> None:
    recovery_id = team.opened()
    browser = team.browser(team.nadia)
    page = browser.get(f"/equipe/{team.elodie.id}")
    path = f"/equipe/recuperations/{recovery_id}/feuille"
    assert path not in page.text
    context = RequestContext("192.0.2.7", "ua", "incident")
    with pytest.raises(NotNow, match="not_approved"):
        region(team).print_sheet(team.nadia, recovery_id, context)
    team.decided(recovery_id)
    ready = browser.get(f"/equipe/{team.elodie.id}")
    fields = hidden_fields(ready, path)
    team.gateway.stores.database.recoveries.stop(
        team.gateway.stores.database.links.get(recovery_id),
        team.gateway.clock.now(),
        NO_EFFECTS,  # type: ignore[arg-type]
    )
    assert browser.post(path, fields).status == 422


# ── the whole of it ──


@pytest.mark.spec("FID-11", "RST-07", "RST-08")
def test_the_person_comes_back_by_a_new_password_and_everything_of_before_is_gone(team: Team) -> None:
    gateway, elodie, database = team.gateway, team.elodie, team.gateway.stores.database
    now = gateway.clock.now()
    rescue = {"recovery_email": "secours@exemple.example", "recovery_email_verified_at": now}
    phone = {"phone": "+33639980001", "phone_verified_at": now}
    elodie = replace(elodie, **rescue, **phone)
    database.accounts.update(elodie, NO_EFFECTS)
    before = team.browser(elodie, Means.PASSWORD, Means.EMAIL_CODE)
    passkey = team.passkey(elodie)
    database.totp.enrol(TotpAuthenticator("totp", elodie.id, "téléphone", b"s" * 20, now), NO_EFFECTS)
    assert database.totp.confirm("totp", time_step=1, at=now, at_most=5, effects=NO_EFFECTS)
    database.recovery_codes.replace(RecoveryCodes("set", elodie.id, (b"d" * 32,), now), NO_EFFECTS)
    device = TrustedDevice("device", elodie.id, b"\x04" + bytes(64), "poste", now, now, now)
    database.devices.trust(device, NO_EFFECTS)
    change = ContactChange("waiting", elodie.id, Contact.RECOVERY_EMAIL, "x@exemple.example", 1, now, now + 9_999_999)
    database.contact_changes.ask(change, NO_EFFECTS)
    elodie = database.accounts.get(elodie.id)
    assert elodie is not None

    browser = team.ready("nouvelle@exemple.example")
    assert database.accounts.get(elodie.id) == elodie, "nothing has changed so far"
    assert database.devices.find("device").revoked_at is None  # type: ignore[union-attr]
    assert before.session is not None
    assert new_password(browser).location == "/recovery?done"
    assert browser.session is None, "it opens no session"
    after = database.accounts.get(elodie.id)
    assert after is not None
    assert after.password_hash not in {None, elodie.password_hash}
    assert (after.email, after.email_verified_at) == ("nouvelle@exemple.example", gateway.clock.now())
    assert (after.recovery_email, after.phone_verified_at, after.status) == (None, None, AccountStatus.ACTIVE)
    assert after.contact_version > elodie.contact_version
    assert before.session is None
    assert database.passkeys.of(elodie.id) == []
    assert database.passkeys.find(passkey.credential_id).revoked_at is not None  # type: ignore[union-attr]
    assert database.totp.of(elodie.id) == []
    assert database.recovery_codes.left(elodie.id) == 0
    assert database.devices.find("device").revoked_at is not None  # type: ignore[union-attr]
    assert not database.contact_changes.get("waiting").waits(gateway.clock.now())  # type: ignore[union-attr]
    (ended,) = {event.reason for event in gateway.events("session.ended")}
    assert ended == "recovered"
    assert browser.onward(browser.get("/recovery")).status == 410

    notices = [one.payload for one in outbox(gateway) if one.payload.get("what") == "account_recovered"]
    receivers = {
        database.accounts.get(elodie.id).email  # type: ignore[union-attr]
        if "change" not in payload
        else database.contact_changes.get(str(payload["change"])).value  # type: ignore[union-attr]
        for payload in notices
    }
    assert receivers == {"nouvelle@exemple.example", elodie.email, "secours@exemple.example"}
    assert len(journal(gateway, "recovery.finished")) == 1

    person = Browser(gateway)
    page = person.onward(person.get("/signin"))
    assert person.give_password(page, "elodie", PASSWORD).status == 422, "the former password"
    person = Browser(gateway)
    person.give_code(person.give_password(person.onward(person.get("/signin")), "elodie", FRESH))
    assert person.session is not None


@pytest.mark.spec("FID-11")
def test_the_person_comes_back_by_a_passkey_without_any_password(team: Team) -> None:
    database = team.gateway.stores.database
    browser, _ = team.presented(team.recovery_sheet())
    assert browser.get("/recovery/passkey").location == "/feuille/adresse", "the address first"
    team.proved(browser)
    page = browser.get("/recovery/passkey")
    token = re.search(r'data-token="([^"]+)"', page.text)
    assert token is not None
    said = {"content_type": "application/json", "origin": ISSUER, "x_form_token": token[1]}

    def call(end: str, members: object, **changes: str) -> Answer:
        body = json.dumps(members).encode()
        return browser.ask("POST", f"/recovery/passkey/{end}", body=body, **{**said, **changes})

    assert call("options", {}, x_form_token="another").status == 403
    options = call("options", {})
    assert options.status == 200
    authenticator = SoftAuthenticator(ISSUER, "portail.example")
    answer = {"credential": authenticator.create(options.json), "label": "Téléphone"}
    foreign = SoftAuthenticator("https://ailleurs.example", "portail.example").create(call("options", {}).json)
    assert call("verify", {**answer, "credential": foreign}).status == 422
    done = call("verify", answer)
    assert (done.status, done.json) == (200, {"next": "/recovery?done"})
    after = database.accounts.get(team.elodie.id)
    assert after is not None and after.password_hash is None
    assert [one.label for one in database.passkeys.of(after.id)] == ["Téléphone"]
    browser.cookies["__Host-link"] = "recovery." + "A" * 43
    assert (call("verify", answer).status, call("options", {}).status) == (410, 410)
    assert browser.session is None


@pytest.mark.spec("FID-11")
def test_the_address_is_proved_first_and_another_s_is_refused(team: Team) -> None:
    browser, _ = team.presented(team.recovery_sheet())
    answer = browser.get("/recovery")
    assert (answer.status, answer.location) == (303, "/feuille/adresse")
    page = browser.get("/feuille/adresse")
    assert team.elodie.email not in page.text, "whoever found the sheet does not read the address"
    refused = browser.submit(page, "/feuille/adresse", address="pas une adresse")
    assert refused.status == 422
    assert team.proved(browser, team.nadia.email).status == 422
    asked = browser.onward(browser.submit(page, "/feuille/adresse"))
    action = re.search(r'action="(/feuille/code/[^"]+)"', asked.text)
    assert action is not None
    for left in range(4, -1, -1):
        wrong = browser.submit(asked, action[1], code="00000000")
        assert wrong.status == (422 if left else 303)
    assert wrong.location == "/feuille/adresse?said=over"
    assert browser.get("/recovery").location == "/feuille/adresse"


@pytest.mark.spec("FID-11", "RST-03")
def test_two_redemptions_at_once_give_one_success(team: Team) -> None:
    browser = team.ready()
    fields = hidden_fields(browser.get("/recovery"), "/recovery")
    passwords = [f"{FRESH} {number}" for number in range(4)]

    def redeem(password: str) -> str:
        one = Browser(team.gateway, cookies=dict(browser.cookies), peer="198.51.100.9")
        answer = one.post("/recovery", {**fields, "new_password": password, "again": password})
        return answer.location if answer.status == 303 else str(answer.status)

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(redeem, passwords))
    assert answers == ["/recovery?done", "410", "410", "410"] or answers == sorted(["410"] * 3 + ["/recovery?done"])
    assert len(journal(team.gateway, "recovery.finished")) == 1


@pytest.mark.spec("FID-11", "RST-09")
def test_a_sheet_of_recovery_serves_once_and_the_older_one_never(team: Team) -> None:
    older = team.recovery_sheet()
    browser = team.browser(team.thomas)
    recovery = team.gateway.stores.database.recoveries.of(team.elodie.id, team.gateway.clock.now())
    assert recovery is not None
    path = f"/equipe/recuperations/{recovery.id}/feuille"
    sheet = sheet_of(browser.submit(browser.get(f"/equipe/{team.elodie.id}"), path))
    assert team.presented(older)[1].status == 422
    holder, _ = team.presented(sheet)
    team.proved(holder)
    assert new_password(holder, "court").status == 422, "a weak password spends nothing"
    assert new_password(holder).location == "/recovery?done"
    assert team.presented(sheet)[1].status == 422
    assert new_password_refused(holder)


def new_password_refused(browser: Browser) -> bool:
    return browser.get("/recovery").status == 410


# ── it was not me ──


@pytest.mark.spec("FID-11")
def test_the_person_is_told_at_every_step_and_stops_it_until_the_end(team: Team) -> None:
    recovery_id = team.opened()
    assert told(team.gateway, team.elodie) == ["colleague_recovery", "stop_recovery"]
    team.decided(recovery_id)
    assert told(team.gateway, team.elodie) == ["colleague_recovery", "stop_recovery", "stop_recovery"]
    browser = team.browser(team.nadia)
    sheet = sheet_of(
        browser.submit(browser.get(f"/equipe/{team.elodie.id}"), f"/equipe/recuperations/{recovery_id}/feuille")
    )
    assert "sheet_printed" in told(team.gateway, team.elodie)
    thief, _ = team.presented(sheet)
    team.proved(thief, "voleur@exemple.example")
    person = Browser(team.gateway)
    landed = person.get(f"/stop_recovery/{stop_token(team, recovery_id)}")
    assert landed.location == "/stop_recovery"
    for _ in range(3):
        page = person.get("/stop_recovery")
    assert state(team, recovery_id) is RecoveryState.APPROVED, "looking stops nothing"
    assert person.submit(page, "/stop_recovery").location == "/stop_recovery?done"
    assert state(team, recovery_id) is RecoveryState.STOPPED
    assert new_password_refused(thief)
    assert team.presented(sheet)[1].status == 422
    assert team.gateway.stores.database.accounts.get(team.elodie.id) == team.elodie
    assert "colleague_recovery_stopped" in told(team.gateway, team.elodie)
    assert person.onward(person.get(f"/stop_recovery/{stop_token(team, recovery_id)}")).status == 410


@pytest.mark.spec("FID-11")
def test_there_is_nothing_to_stop_once_it_is_finished(team: Team) -> None:
    browser = team.ready()
    (recovery,) = team.gateway.stores.database.recoveries.under_way(team.gateway.clock.now())
    assert new_password(browser).location == "/recovery?done"
    person = Browser(team.gateway)
    assert person.onward(person.get(f"/stop_recovery/{stop_token(team, recovery.id)}")).status == 410
    assert state(team, recovery.id) is RecoveryState.FINISHED


@pytest.mark.spec("FID-11")
def test_an_archived_or_blocked_account_is_not_recovered(team: Team) -> None:
    browser = team.ready()
    for status in (AccountStatus.BLOCKED, AccountStatus.ARCHIVED):
        team.gateway.stores.database.accounts.update(replace(team.elodie, status=status), NO_EFFECTS)
        assert browser.get("/recovery").status == 410
    opener = team.browser(team.nadia)
    assert "recuperation" not in opener.get(f"/equipe/{team.elodie.id}").text
