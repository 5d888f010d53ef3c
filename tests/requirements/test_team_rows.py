"""A référent gives a colleague their first access again, by mail or on a sheet of paper; who may, and what a sheet is worth."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.accounts.account import AccountStatus
from gateway.accounts.one_time_link import LinkPurpose, link_token
from gateway.habilitations.habilitation import Origin
from gateway.journal.effects import NO_EFFECTS
from gateway.keys.purposes import Purpose
from gateway.signin.evidence import Means
from tests.requirements.assembled import DAY, Answer, Browser, Gateway, hidden_fields
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

BY_MAIL = (Means.PASSWORD, Means.EMAIL_CODE)


@pytest.fixture
def team(tmp_path: Path):
    gateway = Gateway(tmp_path, means=MEANS)
    yield Team(gateway)
    gateway.close()


def same(page: Answer) -> str:
    """A page without what differs between any two."""
    return re.sub(r'(value|nonce)="[^"]*"', "", page.text)


# ── who may ──


@pytest.mark.spec("ADM-10", "R000-10")
def test_the_list_says_where_each_colleague_stands_and_the_account_page_leads_to_it(team: Team) -> None:
    claire = team.invited("claire")
    team.invited("denis")
    team.gateway.clock.advance(DAY)
    team.act(team.browser(team.nadia), claire, "lien")
    team.colleague("bloque", status=AccountStatus.BLOCKED)
    team.colleague("parti", status=AccountStatus.ARCHIVED)
    team.opened()
    browser = team.browser(team.thomas)
    assert 'href="/equipe"' in browser.get("/compte").text
    said = words(browser.get("/equipe"))
    assert "Claire Exemple Invité, lien en cours" in said
    assert "Denis Exemple Jamais activé, lien expiré" in said
    assert "Bloque Exemple Bloqué" in said
    assert "Elodie Exemple Récupération à approuver Votre décision est attendue" in said
    assert "Nadia Exemple Actif" in said
    assert "Thomas" not in said, "nobody is their own colleague"
    assert "Parti" not in said
    team.passkey(team.elodie)
    others = team.browser(team.elodie)
    assert 'href="/equipe"' not in others.get("/compte").text
    assert others.get("/equipe").status == 403


@pytest.mark.spec("ADM-10")
def test_below_a_strong_means_nothing_is_shown_and_the_way_to_one_is(team: Team) -> None:
    """A session by password and code: who holds a passkey proves themselves by it, who holds none is told where to get one."""
    claire = team.invited("claire")
    token = hidden_fields(team.browser(team.nadia).get(f"/equipe/{claire.id}"), f"/equipe/{claire.id}/lien")
    weak = team.browser(team.nadia, *BY_MAIL)
    for path in ("/equipe", f"/equipe/{claire.id}"):
        answer = weak.get(path)
        assert (answer.status, answer.location.startswith("/signin/")) == (303, True)
        assert "/passkey" in weak.onward(answer).text
    refused = weak.post(f"/equipe/{claire.id}/lien", token)
    assert refused.status == 403, "the form of another browser"
    new = team.referent("recrue", team.structure, passkey=False)
    page = team.browser(new, *BY_MAIL).get("/equipe")
    assert page.status == 403
    assert 'href="/compte/passkeys"' in page.text
    assert [one.payload["purpose"] for one in outbox(team.gateway) if one.kind == "link"] == []


@pytest.mark.spec("ADM-10", "FID-10")
def test_each_act_asks_a_proof_of_the_last_five_minutes(team: Team) -> None:
    claire = team.invited("claire")
    browser = team.browser(team.nadia)
    page = browser.get(f"/equipe/{claire.id}")
    team.gateway.clock.advance(301)
    assert browser.get("/equipe").status == 200
    answer = browser.submit(page, f"/equipe/{claire.id}/lien")
    assert answer.location.startswith("/signin/")
    assert told(team.gateway, claire) == []


@pytest.mark.spec("ADM-02", "AC-121")
def test_nobody_acts_on_themselves_on_an_administrator_nor_on_somebody_of_elsewhere(team: Team) -> None:
    elsewhere = team.gateway.structure(2)
    stranger = team.colleague("ailleurs", elsewhere)
    other = team.referent("autre", elsewhere)
    chief = team.colleague("chef", is_administrator=True)
    claire = team.invited("claire")
    browser = team.browser(team.nadia)
    own = hidden_fields(browser.get(f"/equipe/{claire.id}"), f"/equipe/{claire.id}/lien")
    for account_id in (team.nadia.id, stranger.id, chief.id, "nobody", "x" * 300):
        assert browser.get(f"/equipe/{account_id}").status == 404
        for action in ("lien", "feuille", "recuperation"):
            assert browser.post(f"/equipe/{account_id}/{action}", own).status == 403, "no form leads there"
    assert team.browser(other).get(f"/equipe/{claire.id}").status == 404
    assert words(team.browser(other).get("/equipe")).count("Aider") == 1
    reasons = {event.reason for event in team.gateway.events("colleague.refused")}
    assert reasons == {"not_a_colleague", "administrator"}


@pytest.mark.spec("ADM-02")
def test_a_right_that_is_over_stale_or_of_a_closed_structure_leads_nobody(team: Team) -> None:
    browser = team.browser(team.nadia)
    assert browser.get("/equipe").status == 200
    team.gateway.clock.advance(73 * 3600)
    assert team.browser(team.nadia).get("/equipe").status == 403, "what the source said is 73 hours old"
    manual = {"origin": Origin.MANUAL, "source": None, "seen_at": None, "granted_by": team.thomas.id}
    team.gateway.habilitation(team.nadia, team.structure, **manual)
    assert team.browser(team.nadia).get("/equipe").status == 200
    team.gateway.stores.database.structures.put([replace(team.structure, active=False)], NO_EFFECTS)
    assert team.browser(team.nadia).get("/equipe").status == 403


# ── by mail ──


@pytest.mark.spec("RST-10", "RST-12", "R000-11", "AC-044")
def test_a_first_access_link_is_sent_again_unseen_to_the_same_address_and_the_older_dies(team: Team) -> None:
    claire = team.invited("claire")
    database = team.gateway.stores.database
    older = database.links.latest(claire.id, LinkPurpose.ACTIVATION)
    browser = team.browser(team.nadia)
    team.gateway.clock.advance(60)
    answer = browser.onward(team.act(browser, claire, "lien"))
    newer = database.links.latest(claire.id, LinkPurpose.ACTIVATION)
    assert older is not None and newer is not None and newer.id != older.id
    assert database.links.get(older.id).revoked_at == team.gateway.clock.now()  # type: ignore[union-attr]
    key = database.purpose_keys.get(Purpose.LINK)
    token = link_token(key, LinkPurpose.ACTIVATION, newer.id)
    seen = [said for page in browser.trail for said in (page.text, str(page.headers))]
    assert not [said for said in seen if token in said or newer.id in said or "/activation/" in said]
    assert "Un nouveau lien part" in words(answer)
    assert told(team.gateway, claire) == ["activation"]
    assert database.accounts.get(claire.id) == claire, "neither a password nor the address"
    (line,) = journal(team.gateway, "link.requested")
    assert (line.actor, line.target, line.structure) == (team.nadia.id, claire.id, team.structure.id)
    assert "address" not in browser.get(f"/equipe/{claire.id}").text.lower().replace("adresse", "")
    assert claire.email not in browser.get(f"/equipe/{claire.id}").text


@pytest.mark.spec("RST-10", "R000-12")
def test_a_link_for_a_lost_password_is_sent_as_if_the_person_had_asked(team: Team) -> None:
    browser = team.browser(team.nadia)
    answer = browser.onward(team.act(browser, team.elodie, "mot-de-passe"))
    assert "Un lien part" in words(answer)
    taken = team.gateway.stores.ephemeral.spool.take_outgoing(team.gateway.clock.now(), 50, 0.0)
    assert [(item.kind, item.payload["account"]) for _, item, _ in taken] == [("reset", team.elodie.id)]
    (line,) = team.gateway.events("link.requested")
    assert (line.actor, line.target) == (team.nadia.id, team.elodie.id)
    assert team.gateway.stores.database.accounts.get(team.elodie.id) == team.elodie
    assert team.elodie.email not in answer.text
    without = team.colleague("sans", password_hash=None)
    page = browser.get(f"/equipe/{without.id}")
    assert "mot-de-passe" not in page.text
    stale = browser.get(f"/equipe/{team.elodie.id}")
    team.gateway.stores.database.accounts.update(replace(team.elodie, password_hash=None), NO_EFFECTS)
    assert browser.submit(stale, f"/equipe/{team.elodie.id}/mot-de-passe").status == 422


@pytest.mark.spec("RST-12", "ADM-13")
def test_the_third_unclaimed_re_issue_tells_the_referents_and_the_region_and_archives_nobody(team: Team) -> None:
    claire = team.invited("claire")
    for again in range(3):
        assert (told(team.gateway, claire).count("colleague_unclaimed")) == 0
        team.act(team.browser(team.nadia), claire, "lien" if again else "feuille")
        team.gateway.clock.advance(DAY)
    (order,) = [one.payload for one in outbox(team.gateway) if one.kind == "tell_referents"]
    assert order == {"account": claire.id, "what": "colleague_unclaimed"}
    assert team.gateway.stores.database.accounts.get(claire.id) == claire
    assert [event.details["count"] for event in journal(team.gateway, "account.unclaimed")] == [3]
    page = words(team.browser(team.nadia).get("/equipe"))
    assert "Trois nouveaux envois sans réponse" in page
    spooled = distributed(team, order)
    assert sorted(spooled) == sorted(
        [("notice", team.nadia.id), ("notice", team.thomas.id), ("operator_alert", "colleague_unclaimed")]
    )


@pytest.mark.spec("RST-12", "R001-10", "THR-06")
def test_whoever_asks_again_gets_one_answer_and_only_the_referents_hear_of_it(team: Team) -> None:
    claire = team.invited("claire")
    answers = []
    for typed in ("claire", "elodie", "nobody"):
        browser = Browser(team.gateway)
        sent = browser.submit(browser.get("/activation/demande"), "/activation/demande", identifier=typed)
        answers.append((sent.status, sent.location, same(browser.onward(sent))))
    assert len(set(answers)) == 1
    taken = team.gateway.stores.ephemeral.spool.take_outgoing(team.gateway.clock.now(), 50, 0.0)
    assert [(item.kind, dict(item.payload)) for _, item, _ in taken] == [
        ("tell_referents", {"account": claire.id, "what": "colleague_asks"})
    ]
    for item_id, _, _ in taken:
        team.gateway.stores.ephemeral.spool.done(item_id, NO_EFFECTS)
    assert outbox(team.gateway) == [], "no link leaves"
    assert sorted(distributed(team, {"account": claire.id, "what": "colleague_asks"})) == sorted(
        [("notice", team.nadia.id), ("notice", team.thomas.id)]
    )
    alone = team.invited("seule")
    for one, _ in team.gateway.stores.database.habilitations.of(alone.id):
        team.gateway.stores.database.habilitations.end(one.id, NO_EFFECTS)
    assert ("operator_alert", "colleague_asks") in distributed(team, {"account": alone.id, "what": "colleague_asks"})


@pytest.mark.spec("RST-02", "RST-09", "AC-040", "R001-09")
def test_a_link_that_is_over_leads_to_a_page_with_a_way_out_the_same_as_an_unknown_one(team: Team) -> None:
    claire = team.invited("claire")
    link = team.gateway.stores.database.links.latest(claire.id, LinkPurpose.ACTIVATION)
    assert link is not None
    token = link_token(team.gateway.stores.database.purpose_keys.get(Purpose.LINK), LinkPurpose.ACTIVATION, link.id)
    team.gateway.clock.advance(DAY - 60)
    browser = Browser(team.gateway)
    assert browser.onward(browser.get(f"/activation/{token}")).status == 200
    team.gateway.clock.advance(60)
    pages = []
    for one in (token, "A" * 43, "x"):
        browser = Browser(team.gateway)
        pages.append(browser.onward(browser.get(f"/activation/{one}")))
    assert {page.status for page in pages} == {410}
    assert len({same(page) for page in pages}) == 1
    assert 'href="/activation/demande"' in pages[0].text


@pytest.mark.spec("RST-13", "THR-06")
def test_a_lost_password_of_who_has_none_gets_the_same_page_and_a_mail_that_explains(team: Team) -> None:
    team.colleague("sans", password_hash=None)
    answers = []
    for typed in ("sans", "elodie", "nobody"):
        browser = Browser(team.gateway)
        sent = browser.submit(browser.get("/forgotten"), "/forgotten", identifier=typed)
        answers.append((sent.status, sent.location, same(browser.onward(sent))))
    assert len(set(answers)) == 1
    taken = team.gateway.stores.ephemeral.spool.take_outgoing(team.gateway.clock.now(), 50, 0.0)
    ordered = {(item.kind, str(item.payload.get("what"))) for _, item, _ in taken}
    assert ordered == {("notice", "reset_without_password"), ("reset", "None")}


# ── on paper ──


@pytest.mark.spec("RST-01", "RST-10")
def test_a_sheet_is_printed_once_and_only_a_digest_is_kept(team: Team) -> None:
    claire = team.invited("claire")
    browser = team.browser(team.nadia)
    page = team.act(browser, claire, "feuille")
    sheet = sheet_of(page)
    assert page.header("cache-control") == "no-store"
    assert (sheet.address, sheet.identifier) == ("https://portail.example/feuille", "claire")
    assert "Claire Exemple" in words(page) and "Nadia Exemple" in words(page)
    assert set(re.findall(r'(?:src|href)="(https?:[^"]+)"', page.text)) == set(), "nothing comes from elsewhere"
    raw = sheet.code.replace("-", "")
    folder = team.gateway.settings.data
    for file in [one for one in Path(str(folder)).rglob("*") if one.is_file()]:
        content = file.read_bytes()
        assert raw.encode() not in content and sheet.code.encode() not in content, file
    assert sheet.code not in browser.get(f"/equipe/{claire.id}").text
    assert told(team.gateway, claire) == ["sheet_printed"]
    (line,) = journal(team.gateway, "sheet.printed")
    assert (line.actor, line.target) == (team.nadia.id, claire.id)


@pytest.mark.spec("RST-03", "RST-04", "RST-11")
def test_a_sheet_activates_by_a_password_once_the_address_is_proved_and_kills_the_mailed_link(team: Team) -> None:
    claire = team.invited("claire")
    database = team.gateway.stores.database
    mailed = database.links.latest(claire.id, LinkPurpose.ACTIVATION)
    sheet = team.printed(team.browser(team.nadia), claire)
    assert mailed is not None and database.links.get(mailed.id).revoked_at is not None  # type: ignore[union-attr]
    sheet.code = f"  {sheet.code.lower().replace('-', ' ')} "
    browser, answer = team.presented(sheet)
    assert answer.location == "/activation"
    page = browser.get("/activation")
    assert "confirmez d'abord votre adresse" in words(page).lower().replace("\u00a0", " ")
    assert 'name="new_password"' not in page.text
    assert database.accounts.get(claire.id) == claire, "looking changes nothing"
    assert team.proved(browser).location == "/activation"
    assert new_password(browser, path="/activation").location == "/activation?done"
    active = database.accounts.get(claire.id)
    assert active is not None
    assert (active.status, active.email_verified_at) == (AccountStatus.ACTIVE, team.gateway.clock.now())
    assert browser.session is None
    refused = team.presented(sheet)[1]
    assert refused.status == 422
    person = Browser(team.gateway)
    person.give_code(person.give_password(person.onward(person.get("/signin")), "claire", FRESH))
    assert person.session is not None


@pytest.mark.spec("REG-09", "RST-11")
def test_paper_alone_proves_no_address(team: Team) -> None:
    """Not even by the form of a mailed link, and the code goes to the account's address alone."""
    claire = team.invited("claire")
    sheet = team.printed(team.browser(team.nadia), claire)
    browser, _ = team.presented(sheet)
    token = hidden_fields(browser.get("/feuille/adresse"), "/feuille/adresse")
    mailed = Browser(team.gateway, cookies=dict(browser.cookies))
    other = team.invited("denis")
    link = team.gateway.stores.database.links.latest(other.id, LinkPurpose.ACTIVATION)
    key = team.gateway.stores.database.purpose_keys.get(Purpose.LINK)
    assert link is not None
    mailed.cookies["__Host-link"] = f"activation.{link_token(key, LinkPurpose.ACTIVATION, link.id)}"
    fields = hidden_fields(mailed.get("/activation"), "/activation")
    refused = browser.post("/activation", {**fields, "new_password": FRESH, "again": FRESH})
    assert (refused.status, refused.location) == (303, "/feuille/adresse")
    assert team.gateway.stores.database.accounts.get(claire.id) == claire
    browser.post("/feuille/adresse", {**token, "address": "voleur@exemple.example"})
    (item,) = [
        item
        for _, item, _ in team.gateway.stores.ephemeral.spool.take_outgoing(team.gateway.clock.now(), 50, 0.0)
        if item.kind == "one_time_code"
    ]
    change = team.gateway.stores.database.contact_changes.get(str(item.payload["change"]))
    assert change is not None and change.value == claire.email


