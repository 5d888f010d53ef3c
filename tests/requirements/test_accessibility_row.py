"""The accessibility declaration on the assembled gateway: open to everybody, honest, and one link away from every page."""

from pathlib import Path

import pytest

from gateway.wiring.stores import read_idp_config
from tests.requirements.assembled import Browser, Gateway
from tests.requirements.test_account_rows import signed_in, words

HERE = "/accessibilite"
EVERYWHERE = ("/", "/signin", "/forgotten", "/nowhere", "/activation", HERE)


@pytest.mark.spec("A11Y-01")
def test_the_declaration_says_its_state_whom_to_tell_and_where_to_turn_in_both_languages(gateway: Gateway) -> None:
    for language, said in (
        ("fr", ("n'est pas conforme", "aucun audit ne l'a encore mesuré", "Défenseur des droits", "04 65 71 00 01")),
        ("en", ("not compliant", "no audit has measured it yet", "Défenseur des droits", "+33 4 65 71 00 01")),
    ):
        page = Browser(gateway).get(f"{HERE}?ui_locales={language}")
        assert page.status == 200
        assert [text for text in said if text not in words(page)] == []
        assert 'href="mailto:appui@demo.passerelle.test"' in page.text


@pytest.mark.spec("A11Y-01")
def test_every_page_leads_to_the_declaration_and_says_its_state(gateway: Gateway) -> None:
    gateway.registered()
    visitor, holder = Browser(gateway), signed_in(gateway)
    for browser, path in [*((visitor, path) for path in EVERYWHERE), (holder, "/compte"), (holder, "/compte/contacts")]:
        page = browser.onward(browser.get(path))
        assert f'<a href="{HERE}">Accessibilité' in page.text, path
        assert "Accessibilité : non conforme" in words(page), path


@pytest.mark.spec("A11Y-01")
def test_an_organisation_that_was_audited_names_its_own_declaration(tmp_path: Path) -> None:
    gateway, theirs = Gateway(tmp_path), "https://region.example/accessibilite"
    with (tmp_path / "idp_config" / "tenant.yaml").open("a", encoding="utf-8") as tenant:
        tenant.write(f'  accessibility: {{version: "2027-03", address: "{theirs}"}}\n')
    gateway.reviewed = read_idp_config(gateway.settings)
    gateway.restart()
    page = Browser(gateway).get("/")
    assert f'<a href="{theirs}">Accessibilité</a>' in page.text
    assert "non conforme" not in page.text
    gateway.close()
