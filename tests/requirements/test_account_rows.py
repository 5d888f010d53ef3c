"""« Mon compte » on the assembled gateway: what a person sees of their account and changes in it, and what nobody else can."""

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest

from gateway.accounts.contact_change import recovery_addresses
from gateway.accounts.one_time_link import LinkPurpose, link_token
from gateway.accounts.trusted_device import TrustedDevice
from gateway.journal.effects import NO_EFFECTS, Outgoing
from gateway.journal.events import Event, Outcome
from gateway.keys.purposes import Purpose
from tests.requirements.assembled import DAY, PASSWORD, REFERENT, STATISTICS, Answer, Browser, Gateway, told


def signed_in(gateway: Gateway, username: str = "camille") -> Browser:
    browser = Browser(gateway)
    browser.sign_in(username=username)
    assert browser.session is not None
    return browser


def words(page: Answer) -> str:
    """What the page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def codes_under_way(gateway: Gateway) -> list[Outgoing]:
    """The one-time codes that the ephemeral store sends."""
    taken = gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 50, 0.0)
    return [item for _, item, _ in taken if item.kind == "one_time_code"]


def outgoing(gateway: Gateway) -> list[Outgoing]:
    """What the durable store sends, in its order."""
    taken = gateway.stores.database.outbox.take(gateway.clock.now(), limit=50, lease_seconds=0)
    return [Outgoing(kind, payload) for _, kind, payload, _ in taken]


# ── the first page ──


@pytest.mark.spec("R003-13")
def test_the_first_page_says_who_one_is_and_leads_to_everything(gateway: Gateway) -> None:
    gateway.registered()
    browser = signed_in(gateway)
    page = browser.get("/compte")
    assert page.status == 200
    said = words(page)
    assert "Camille Exemple" in said
    assert "99900000003" in said
    assert "899900000003" in said, "the identifier that the e-CPS application asks for"
    for address in sorted(set(re.findall(r'href="(/compte/[a-z-]+)"', page.text))):
        assert browser.onward(browser.get(address)).status == 200, address


def test_whoever_is_not_signed_in_signs_in_and_comes_back(gateway: Gateway) -> None:
    gateway.registered()
    for address in (
        "/compte",
        "/compte/sessions",
        "/compte/applications",
        "/compte/identites",
        "/compte/habilitations",
    ):
        browser = Browser(gateway)
        answer = browser.sign_in(browser.get(address))
        assert (answer.status, browser.trail[-1].status) == (200, 200)
        assert "Mon compte" in words(answer) or "mon compte" in words(answer), address


@pytest.mark.spec("SES-13")
def test_the_sign_in_before_this_one_is_shown_with_its_means(gateway: Gateway) -> None:
    gateway.registered()
    first = signed_in(gateway)
    assert "C'est votre première connexion" in words(first.get("/compte"))
    gateway.clock.advance(3600)
    second = signed_in(gateway)
    before = words(second.get("/compte")).partition("Fin de session")[0]
    assert "par mot de passe et code" in before
    assert second.get("/").location == "/compte"
    gateway.clock.advance(600)
    second.sign_in(second.authorize(prompt="login"))
    assert words(second.get("/compte")).startswith(before), "proving oneself again in a session is no new sign-in"


# ── sessions ──


@pytest.mark.spec("SES-09")
def test_somebody_sees_their_sessions_and_ends_one_or_all_the_others(gateway: Gateway) -> None:
    gateway.registered()
    gateway.person("paul")
    here = Browser(gateway)
    here.sign_in()
    others = [signed_in(gateway) for _ in range(2)]
    stranger = signed_in(gateway, "paul")
    page = here.get("/compte/sessions")
    assert words(page).count("mot de passe, code par e-mail") == 3
    assert "Ouverte le" in words(page) and "Utilisée le" in words(page)
    ended = others[0].session
    strangers = stranger.session
    assert ended is not None and strangers is not None
    token = re.search(
        r'action="/compte/sessions/fin">\s*<input type="hidden" name="form_token" value="([^"]+)"', page.text
    )
    assert token is not None
    for sid, said in ((strangers.sid, "session_gone"), (ended.sid, "session_ended"), (ended.sid, "session_gone")):
        answer = here.post("/compte/sessions/fin", {"form_token": token[1], "session": sid})
        assert answer.location == f"/compte/sessions?said={said}"
    assert others[0].session is None
    assert others[1].session is not None and stranger.session is not None
    here.submit(here.get("/compte/sessions"), "/compte/sessions/autres")
    assert others[1].session is None
    assert here.session is not None and stranger.session is not None
    assert {event.reason for event in gateway.events("session.ended")} == {"by_holder"}


@pytest.mark.spec("SES-09")
def test_a_session_says_a_declared_network_or_no_place(tmp_path: Path) -> None:
    networks = "networks:\n  - name: Centre hospitalier fictif\n    cidrs: [198.51.100.0/24]\n"
    gateway = Gateway(tmp_path, networks=networks)
    gateway.registered()
    there = Browser(gateway, peer="198.51.100.9")
    there.sign_in()
    page = words(there.get("/compte/sessions"))
    assert "Depuis Centre hospitalier fictif" in page
    elsewhere = signed_in(gateway)
    assert words(elsewhere.get("/compte/sessions")).count("Depuis") == 1
    assert "192.0.2.7" not in elsewhere.get("/compte/sessions").text
    gateway.close()


@pytest.mark.spec("SES-10")
def test_one_session_too_many_ends_the_first_and_its_holder_is_told(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, parameters={"key.sign.rsa_bits": 2048, "idp.session.at_once": 2})
    gateway.registered()
    browsers = []
    for _ in range(3):
        browsers.append(signed_in(gateway))
        gateway.clock.advance(60)
    assert [browser.session is not None for browser in browsers] == [False, True, True]
    spooled = gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 50, 0.0)
    told = [item.payload["what"] for _, item, _ in spooled if item.kind == "notice"]
    assert sorted(map(str, told)) == ["new_device", "new_device", "sessions_limit"]
    gateway.close()


# ── devices ──


def test_a_trusted_device_is_named_and_revoked_by_its_holder_alone(gateway: Gateway) -> None:
    camille, paul = gateway.registered(), gateway.person("paul")
    now = gateway.clock.now()
    for owner, device_id in ((camille, "mine"), (paul, "theirs")):
        device = TrustedDevice(device_id, owner.id, b"\4" + bytes(64), "Firefox sur Windows", now, now, now)
        gateway.stores.database.devices.trust(device, NO_EFFECTS)
    browser = signed_in(gateway)
    page = browser.get("/compte/appareils/mine")
    browser.submit(page, "/compte/appareils/mine/nom", label="  Poste du \x07cabinet ")
    assert "Poste du cabinet" in words(browser.get("/compte/sessions"))
    assert browser.get("/compte/appareils/theirs").location == "/compte/sessions?said=device_gone"
    browser.submit(page, "/compte/appareils/mine/retrait")
    assert gateway.stores.database.devices.of(camille.id) == []
    assert browser.submit(page, "/compte/appareils/mine/retrait").location.endswith("device_gone")
    assert len(gateway.stores.database.devices.of(paul.id)) == 1


# ── applications ──


@pytest.mark.spec("OID-17")
def test_a_withdrawn_application_loses_its_access_and_is_told_and_the_session_goes_on(gateway: Gateway) -> None:
    gateway.registered()
    browser = gateway.browser
    tokens = gateway.tokens(browser.code())
    other = gateway.tokens(browser.code("suivi"), "suivi")
    page = browser.get("/compte/applications")
    said = words(page)
    assert "Orientation handicap" in said and "votre adresse e-mail" in said and "Suivi" in said
    fields = {"application": "orientation"}
    answer = browser.onward(browser.submit(page, "/compte/applications/retrait", **fields))
    assert "L'application est déconnectée" in words(answer)
    assert "Orientation handicap" not in words(answer)
    assert gateway.userinfo(tokens["access_token"]).status == 401
    assert gateway.refreshed(tokens["refresh_token"]).status == 400
    assert gateway.userinfo(other["access_token"]).status == 200
    assert browser.session is not None and browser.session.clients == ("suivi",)
    (line,) = gateway.events("application.withdrawn")
    assert line.client == "orientation"
    spool = gateway.stores.ephemeral.spool
    calls = [
        item for _, item, _ in spool.take_outgoing(gateway.clock.now(), 50, 0.0) if item.kind == "backchannel_logout"
    ]
    assert [call.payload["client"] for call in calls] == ["orientation"]
    again = browser.submit(page, "/compte/applications/retrait", **fields)
    assert again.location == "/compte/applications?said=application_gone"


@pytest.mark.spec("OID-17")
def test_what_was_agreed_is_asked_again_once_it_is_withdrawn(gateway: Gateway) -> None:
    gateway.registered()
    browser = gateway.browser
    page = browser.sign_in(browser.authorize(prompt="consent"))
    action = re.search(r'action="(/signin/[^"/]+/consent)"', page.text)
    assert action is not None
    assert "code" in told(browser.onward(browser.submit(page, action[1])))
    page = browser.get("/compte/applications")
    assert "Avec votre accord" in words(page)
    assert browser.session is not None and browser.session.agreed
    browser.submit(page, "/compte/applications/retrait", application="orientation")
    assert browser.session.agreed == ()


# ── rights ──


@pytest.mark.spec("R003-13", "R003-14")
def test_one_s_habilitations_and_the_referents_of_one_s_structures(gateway: Gateway) -> None:
    camille, paul = gateway.registered(), gateway.person("paul", rpps="99900000011")
    secret = gateway.person("zoe", email_verified_at=None)
    here, elsewhere = gateway.structure(1), gateway.structure(2)
    gateway.habilitation(camille, here, STATISTICS)
    gateway.habilitation(paul, here, REFERENT)
    gateway.habilitation(secret, here, STATISTICS)
    gateway.habilitation(secret, elsewhere, REFERENT)
    page = words(signed_in(gateway).get("/compte/habilitations"))
    assert "Foyer fictif 1" in page and STATISTICS in page
    assert re.search(r"Du \d+ \S+ 20\d\d au \d+ \S+ 20\d\d", page)
    assert "Paul Exemple" in page and "paul@exemple.example" in page
    assert "99900000011" not in page
    assert "Zoe" not in page and "Foyer fictif 2" not in page
    own = words(signed_in(gateway, "paul").get("/compte/habilitations"))
    assert "Aucun référent n'est connu" in own, "nobody is their own référent"
    gateway.clock.advance(73 * 3600)
    stale = words(signed_in(gateway).get("/compte/habilitations"))
    assert "Ne donne aucun droit aujourd'hui" in stale and "Paul" not in stale


# ── contacts ──


def proved(gateway: Gateway, browser: Browser, address: str) -> Answer:
    """The page at this address, proving oneself afresh when it asks."""
    answer = browser.onward(browser.get(address))
    if "/signin/" in answer.text:
        gateway.clock.advance(61)
        answer = browser.sign_in(answer)
    assert answer.status == 200, answer.text[:500]
    return answer


def changed(gateway: Gateway, browser: Browser, slug: str, value: str) -> Answer:
    """As far as the page that asks the code of the new contact."""
    page = proved(gateway, browser, f"/compte/contacts/{slug}")
    gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 50, 0.0)
    return browser.onward(browser.submit(page, f"/compte/contacts/{slug}", value=value))


def give_contact_code(gateway: Gateway, browser: Browser, page: Answer, code: str | None = None) -> Answer:
    action = re.search(r'action="(/compte/contacts/verification/[^"/]+)"', page.text)
    assert action is not None, page.text[:500]
    return browser.onward(browser.submit(page, action[1], code=code or gateway.sent_code()))


def undo_token(gateway: Gateway) -> str:
    for _, kind, payload, _ in gateway.stores.database.outbox.take(gateway.clock.now(), limit=50, lease_seconds=0):
        if kind == "link" and payload["purpose"] == "undo_contact":
            key = gateway.stores.database.purpose_keys.get(Purpose.LINK)
            return link_token(key, LinkPurpose.UNDO_CONTACT, str(payload["link"]))
    raise AssertionError("no link to undo")


@pytest.mark.spec("OTP-13")
def test_a_change_of_address_is_proved_by_a_fresh_factor_and_by_the_new_address(gateway: Gateway) -> None:
    camille = gateway.registered()
    browser, other = signed_in(gateway), signed_in(gateway)
    gateway.clock.advance(301)
    asked = browser.get("/compte/contacts/email")
    assert asked.location.startswith("/signin/"), "the session is too old to change anything"
    page = changed(gateway, browser, "email", "Neuve@Exemple.example")
    assert "Neuve@exemple.example" in words(page)
    stored = gateway.stores.database.accounts.get(camille.id)
    assert stored is not None and stored.email == camille.email
    assert "Ce code est incorrect" in words(give_contact_code(gateway, browser, page, "00000000"))
    done = give_contact_code(gateway, browser, page)
    assert "Votre adresse e-mail est changée" in words(done)
    stored = gateway.stores.database.accounts.get(camille.id)
    assert stored is not None and stored.email == "Neuve@exemple.example"
    assert stored.contact_version == camille.contact_version + 1
    assert other.get("/compte/contacts/email").location.startswith("/signin/"), "proofs of before are worth nothing"
    outbox = gateway.stores.database.outbox.take(gateway.clock.now(), limit=50, lease_seconds=0)
    assert {kind for _, kind, _, _ in outbox} == {"contact_notice", "link"}, "the new and the old address are told"


@pytest.mark.spec("OTP-13")
def test_the_new_address_recovers_nothing_for_a_day(gateway: Gateway) -> None:
    camille = gateway.registered()
    browser = signed_in(gateway)
    give_contact_code(gateway, browser, changed(gateway, browser, "email", "neuve@exemple.example"))
    made = gateway.stores.database.accounts.get(camille.id)
    assert made is not None and made.email_changed_at is not None
    at = made.email_changed_at
    assert recovery_addresses(made, at + 24 * 3600 - 1) == ()
    assert recovery_addresses(made, at + 24 * 3600) == ("neuve@exemple.example",)
    with_recovery = replace(made, recovery_email="s@exemple.example", recovery_email_verified_at=at - 1)
    assert recovery_addresses(with_recovery, at + 24 * 3600 - 1) == ("s@exemple.example",)


@pytest.mark.spec("OTP-13")
def test_the_former_address_takes_the_change_back_and_looking_consumes_nothing(gateway: Gateway) -> None:
    camille = gateway.registered()
    thief = signed_in(gateway)
    give_contact_code(gateway, thief, changed(gateway, thief, "email", "voleur@exemple.example"))
    token, holder = undo_token(gateway), Browser(gateway)
    for _ in range(2):
        page = holder.onward(holder.get(f"/undo_contact/{token}"))
        assert "Annuler ce changement" in words(page)
        assert token not in page.text
    assert thief.session is not None
    done = holder.onward(holder.submit(page, "/undo_contact"))
    assert "Le changement est annulé" in words(done)
    stored = gateway.stores.database.accounts.get(camille.id)
    assert stored is not None and stored.email == camille.email
    assert thief.session is None
    again = holder.onward(holder.get(f"/undo_contact/{token}"))
    assert again.status == 410


@pytest.mark.spec("OTP-09", "OTP-04")
def test_twenty_wrong_codes_of_new_contacts_close_every_change_for_a_day_and_the_holder_is_told(tmp_path: Path) -> None:
    limits = {"key.sign.rsa_bits": 2048, "otp.sends.account.hour": 10}
    gateway = Gateway(tmp_path, parameters=limits)
    camille = gateway.registered()
    browser = signed_in(gateway)
    waiting = changed(gateway, browser, "email", "neuve@exemple.example")
    code = gateway.sent_code()
    for number in range(4):
        page = changed(gateway, browser, "secours", f"secours{number}@exemple.example")
        for left in (4, 3, 2, 1):
            assert f"Essais restants : {left}" in words(give_contact_code(gateway, browser, page, "00000000"))
        over = give_contact_code(gateway, browser, page, "00000000")
        assert "Ce code ne peut plus servir" in words(over), "five wrong ones end a change, whatever comes next"
        assert len(gateway.events("contact.changed")) == number // 3
    assert "Ce code ne peut plus servir" in words(give_contact_code(gateway, browser, waiting, code))
    refused = changed(gateway, browser, "telephone", "06 12 34 56 78")
    assert refused.status == 422 and "Trop de codes faux" in words(refused)
    stored = gateway.stores.database.accounts.get(camille.id)
    assert stored is not None and (stored.email, stored.recovery_email) == (camille.email, None)
    taken = gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 50, 0.0)
    told = [item.payload["what"] for _, item, _ in taken if item.kind == "notice"]
    assert told == ["contact_codes_disabled"]
    gateway.sent_code()  # what waits for the wrong ones goes
    gateway.clock.advance(DAY)
    browser = signed_in(gateway)
    page = changed(gateway, browser, "secours", "secours@exemple.example")
    code = gateway.sent_code()
    assert "Votre adresse de secours est enregistrée" in words(give_contact_code(gateway, browser, page, code))
    assert "Ce code ne peut plus servir" in words(give_contact_code(gateway, browser, page, code)), "it serves once"
    gateway.close()


@pytest.mark.spec("OTP-13")
def test_a_change_begun_by_one_person_is_nothing_to_another(gateway: Gateway) -> None:
    gateway.registered()
    gateway.person("paul")
    mine, theirs = signed_in(gateway), signed_in(gateway, "paul")
    page = changed(gateway, mine, "email", "neuve@exemple.example")
    address = re.search(r"/compte/contacts/verification/[A-Za-z0-9_-]+", page.text)
    assert address is not None
    assert theirs.get(address[0]).location == "/compte/contacts?said=gone"


@pytest.mark.spec("R002-17", "R002-18", "R002-19", "R002-20")
def test_codes_go_by_sms_once_the_number_is_verified_and_not_before(gateway: Gateway) -> None:
    camille = gateway.registered(phone=None, phone_verified_at=None)
    accounts = gateway.stores.database.accounts
    browser = signed_in(gateway)
    page = proved(gateway, browser, "/compte/contacts")
    assert "Vérifiez d'abord votre téléphone" in words(page)
    refused = browser.submit(page, "/compte/contacts/canal", channel="sms")
    assert refused.status == 422
    page = changed(gateway, browser, "telephone", "06 12 34 56 78")
    stored = accounts.get(camille.id)
    assert stored is not None and (stored.phone, stored.phone_verified_at) == ("+33612345678", None)
    done = give_contact_code(gateway, browser, page)
    assert "Votre téléphone est vérifié" in words(done)
    page = proved(gateway, browser, "/compte/contacts/email")
    chosen = browser.submit(browser.get("/compte/contacts"), "/compte/contacts/canal", channel="sms")
    assert chosen.location == "/compte/contacts?said=channel"
    stored = accounts.get(camille.id)
    assert stored is not None and stored.code_channel == "sms"
    page = changed(gateway, browser, "telephone", "06 12 34 56 79")
    stored = accounts.get(camille.id)
    assert stored is not None and (stored.phone_verified_at, stored.code_channel) == (None, "email")
    whats = [item.payload["what"] for item in outgoing(gateway) if item.kind == "notice"]
    assert whats == ["phone_verified", "channel_changed", "phone_changed"]


@pytest.mark.spec("R002-19", "SMS-03", "AC-027")
@pytest.mark.parametrize(
    "typed",
    ["01 23 45 67 89", "0899123456", "+4915112345678", "bonjour", ""],
    ids=["fixed", "premium", "foreign", "words", "nothing"],
)
def test_a_number_that_receives_no_codes_is_refused_before_anything_leaves(gateway: Gateway, typed: str) -> None:
    gateway.registered()
    browser = signed_in(gateway)
    before = len(codes_under_way(gateway))
    assert changed(gateway, browser, "telephone", typed).status == 422
    assert len(codes_under_way(gateway)) == before


@pytest.mark.spec("AC-024", "SMS-04")
def test_a_fourth_number_in_a_day_is_refused(gateway: Gateway) -> None:
    gateway.registered()
    browser = signed_in(gateway)
    for last in range(3):
        assert changed(gateway, browser, "telephone", f"06 12 34 56 7{last}").status == 200
    refused = changed(gateway, browser, "telephone", "06 12 34 56 79")
    assert refused.status == 422 and "Réessayez demain" in words(refused)


@pytest.mark.spec("R000-13")
def test_a_recovery_address_is_another_one_than_the_login_s(gateway: Gateway) -> None:
    camille = gateway.registered()
    browser = signed_in(gateway)
    refused = changed(gateway, browser, "secours", camille.email.upper())
    assert refused.status == 422 and "une autre adresse" in words(refused)
    page = changed(gateway, browser, "secours", "secours@exemple.example")
    assert "Votre adresse de secours est enregistrée" in words(give_contact_code(gateway, browser, page))
    stored = gateway.stores.database.accounts.get(camille.id)
    assert stored is not None and (stored.email, stored.recovery_email) == (camille.email, "secours@exemple.example")
    assert "secours@exemple.example" in words(browser.get("/compte/contacts"))


# ── password ──


@pytest.mark.spec("PWD-09")
def test_another_password_asks_the_current_one_and_a_fresh_factor(gateway: Gateway) -> None:
    gateway.registered()
    browser = signed_in(gateway)
    gateway.clock.advance(301)
    assert browser.get("/compte/mot-de-passe").location.startswith("/signin/")
    page = proved(gateway, browser, "/compte/mot-de-passe")
    new = "une pluie fine sur les tuiles rouges"
    fields = {"current": "not the one at all", "new_password": new, "again": new}
    assert browser.submit(page, "/compte/mot-de-passe", **fields).status == 422
    assert browser.session is not None
    done = browser.submit(page, "/compte/mot-de-passe", **{**fields, "current": PASSWORD})
    assert "Votre mot de passe est changé" in words(done)
    assert browser.session is None
    fresh = Browser(gateway)
    gateway.clock.advance(3600)
    assert "/code" in fresh.give_password(fresh.onward(fresh.get("/signin")), password=new).text


# ── journal ──


def test_one_s_own_journal_is_told_in_sentences_and_nobody_else_s_is(gateway: Gateway) -> None:
    camille, paul = gateway.registered(), gateway.person("paul")
    browser = signed_in(gateway)
    signed_in(gateway, "paul")
    gateway.clock.advance(400 * 86_400)
    old = Event("device.revoked", Outcome.SUCCESS, gateway.clock.now() - 367 * 86_400, target=camille.id)
    done = Event("identity.unlinked", Outcome.SUCCESS, gateway.clock.now(), actor=paul.id, target=camille.id)
    theirs = Event("recovery_codes.made", Outcome.SUCCESS, gateway.clock.now(), actor=camille.id, target=paul.id)
    gateway.stores.database.journal.append((old, done, theirs), node="test")
    page = words(proved(gateway, signed_in(gateway), "/compte/journal"))
    assert "Une identité a été retirée" in page
    assert "feuille de codes" not in page and "Un appareil n'est plus" not in page
    assert "paul" not in page.lower() and paul.id not in page
    assert browser.session is None


def test_the_copy_of_one_s_data_asks_a_fresh_proof_and_holds_no_secret(gateway: Gateway) -> None:
    camille = gateway.registered()
    browser = signed_in(gateway)
    gateway.clock.advance(301)
    assert browser.get("/compte/donnees").location.startswith("/signin/")
    assert browser.get("/compte/journal").location.startswith("/signin/")
    page = proved(gateway, browser, "/compte/donnees")
    copy = browser.submit(page, "/compte/donnees")
    assert copy.header("content-disposition") == 'attachment; filename="mes-donnees.json"'
    assert copy.json["account"]["rpps"] == "99900000003"
    for secret in (camille.password_hash or "", "argon2", browser.cookies["__Host-session"], "192.0.2.7"):
        assert secret not in copy.text


# ── forms ──


@pytest.mark.spec("WEB-03")
def test_no_form_of_the_account_is_taken_without_its_token(gateway: Gateway) -> None:
    gateway.registered()
    browser = signed_in(gateway)
    posts = {
        re.sub(r"<[^>]+>", "x", rule.rule)
        for rule in gateway.pages.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and rule.rule.startswith("/compte")
    }
    assert len(posts) >= 6
    posts.add("/undo_contact")
    for path in sorted(posts):
        for token in ({}, {"form_token": "A" * 43}):
            assert browser.post(path, token).status in {400, 403}, path