@pytest.mark.spec("RST-09", "THR-06")
def test_whatever_is_wrong_with_a_sheet_the_answer_is_one(team: Team) -> None:
    claire, denis = team.invited("claire"), team.invited("denis")
    old = team.printed(team.browser(team.nadia), claire)
    newer = team.printed(team.browser(team.nadia), claire)
    other = team.printed(team.browser(team.nadia), denis)
    archived = team.invited("parti")
    gone = team.printed(team.browser(team.nadia), archived)
    team.gateway.stores.database.accounts.update(replace(archived, status=AccountStatus.ARCHIVED), NO_EFFECTS)
    wrong = {
        "malformed": ("claire", "x"),
        "unknown": ("claire", "2345-" * 5 + "2345"),
        "of an older sheet": ("claire", old.code),
        "of somebody else": ("claire", other.code),
        "of nobody": ("personne", newer.code),
        "of an archived account": ("parti", gone.code),
        "a mailed link's token": ("claire", "A" * 43),
    }
    answers = {}
    for why, (identifier, code) in wrong.items():
        browser = Browser(team.gateway, peer=f"198.51.100.{len(answers)}")
        page = browser.submit(browser.get("/feuille"), "/feuille", identifier=identifier, code=code)
        answers[why] = (page.status, re.sub(rf'value="{identifier}"', "", same(page)))
    team.gateway.clock.advance(DAY)
    browser, page = team.presented(newer)
    answers["expired"] = (page.status, same(page))
    assert len(set(answers.values())) == 1, answers
    assert {event.outcome.value for event in team.gateway.events("sheet.refused")} == {"refused"}


