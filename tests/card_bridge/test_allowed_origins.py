"""Origins come from the machine's file, exact and on https; anything else stops the bridge at start (BRG-03)."""

from pathlib import Path

import pytest

from card_bridge.allowed_origins import ConfigurationRefused, checked_origins, read_configuration

GOOD = ["https://auth.example.fr", "https://auth.example.fr:8443", "https://xn--sant-epa.example.fr", "https://a.fr"]
DEMO = ["http://localhost:8000", "http://127.0.0.1:8000"]
BAD = [
    *("*", "", "null", "auth.example.fr", "https://", "https://*", "https://*.example.fr", "https://auth.example.fr/"),
    *(
        "https://auth.example.fr:443",
        "https://auth.example.fr:0",
        "https://auth.example.fr:99999",
        "https://a_b.example.fr",
    ),
    *(
        "https://AUTH.example.fr",
        "https://santé.example.fr",
        "https://user@auth.example.fr",
        "https://auth.example.fr?x",
    ),
    *("https://auth.example.fr\n", " https://auth.example.fr", "https://-a.fr", "https://a..fr", "https://a.fr."),
    *("http://auth.example.fr", "http://localhost", "http://127.0.0.1", "http://127.0.0.2:80", "http://localhost:80/"),
    *("file://", "ws://localhost:8000", "https://auth.example.fr:٣", "http://localhost:99999"),
]


@pytest.mark.spec("BRG-03")
def test_exact_https_origins_are_accepted() -> None:
    assert checked_origins(GOOD, demo=False) == set(GOOD)


@pytest.mark.spec("BRG-03")
@pytest.mark.parametrize("origin", BAD)
def test_what_no_browser_would_write_or_is_not_https_is_refused(origin: str) -> None:
    for demo in (False, True):
        with pytest.raises(ConfigurationRefused):
            checked_origins([*GOOD, origin], demo=demo)


@pytest.mark.spec("BRG-03")
def test_plain_http_is_for_the_demo_on_this_machine() -> None:
    assert checked_origins(DEMO, demo=True) == set(DEMO)
    for origin in DEMO:
        with pytest.raises(ConfigurationRefused):
            checked_origins([origin], demo=False)


@pytest.mark.spec("BRG-03")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "allowed_origins = []",
        'allowed_origins = "https://auth.example.fr"',
        "allowed_origins = [1]",
        'allowed_origins = ["http://localhost:8000"]',
        'allowed_origins = ["http://localhost:8000"]\ndemo = false',
        'allowed_origins = ["https://auth.example.fr"]\ndemo = "true"',
        'allowed_origins = ["https://auth.example.fr"]\nport = 1',
        'allowed_origins = ["https://auth.example.fr"',
    ],
)
def test_a_file_that_says_less_or_more_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigurationRefused):
        read_configuration(file)


def test_a_missing_or_unreadable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'demo = "\xe9"')
    for name in ("missing.toml", "latin.toml"):
        with pytest.raises(ConfigurationRefused, match=name):
            read_configuration(tmp_path / name)


def test_the_machines_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text('allowed_origins = ["https://auth.example.fr", "http://localhost:8000"]\ndemo = true\n', "utf-8")
    configuration = read_configuration(file)
    assert configuration.demo
    assert configuration.allowed_origins == {"https://auth.example.fr", "http://localhost:8000"}
