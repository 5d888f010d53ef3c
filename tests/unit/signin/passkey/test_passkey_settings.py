"""For which domain passkeys are made: the gateway's host, or a parent of it that somebody owns."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import ConfigurationError, Settings, read_settings
from gateway.wiring.passkeys import check_passkey_domain
from gateway.wiring.policies import signin_policy


def read(tmp_path: Path, **changes: Any) -> Settings:
    content = {
        "issuer": "https://connexion.region.exemple.fr",
        "means": ["passkey", "password"],
        "smtp": {"host": "smtp.example.test", "sender": "passerelle@example.test"},
    }
    (tmp_path / "passerelle.yaml").write_text(yaml.safe_dump(content | changes), "utf-8")
    settings = read_settings(tmp_path / "passerelle.yaml")
    check_passkey_domain(settings)
    return settings


@pytest.mark.spec("FID-05")
@pytest.mark.parametrize(
    ("said", "rp_id"),
    [
        pytest.param(None, "connexion.region.exemple.fr", id="the-host-by-default"),
        pytest.param("connexion.region.exemple.fr", "connexion.region.exemple.fr", id="the-host"),
        pytest.param("region.exemple.fr", "region.exemple.fr", id="a-parent"),
        pytest.param("exemple.fr", "exemple.fr", id="its-domain"),
    ],
)
def test_passkeys_are_made_for_the_host_or_a_parent_of_it(tmp_path: Path, said: str | None, rp_id: str) -> None:
    assert read(tmp_path, webauthn={"rp_id": said}).rp_id == rp_id


@pytest.mark.spec("FID-05")
@pytest.mark.parametrize(
    "said",
    [
        pytest.param("autre.exemple.fr", id="a-sibling"),
        pytest.param("xemple.fr", id="the-end-of-a-label"),
        pytest.param("sub.connexion.region.exemple.fr", id="below"),
        pytest.param("fr", id="a-top-level-domain"),
        pytest.param("https://exemple.fr", id="an-origin"),
        pytest.param("Exemple.fr", id="in-capitals"),
    ],
)
def test_another_domain_refuses_to_start(tmp_path: Path, said: str) -> None:
    with pytest.raises(ConfigurationError, match=r"webauthn\.rp_id"):
        read(tmp_path, webauthn={"rp_id": said})


@pytest.mark.spec("FID-05")
def test_a_domain_that_strangers_share_refuses_to_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"webauthn\.rp_id: gouv\.fr"):
        read(tmp_path, issuer="https://connexion.gouv.fr", webauthn={"rp_id": "gouv.fr"})


def test_an_address_has_no_passkeys(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="means: passkeys need a host name"):
        read(tmp_path, issuer="http://127.0.0.1:8080", profile="demo")
    assert read(tmp_path, issuer="http://localhost:8080", profile="demo").rp_id == "localhost"


def test_the_regulated_profile_shares_its_passkeys_with_no_sibling(tmp_path: Path) -> None:
    regulated = {"profile": "regulated", "means": ["psc", "passkey"], "psc": {"client_secret_file": "psc.secret"}}
    assert read(tmp_path, **regulated).rp_id == "connexion.region.exemple.fr"
    with pytest.raises(ConfigurationError, match=r"webauthn\.rp_id"):
        read(tmp_path, **regulated, webauthn={"rp_id": "exemple.fr"})


@pytest.mark.spec("FID-08")
def test_whether_an_administrator_s_passkey_may_travel_is_a_setting(tmp_path: Path) -> None:
    assert not signin_policy(read(tmp_path)).administrators_passkeys_stay
    assert signin_policy(read(tmp_path, webauthn={"administrators_on_one_device": True})).administrators_passkeys_stay