@pytest.mark.spec("RST-02")
def test_a_sheet_is_accepted_at_23_59_and_refused_at_24_00(team: Team) -> None:
    claire = team.invited("claire")
    sheet = team.printed(team.browser(team.nadia), claire)
    team.gateway.clock.advance(DAY - 60)
    assert team.presented(sheet)[1].status == 303
    team.gateway.clock.advance(60)
    assert team.presented(sheet)[1].status == 422


@pytest.mark.spec("RST-09")
def test_two_hundred_guesses_at_once_from_one_address_are_not_judged_beyond_twenty(team: Team) -> None:
    claire = team.invited("claire")
    sheet = team.printed(team.browser(team.nadia), claire)
    first = Browser(team.gateway, peer="203.0.113.9")
    page = first.get("/feuille")
    fields = hidden_fields(page, "/feuille")

    def guess(number: int) -> int:
        one = Browser(team.gateway, cookies=dict(first.cookies), peer="203.0.113.9")
        return one.post("/feuille", {**fields, "identifier": "claire", "code": f"2345-{number:04d}"}).status

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(guess, range(200))) == {422}
    reasons = [event.reason for event in team.gateway.events("sheet.refused")]
    assert (reasons.count("wrong"), reasons.count("too_many")) == (20, 180)
    assert team.presented(sheet, first)[1].status == 422, "not even the right one, from there"
    assert team.presented(sheet)[1].status == 303, "elsewhere it is as good as ever"


