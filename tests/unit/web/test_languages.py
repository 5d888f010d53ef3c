"""French first, English as well, and the same sentences in both."""

import re
from string import Formatter

import pytest

import gateway.signin.enrolment.access_link
import gateway.signin.journey
import gateway.signin.one_time_code.signin
import gateway.signin.password.signin  # noqa: F401 -- the refusals people may read
from gateway.refusal import Refusal
from gateway.signin.own_contacts import ContactRefused
from gateway.web.translations import Translations, accepted, french_spaces
from tests.unit.web.world import Door

TEXTS = Translations().texts


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["fr"].keys() == TEXTS["en"].keys()


def test_both_languages_name_the_same_values_and_hold_no_markup() -> None:
    def values(language: str, key: str) -> set[str]:
        return {name for _, name, _, _ in Formatter().parse(TEXTS[language][key]) if name}

    assert [key for key in TEXTS["fr"] if values("fr", key) != values("en", key)] == []
    assert [key for texts in TEXTS.values() for key in texts if "<" in texts[key]] == []


def test_every_refusal_of_the_sign_in_has_its_text() -> None:
    def below(kind: type[Refusal]) -> set[type[Refusal]]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    for kind in below(Refusal):
        if kind.__module__.startswith(("gateway.signin", "gateway.oidc", "gateway.accounts.password")):
            assert kind.text in TEXTS["fr"] or kind is ContactRefused, kind  # whose text is its reason's
    for text in ("password.too_short", "password.too_long", "password.too_simple", "password.known"):
        assert text in TEXTS["fr"]


def test_french_punctuation_does_not_wrap() -> None:
    assert french_spaces("« Oui » : non ?") == "«\u00a0Oui\u00a0»\u00a0: non\u00a0?"
    assert french_spaces("dans {days} jours, en 3 mois de 30 minutes") == (
        "dans {days}\u00a0jours, en 3\u00a0mois de 30\u00a0minutes"
    )
    assert french_spaces("les 30 premiers jours") == "les 30 premiers jours"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "fr"),
        ("", "fr"),
        ("de", "fr"),
        ("de, en;q=0.8", "en"),
        ("en;q=0.4, fr;q=0.9", "fr"),
        ("EN-us", "en"),
        ("en;q=0, fr", "fr"),
        ("en;q=zz", "fr"),
        ("\u00e9;;;,,=", "fr"),
    ],
)
def test_a_page_speaks_the_browsers_language(door: Door, header: str | None, language: str) -> None:
    headers = {} if header is None else {"Accept-Language": header}
    assert f'<html lang="{language}">' in door.client.get("/", headers=headers).get_data(as_text=True)


def test_a_choice_of_language_lasts(door: Door) -> None:
    assert '<html lang="en">' in door.client.get("/?ui_locales=de en").get_data(as_text=True)
    assert '<html lang="en">' in door.client.get("/forgotten").get_data(as_text=True)


def test_the_preferred_language_comes_first() -> None:
    assert accepted("fr;q=0.2, en;q=0.9, de") == ["de", "en", "fr"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "1\u00a0seconde"),
        (45, "45\u00a0secondes"),
        (0.2, "1\u00a0seconde"),
        (119, "119\u00a0secondes"),
        (120.5, "3\u00a0minutes"),
    ],
)
def test_a_wait_is_said_rounded_up(seconds: float, said: str) -> None:
    assert Translations().duration("fr", seconds) == said


def test_an_instant_is_said_on_the_clocks_of_paris() -> None:
    assert Translations().moment("fr", 1_790_000_000) == "21 septembre 2026 à 16:13"
    assert not re.search(r"[{}]", Translations().moment("en", 0))
