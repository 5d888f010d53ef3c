"""The sign-in form on the assembled gateway: what it says before anybody is known, what it answers to whoever presses its
button once, twice or with nothing typed, and what stays open while a password is under delay."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.accounts.account import AccountStatus
from gateway.web.translations import Translations
from tests.requirements.assembled import (
    ISSUER,
    PASSWORD,
    Answer,
    Browser,
    Gateway,
    action_of,
    hidden_fields,
    opened,
)
from tests.requirements.test_account_rows import codes_under_way, outgoing, words
from tests.requirements.test_team_rows import same
from tests.unit.web.test_password_page import Fields
from tests.webauthn_authenticator import SoftAuthenticator

PHONE = "+33639980001"


def at_form(browser: Browser) -> tuple[Answer, str]:
    page = browser.onward(browser.get("/signin"))
    return page, action_of(page, "password")


def handle_of(action: str) -> str:
    return action.split("/")[2]


# ── what it says ──


@pytest.mark.spec("R002-14")
@pytest.mark.parametrize(("language", "said"), [("fr", "réservé aux professionnels"), ("en", "professionals only")])
def test_the_pages_say_that_they_are_for_professionals(gateway: Gateway, language: str, said: str) -> None:
    browser = gateway.browser
    browser.get(f"/?ui_locales={language}")
    assert said in words(browser.get("/"))
    assert said in words(at_form(browser)[0])


@pytest.mark.spec("R001-05")
def test_an_empty_field_is_told_beside_it_and_is_no_try(gateway: Gateway) -> None:
    gateway.registered()
    browser = gateway.browser
    page, action = at_form(browser)
    answers = set()
    for typed in ("camille", "personne", "99900000003") * 2:
        answer = browser.submit(page, action, identifier=typed, password="")
        fields = Fields(answer.text)
        described = (fields.inputs["password"]["aria-describedby"] or "").split()
        assert (described, fields.inputs["password"]["aria-invalid"]) == (["password-missing"], "true")
        assert 'id="password-missing">Le champ Mot de passe est requis.<' in answer.text
        assert "aria-invalid" not in fields.inputs["identifier"]
        assert fields.inputs["identifier"]["value"] == typed
        assert fields.ids >= {"password-missing"} and "<title>Erreur" in answer.text
        answers.add((answer.status, same(answer)))
    assert {status for status, _ in answers} == {422} and len(answers) == 1
    both = browser.submit(page, action, identifier=" ", password="")
    assert "Le champ Identifiant est requis." in words(both) and "Le champ Mot de passe" in words(both)
    assert gateway.events("signin.password") == []
    browser.get(f"{action}?ui_locales=en")
    assert "The field Password is required." in words(browser.submit(page, action, identifier="camille", password=""))
    assert "/code" in browser.give_password(page).text, "nobody waits for what was no try"


@pytest.mark.spec("R001-06", "R002-13", "RST-06")
def test_the_form_leads_to_a_lost_password_which_answers_one_thing_to_everybody(gateway: Gateway) -> None:
    gateway.registered()
    gateway.person("parti", status=AccountStatus.ARCHIVED)
    gateway.person("sans", password_hash=None)
    page, _ = at_form(gateway.browser)
    assert re.search(r'<button class="[^"]*" type="submit">Se connecter</button>', page.text)
    link = re.search(r'<a href="(/forgotten[^"]*)">Mot de passe oublié\s\?</a>', page.text)
    assert link is not None
    answers, lines = set(), set()
    for typed in ("camille", "camille@exemple.example", "99900000003", "parti", "sans", "personne", PHONE):
        browser, before = Browser(gateway), len(gateway.events())
        sent = browser.submit(browser.get(link[1]), "/forgotten", identifier=typed)
        answers.add((sent.status, sent.location, same(browser.onward(sent))))
        lines.add(tuple(event.name for event in gateway.events()[before:]))
    assert len(answers) == 1
    assert lines == {("link.requested",)}, "nor does it write more for one than for another"


# ── its button ──


@pytest.mark.spec("R001-07", "R002-13")
def test_one_button_sends_the_form_and_a_second_press_changes_nothing(gateway: Gateway) -> None:
    gateway.registered()
    browser = gateway.browser
    page, action = at_form(browser)
    form = re.search(rf'<form method="post" action="{action}".*?</form>', page.text, re.DOTALL)
    assert form is not None
    buttons = re.findall(r"<button([^>]*)>([^<]*)</button>", form[0])
    pressed_by_enter = [label for attributes, label in buttons if 'type="button"' not in attributes]
    assert pressed_by_enter == ["Se connecter"]
    fields = hidden_fields(page, action) | {"identifier": "camille", "password": PASSWORD}
    for pressed in range(3):
        twice = [Browser(gateway, cookies=dict(browser.cookies)) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda one: one.post(action, fields), twice))
        assert {(one.status, one.location) for one in answers} == {(303, f"/signin/{handle_of(action)}")}, pressed
    for one in twice:
        assert action_of(one.onward(one.get(f"/signin/{handle_of(action)}")), "code")
    assert len(codes_under_way(gateway)) == 1
    assert [event.outcome.value for event in gateway.events("signin.password")].count("refused") == 0
    page = browser.get(f"/signin/{handle_of(action)}/code")
    browser.give_code(page)
    assert browser.session is not None
    again = browser.onward(browser.post(action, fields))
    assert again.status == 410 and browser.session is not None


# ── before the first factor ──


@pytest.mark.spec("OTP-11", "AC-036")
def test_before_the_password_nothing_tells_who_has_a_telephone(gateway: Gateway) -> None:
    gateway.registered()
    gateway.person("sans")
    seen = set()
    for username in ("camille", "sans", "personne"):
        browser = Browser(gateway)
        page, action = at_form(browser)
        journey = f"/signin/{handle_of(action)}"
        asked = [browser.submit(page, action, identifier=username, password="faux")]
        asked += [browser.get(f"{journey}/{step}") for step in ("code", "factor", "totp")]
        token = hidden_fields(page, action) | {"channel": "sms", "identifier": username}
        asked += [browser.post(f"{journey}/code/resend", token), browser.post(f"{journey}/code", token)]
        said = [(one.status, one.header("location"), same(one)) for one in asked]
        incident = r"[A-Z2-7]{4}-[A-Z2-7]{4}"
        seen.add(re.sub(incident, "", repr(said)).replace(handle_of(action), "H").replace(username, "somebody"))
    assert len(seen) == 1
    assert codes_under_way(gateway) == outgoing(gateway) == []


@pytest.mark.spec("OTP-10", "AC-023")
def test_no_public_address_sends_anything_to_a_number(gateway: Gateway) -> None:
    gateway.registered(phone=PHONE)
    typed = dict.fromkeys(
        ("identifier", "username", "phone", "telephone", "value", "address", "code", "to", "login_hint"), PHONE
    )
    typed |= {"channel": "sms", "password": PASSWORD}
    action = at_form(gateway.browser)[1]
    posted = set()
    for rule in gateway.pages.url_map.iter_rules():
        browser = Browser(gateway, cookies=dict(gateway.browser.cookies))
        path = re.sub(r"<[^>]+>", "x" * 43, rule.rule.replace("<handle>", handle_of(action)))
        if path.endswith("/cancel"):
            continue
        answer = browser.get(path) if "GET" in (rule.methods or ()) else browser.post(path, typed)
        for form in set(re.findall(r'method="post" action="([^"]+)"', answer.text)) if answer.status == 200 else ():
            if not form.endswith("/cancel"):
                posted.add(form)
                browser.post(form, {**hidden_fields(answer, form), **typed})
    for path in gateway.machine:
        gateway.ask("POST", path, body=b"phone=%2B33639980001&login_hint=%2B33639980001&channel=sms")
    assert posted >= {action, "/forgotten", "/activation/demande", "/feuille"}
    spool = gateway.stores.ephemeral.spool.take_outgoing(gateway.clock.now(), 50, 0.0)
    assert [item.kind for _, item, _ in spool] == []
    assert outgoing(gateway) == []


# ── a password under delay ──


def called(browser: Browser, page: Answer, authenticator: SoftAuthenticator, kind: str, **more: str) -> Answer:
    """The two calls of a page with a passkey, as its script makes them."""
    said = {name: re.search(rf'data-{name}="([^"]+)"', page.text) for name in ("options", "verify", "token")}

    def call(name: str, body: dict[str, Any]) -> Answer:
        address, token = said[name], said["token"]
        assert address is not None and token is not None, page.text[:1500]
        octets = json.dumps(body).encode()
        return browser.ask(
            "POST", address[1], body=octets, content_type="application/json", origin=ISSUER, x_form_token=token[1]
        )

    options = call("options", {})
    assert options.status == 200, options.text
    return call("verify", {"credential": getattr(authenticator, kind)(options.json), **more})


@pytest.mark.spec("THR-04", "AC-004")
def test_a_password_under_delay_keeps_nobody_from_their_passkey(tmp_path: Path) -> None:
    for gateway in opened(tmp_path, means=["passkey", "password"]):
        gateway.registered()
        authenticator = SoftAuthenticator(ISSUER, "portail.example")
        browser = gateway.browser
        browser.sign_in()
        made = called(browser, browser.get("/compte/passkeys/nouvelle"), authenticator, "create", label="clé")
        assert made.status == 200, made.text
        thief = Browser(gateway, peer="198.51.100.77")
        page, action = at_form(thief)
        for _ in range(5):
            page = thief.submit(page, action, identifier="camille", password="faux")
        holder = Browser(gateway)
        page, action = at_form(holder)
        assert holder.give_password(page).status == 422, "not even the right one"
        proved = called(holder, holder.get(f"/signin/{handle_of(action)}/passkey"), authenticator, "get")
        assert proved.status == 200, proved.text
        holder.onward(holder.get(proved.json["next"]))
        assert holder.session is not None
        assert [event.reason for event in gateway.events("signin.delayed")] == ["delay"] * 3


def test_what_is_said_of_an_empty_field_names_it_as_the_page_does() -> None:
    for language in ("fr", "en"):
        say = Translations().say
        for name in ("identifier", "password"):
            assert say(language, f"signin.{name}") in say(
                language, "signin.required", field=say(language, f"signin.{name}")
            )
