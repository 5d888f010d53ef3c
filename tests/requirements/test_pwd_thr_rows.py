"""Passwords and throttling over HTTP, on the gateway as it is deployed."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.settings import ConfigurationError
from gateway.storage.ephemeral import EphemeralStoreUnavailableError
from gateway.storage.ephemeral.on_sqlite import database as on_sqlite
from tests.requirements.assembled import PASSWORD, Browser, Gateway, action_of, hidden_fields, opened, told

ROOT = Path(__file__).resolve().parents[2]
NEW = "la mésange bleue se pose"
HOSPITAL = "networks: [{name: CH de la Garrigue (fictif), cidrs: [198.51.100.0/24]}]"


@pytest.mark.spec("R001-08", "PWD-07")
def test_no_application_gets_anything_before_a_demanded_password_is_chosen(gateway: Gateway) -> None:
    account, browser = gateway.registered(), gateway.browser
    gateway.habilitation(account, gateway.structure(1))
    tokens = gateway.tokens(browser.code())
    gateway.stores.database.accounts.demand_new_password(account.id, NO_EFFECTS)
    silent = told(browser.authorize(prompt="none"))
    assert (silent.get("code"), silent["error"]) == (None, "interaction_required")
    page = browser.sign_in(browser.authorize())
    action = action_of(page, "new_password")
    handle = action.rsplit("/", 1)[0]
    assert browser.get(handle).location == action
    refused = browser.submit(page, action, new_password=PASSWORD, again=PASSWORD)
    assert (refused.status, "le même mot de passe" in refused.text) == (422, True)
    differing = browser.submit(refused, action, new_password=NEW, again=NEW + "x")
    assert differing.status == 422
    answer = browser.onward(browser.submit(differing, action, new_password=NEW, again=NEW))
    assert told(answer)["code"]
    assert gateway.refreshed(tokens["refresh_token"]).status == 400  # what the former password had opened is over
    assert NEW not in repr(gateway.events())


@pytest.mark.spec("PWD-03", "AC-011")
def test_the_name_of_the_persons_establishment_and_a_year_is_refused(gateway: Gateway) -> None:
    account, browser = gateway.registered(), gateway.browser
    gateway.habilitation(account, replace(gateway.structure(1)))
    gateway.stores.database.accounts.demand_new_password(account.id, NO_EFFECTS)
    page = browser.sign_in()
    action = action_of(page, "new_password")
    for known in ("Foyer fictif 2026", "Orientation handicap", "camille@exemple.example"):
        refused = browser.submit(page, action, new_password=known, again=known)
        assert (refused.status, "trop connu" in refused.text) == (422, True), known


@pytest.mark.spec("THR-05", "THR-13", "AC-005")
def test_a_spray_waits_on_a_page_that_says_so_and_works_without_a_script(gateway: Gateway) -> None:
    gateway.registered()
    for number in range(20):
        attacker = Browser(gateway)
        page = attacker.onward(attacker.get("/signin"))
        action = action_of(page, "password")
        assert attacker.submit(page, action, identifier=f"agent{number}", password="Printemps2026!").status == 422
    assert [event.name for event in gateway.events("signin.spray")] == ["signin.spray"]
    colleague = Browser(gateway)
    page = colleague.onward(colleague.get("/signin"))
    assert 'data-wait="5"' in page.text
    action = action_of(page, "password")
    early = colleague.submit(page, action, identifier="camille", password=PASSWORD)
    assert (early.status, "attend son tour" in early.text, "5" in early.text) == (422, True, True)
    assert not re.search(r"captcha|<canvas|<audio", early.text, re.IGNORECASE)
    gateway.clock.advance(5)
    assert "/code" in colleague.give_password(early).text
    elsewhere = Browser(gateway, peer="203.0.113.80")
    assert "data-wait" not in elsewhere.onward(elsewhere.get("/signin")).text


@pytest.mark.spec("THR-05", "AC-006")
def test_a_declared_hospital_is_spared(tmp_path: Path) -> None:
    for gateway in opened(tmp_path, networks=HOSPITAL):
        for number in range(24):
            browser = Browser(gateway, peer="198.51.100.9")
            page = browser.onward(browser.get("/signin"))
            assert "data-wait" not in page.text
            browser.submit(page, action_of(page, "password"), identifier=f"agent{number}", password="Printemps2026!")
        assert gateway.events("signin.spray") == []


@pytest.mark.spec("THR-12")
def test_no_page_takes_two_factors_at_once_so_that_no_error_tells_which_failed(gateway: Gateway) -> None:
    for template in sorted((ROOT / "gateway").rglob("templates/**/*.html")):
        for form in re.findall(r"<form.*?</form>", template.read_text("utf-8"), re.DOTALL):
            takes_password = "password_field" in form or 'type="password"' in form
            assert not (takes_password and "one-time-code" in form), template
    gateway.registered()
    browser = gateway.browser
    page = browser.onward(browser.get("/signin"))
    action = action_of(page, "password")
    texts = []
    for password, code in (("wrong", "00000000"), ("wrong", "")):
        answer = browser.submit(page, action, identifier="camille", password=password, code=code)
        texts.append(
            (answer.status, re.sub(r'value="[^"]*"|nonce="[^"]*"', "", re.sub(r"nonce-[^']+", "", answer.text)))
        )
    assert texts[0][0] == texts[1][0] == 422
    alerts = [re.findall(r'role="alert".*?</div>', text, re.DOTALL) for _, text in texts]
    assert alerts[0] == alerts[1]
    assert len(alerts[0]) == 1


@pytest.mark.spec("PWD-10")
def test_password_fields_take_pasting_and_managers_and_give_no_hint() -> None:
    for file in [*(ROOT / "gateway").rglob("*.html"), *(ROOT / "gateway").rglob("*.js")]:
        text = file.read_text("utf-8").lower()
        assert not re.search(r"onpaste|oncopy|addeventlistener\(.paste", text), file
    macros = (ROOT / "gateway/web/templates/macros.html").read_text("utf-8")
    field = re.search(r"{% macro password_field.*?{% endmacro %}", macros, re.DOTALL)
    assert field is not None
    assert "autocomplete=" in field[0]
    assert "data-reveals" in field[0]
    assert not re.search(r"maxlength|minlength|pattern=", field[0])  # nothing typed is cut
    for language in ("fr", "en"):
        said = (ROOT / f"gateway/web/translations/{language}.yaml").read_text("utf-8").lower()
        assert not re.search(r"question secrète|secret question|mother's maiden|indice de mot de passe", said)


@pytest.mark.spec("THR-10", "AC-008")
def test_without_the_ephemeral_store_every_form_of_a_sign_in_ends_on_a_page_that_says_what_to_do(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = gateway.registered()
    forms = []
    at_password = Browser(gateway)
    page = at_password.onward(at_password.get("/signin"))
    forms.append((at_password, page, action_of(page, "password"), {"identifier": "camille", "password": PASSWORD}))
    at_code = Browser(gateway)
    page = at_code.give_password(at_code.onward(at_code.get("/signin")))
    forms.append((at_code, page, action_of(page, "code"), {"code": gateway.sent_code()}))
    asking = Browser(gateway)
    forms.append((asking, asking.get("/forgotten"), "/forgotten", {"identifier": "camille"}))
    gateway.stores.database.accounts.demand_new_password(account.id, NO_EFFECTS)
    renewing = Browser(gateway)
    page = renewing.sign_in()
    forms.append((renewing, page, action_of(page, "new_password"), {"new_password": NEW, "again": NEW}))

    def down(*_: object) -> None:
        raise EphemeralStoreUnavailableError("down")

    fields = [hidden_fields(page, action) | typed for _, page, action, typed in forms]
    before = gateway.stores.database.accounts.get(account.id)
    monkeypatch.setattr(on_sqlite.Database, "_connection", down)
    for (browser, _, action, _typed), sent in zip(forms, fields, strict=True):
        answer = browser.post(action, sent)
        assert (answer.status, answer.header("retry-after") is not None) == (503, True), action
        assert re.search(r"[A-Z2-7]{4}-[A-Z2-7]{4}", answer.text)
        assert "essayez" in answer.text
        assert "__Host-session" not in browser.cookies
    assert gateway.stores.database.accounts.get(account.id) == before


def test_a_named_set_of_breached_passwords_that_is_not_there_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="breached_passwords_file"):
        assert Gateway(tmp_path, breached_passwords_file=tmp_path / "nowhere.set").pages
