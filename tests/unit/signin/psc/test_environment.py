"""The declared environment: what a file may say, in which profile."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import ConfigurationError, Profile
from gateway.signin.psc.client_secret import read_client_secret
from gateway.signin.psc.environment import PscEnvironment, read_psc_environment
from gateway.signin.psc.metadata import differences
from tests.unit.signin.psc.honest_psc import environment

ROOT = Path(__file__).resolve().parents[4]
AUTH = "https://auth.bas.psc.esante.gouv.fr"
BAS: dict[str, Any] = {
    "name": "bas",
    "issuer": f"{AUTH}/auth/realms/esante-wallet",
    "authorization_endpoint": "https://wallet.bas.psc.esante.gouv.fr/auth",
    "token_endpoint": f"{AUTH}/auth/realms/esante-wallet/protocol/openid-connect/token",
    "userinfo_endpoint": f"{AUTH}/auth/realms/esante-wallet/protocol/openid-connect/userinfo",
    "jwks_uri": f"{AUTH}/auth/realms/esante-wallet/protocol/openid-connect/certs",
    "end_session_endpoint": f"{AUTH}/auth/realms/esante-wallet/protocol/openid-connect/logout",
    "client_id": "passerelle-bas",
    "redirect_uri": "https://connexion.exemple.fr/signin/psc/callback",
    "post_logout_redirect_uris": ["https://connexion.exemple.fr/signin/psc/logged-out"],
}


def read(folder: Path, profile: Profile = "standard", **changed: Any) -> PscEnvironment:
    declared = {name: value for name, value in (BAS | changed).items() if value is not None}
    file = folder / "psc.yaml"
    file.write_text(yaml.safe_dump(declared), "utf-8")
    return read_psc_environment(file, profile=profile)


def why_refused(folder: Path, profile: Profile = "standard", **changed: Any) -> str:
    with pytest.raises(ConfigurationError) as error:
        read(folder, profile, **changed)
    return str(error.value)


def test_the_reference_tenants_file_is_the_demos_and_nobody_elses() -> None:
    file = ROOT / "idp_config" / "psc.yaml"
    assert read_psc_environment(file, profile="demo").name == "simulator"
    for profile in ("standard", "regulated"):
        with pytest.raises(ConfigurationError, match="simulator is for the demo profile only"):
            read_psc_environment(file, profile=profile)


def test_what_is_not_written_has_the_dossiers_values(tmp_path: Path) -> None:
    read_one = read(tmp_path)
    assert read_one.scopes == ("openid", "scope_all")
    assert read_one.requested_acr == "eidas1"
    assert read_one.id_token_algorithms == ("RS256",)
    limits = read_one.limits
    assert (limits.clock_skew_seconds, limits.session_seconds, limits.attempt_seconds) == (30, 4 * 3600, 600)
    assert max(limits.connect_seconds, limits.answer_seconds) <= 5


@pytest.mark.spec("REG-03", "PSC-R9")
def test_the_regulated_profile_accepts_substantial_or_better(tmp_path: Path) -> None:
    assert read(tmp_path).accepted_acr == ("eidas1", "eidas2", "eidas3")
    assert read(tmp_path, "regulated").accepted_acr == ("eidas2", "eidas3")
    assert read(tmp_path, "regulated", accepted_acr=["eidas3"]).accepted_acr == ("eidas3",)
    assert "REG-03" in why_refused(tmp_path, "regulated", accepted_acr=["eidas1", "eidas2"])
    assert "accepted_acr" in why_refused(tmp_path, accepted_acr=[])
    assert "accepted_acr" in why_refused(tmp_path, accepted_acr=["0"])


@pytest.mark.spec("PSC-02", "PSC-R1")
@pytest.mark.parametrize(
    "key",
    ["issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri", "end_session_endpoint"],
)
def test_every_address_is_the_agencys_and_https(tmp_path: Path, key: str) -> None:
    for wrong in ("https://auth.esante.gouv.fr.liar.test/a", "https://esante-gouv.test/a", "https://xesante.gouv.fr/a"):
        assert "issuer's own host" in (why := why_refused(tmp_path, **{key: wrong})) or "stands under" in why
    assert why_refused(tmp_path, **{key: BAS[key].replace("https", "http")})
    assert why_refused(tmp_path, **{key: BAS[key] + "#fragment"})
    assert why_refused(tmp_path, **{key: None})


@pytest.mark.spec("PSC-02")
@pytest.mark.parametrize("key", ["redirect_uri", "post_logout_redirect_uris"])
def test_our_own_addresses_there_are_https_too(tmp_path: Path, key: str) -> None:
    wrong = "http://connexion.exemple.fr/signin/psc/callback"
    assert "use https" in why_refused(tmp_path, **{key: wrong if key == "redirect_uri" else [wrong]})


@pytest.mark.spec("PSC-02")
def test_plain_http_is_for_the_loopback_of_the_demo(tmp_path: Path) -> None:
    def at(host: str) -> dict[str, Any]:
        moved = {key: value.replace(AUTH, host) for key, value in BAS.items() if isinstance(value, str)}
        return {**moved, "name": "simulator", "authorization_endpoint": f"{host}/auth"}

    assert read(tmp_path, "demo", **at("http://127.0.0.3:8092")).issuer.startswith("http://127.0.0.3:8092/")
    assert "use https" in why_refused(tmp_path, "demo", **at("http://psc.exemple.fr"))
    assert "demo profile only" in why_refused(tmp_path, "standard", **at("https://psc.exemple.fr"))
    assert "use https" in why_refused(tmp_path, "standard", redirect_uri="http://127.0.0.1:8080/signin/psc/callback")


@pytest.mark.spec("PSC-08")
@pytest.mark.parametrize("key", ["token_endpoint", "userinfo_endpoint", "jwks_uri", "metadata_address"])
def test_the_back_channel_stays_at_the_issuers_host(tmp_path: Path, key: str) -> None:
    elsewhere = "https://wallet.bas.psc.esante.gouv.fr/somewhere"
    assert "issuer's own host" in why_refused(tmp_path, **{key: elsewhere})


@pytest.mark.parametrize(
    "changed",
    [
        {"limits": {"connect_seconds": 6}},
        {"limits": {"answer_seconds": 6}},
        {"limits": {"answer_seconds": 0}},
        {"limits": {"clock_skew_seconds": 31}},
        {"limits": {"attempt_seconds": 601}},
        {"limits": {"session_seconds": 4 * 3600 + 1}},
        {"limits": {"keys_stale_seconds": 24 * 3600 + 1}},
        {"limits": {"keys_refresh_seconds": 59}},
        {"limits": {"userinfo": 1024 * 1024 + 1}},
        {"id_token_algorithms": ["HS256"]},
        {"id_token_algorithms": ["none"]},
        {"id_token_algorithms": []},
        {"scopes": ["scope_all"]},
        {"authentication_method": "none"},
        {"client_id": "with:colon"},
        {"client_secret": "abc"},
        {"post_logout_redirect_uris": []},
        {"requested_acr": "eidas9"},
        {"name": "integration"},
    ],
)
@pytest.mark.spec("PSC-08", "PSC-R27")
def test_a_value_beyond_its_bound_is_refused_by_name(tmp_path: Path, changed: dict[str, Any]) -> None:
    [key] = changed
    assert f"{key}" in why_refused(tmp_path, **changed)


@pytest.mark.spec("PSC-R13")
def test_the_test_range_is_refused_in_production_unless_somebody_says_otherwise(tmp_path: Path) -> None:
    assert not read(tmp_path).refuses_test_identities
    assert read(tmp_path, name="production").refuses_test_identities
    assert not read(tmp_path, name="production", test_identities=True).refuses_test_identities
    assert read(tmp_path, test_identities=False).refuses_test_identities


def secret(folder: Path, written: bytes, **changed: Any) -> str:
    file = folder / "secret"
    file.write_bytes(written)
    return read_client_secret(file, environment(**changed))


def test_a_secret_is_read_without_the_line_end_around_it(tmp_path: Path) -> None:
    assert secret(tmp_path, b" abcdefgh-123\n") == "abcdefgh-123"
    assert secret(tmp_path, b"abc+def%gh", authentication_method="client_secret_post") == "abc+def%gh"


@pytest.mark.parametrize(
    "written", [b"", b"short", b"two words here", "canary\u200bcanary".encode(), b"\xff" * 10, b"canary\x00canary"]
)
def test_a_secret_with_what_a_paste_may_add_is_refused_without_being_shown(tmp_path: Path, written: bytes) -> None:
    with pytest.raises(ConfigurationError) as error:
        secret(tmp_path, written)
    assert "canary" not in str(error.value)


def test_a_secret_that_servers_may_decode_in_two_ways_is_not_sent_by_basic(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="client_secret_post"):
        secret(tmp_path, b"abc+def%gh")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_client_secret(tmp_path / "missing", environment())


@pytest.mark.spec("PSC-02")
def test_metadata_that_differ_from_the_pinned_ones_are_named() -> None:
    pinned = environment()
    names = (
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "end_session_endpoint",
    )
    honest = {name: getattr(pinned, name) for name in names}
    assert differences(yaml.safe_dump(honest).encode(), environment=pinned) == ("metadata",)
    for name in names:
        changed = {**honest, name: f"{honest[name]}/"}
        assert differences(_json(changed), environment=pinned) == (name,)
    announced = {**honest, "authorization_response_iss_parameter_supported": True, "grant_types_supported": []}
    assert differences(_json(announced), environment=pinned) == ("authorization_response_iss_parameter_supported",)
    assert differences(_json(announced), environment=environment(iss_parameter=True)) == ()
    assert differences(_json(honest), environment=pinned) == ()


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