@pytest.mark.spec("R000-10")
def test_a_referent_s_acts_for_one_person_are_counted(team: Team) -> None:
    claire = team.invited("claire")
    browser = team.browser(team.nadia)
    answers = [team.act(browser, claire, "lien").status for _ in range(4)]
    assert answers == [303, 303, 303, 422]


@pytest.mark.spec("WEB-03")
def test_no_form_of_elsewhere_acts(team: Team) -> None:
    claire = team.invited("claire")
    browser = team.browser(team.nadia)
    fields = hidden_fields(browser.get(f"/equipe/{claire.id}"), f"/equipe/{claire.id}/lien")
    path = f"/equipe/{claire.id}/lien"
    assert browser.post(path, {}).status == 403
    assert browser.post(path, fields, origin="https://ailleurs.example").status == 403
    other = team.invited("denis")
    assert browser.post(f"/equipe/{other.id}/lien", fields).status == 403, "the form of another person"
    assert told(team.gateway, claire) == told(team.gateway, other) == []


def test_an_account_that_is_active_gets_no_first_access(team: Team) -> None:
    claire = team.invited("claire")
    browser = team.browser(team.nadia)
    page = browser.get(f"/equipe/{claire.id}")
    active = replace(claire, status=AccountStatus.ACTIVE)
    team.gateway.stores.database.accounts.update(active, NO_EFFECTS)
    for action in ("lien", "feuille"):
        refused = browser.submit(page, f"/equipe/{claire.id}/{action}")
        assert refused.status == 422
        assert "déjà activé" in words(refused)
    assert told(team.gateway, claire) == []
