"""What a deployment may write in its settings, and what refuses to start."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import ConfigurationError, Settings, read_settings
from gateway.wiring.phone_countries import sms_countries

WITH_PSC = {"means": ["psc", "password"], "psc": {"client_secret_file": "psc.secret"}}
DEMO: dict[str, Any] = {
    "profile": "demo",
    "issuer": "http://localhost:8080",
    "smtp": {"host": "127.0.0.2", "port": 2525, "tls": "none", "sender": "passerelle@demo.passerelle.test"},
    "sms": {"url": "http://127.0.0.2:8090/sms", "budget": {"daily": 100}},
    "ephemeral": {"url": "redis://127.0.0.1:6379/0"},
    "database": {"url": "postgresql://passerelle@127.0.0.1/passerelle"},
    "clock_offset_file": "clock-offset",
}
STANDARD: dict[str, Any] = {
    "issuer": "https://passerelle.example.test",
    "smtp": {"host": "smtp.example.test", "sender": "passerelle@example.test"},
    "sms": {"url": "https://sms.example.test/send", "budget": {"daily": 100}},
    "ephemeral": {"url": "rediss://redis.example.test:6379/0"},
    "database": {"url": "postgresql://passerelle@db.example.test/passerelle?sslmode=verify-full"},
}


def _read(tmp_path: Path, content: dict[str, Any]) -> Settings:
    file = tmp_path / "passerelle.yaml"
    file.write_text(yaml.safe_dump(content), "utf-8")
    return read_settings(file)


def test_the_demo_profile_accepts_clear_text_on_loopback(tmp_path: Path) -> None:
    assert _read(tmp_path, DEMO).profile == "demo"


def test_the_standard_profile_accepts_protected_transports(tmp_path: Path) -> None:
    settings = _read(tmp_path, STANDARD)
    assert settings.profile == "standard"
    assert settings.values["idp.session.absolute"] == 4 * 3600


@pytest.mark.spec("DECISIONS 1")
@pytest.mark.parametrize("profile", ["standard", "regulated"])
@pytest.mark.parametrize("key", ["issuer", "smtp", "sms", "ephemeral", "database", "clock_offset_file"])
def test_other_profiles_refuse_each_thing_that_only_the_demo_may_do(tmp_path: Path, profile: str, key: str) -> None:
    means = WITH_PSC if profile == "regulated" else {}
    with pytest.raises(ConfigurationError, match=key):
        _read(tmp_path, {**STANDARD, "profile": profile, **means, key: DEMO[key]})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("issuer", "http://passerelle.example.test"),
        ("smtp", {"host": "smtp.example.test", "tls": "none", "sender": "a@example.test"}),
        ("sms", {"url": "http://sms.example.test/", "budget": {"daily": 100}}),
        ("ephemeral", {"url": "redis://redis.example.test:6379/0"}),
        ("database", {"url": "postgresql://passerelle@db.example.test/passerelle"}),
    ],
)
def test_even_the_demo_keeps_clear_text_on_loopback(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=key):
        _read(tmp_path, {**DEMO, key: value})


@pytest.mark.parametrize(
    "issuer",
    ["https://passerelle.example.test/", "https://passerelle.example.test/a", "ftp://x", "https://x?y=1", "passerelle"],
)
def test_an_issuer_is_scheme_and_host_only(tmp_path: Path, issuer: str) -> None:
    with pytest.raises(ConfigurationError, match="issuer"):
        _read(tmp_path, {**STANDARD, "issuer": issuer})


@pytest.mark.spec("OPS-03")
@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"idp.session.idle": "31 min"}, "idp.session.idle"),
        ({"idp.session.absolute": "13 h"}, "idp.session.absolute"),
        ({"otp.interval": "31 d"}, "otp.interval"),
        ({"link.activation.ttl": "25 h"}, "link.activation.ttl"),
        ({"oidc.code.ttl": "2 min"}, "oidc.code.ttl"),
        ({"argon2id.memory_kib": 8}, "argon2id.memory_kib"),
        ({"jwks.cache_max_age": "20 h"}, "key.sign.publish_lead"),
        ({"otp.digits.email": "eight"}, "eight"),
        ({"no.such": 1}, "no.such"),
    ],
)
def test_a_parameter_out_of_its_bound_refuses_to_start_and_is_named(
    tmp_path: Path, parameters: dict[str, object], named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        _read(tmp_path, {**STANDARD, "parameters": parameters})


def test_the_regulated_profile_asks_a_code_at_each_session_and_bounds_it_so(tmp_path: Path) -> None:
    regulated = {**STANDARD, **WITH_PSC, "profile": "regulated"}
    assert _read(tmp_path, regulated).values.otp_interval is None
    with pytest.raises(ConfigurationError, match=r"otp\.interval"):
        _read(tmp_path, {**regulated, "parameters": {"otp.interval": "30 d"}})


@pytest.mark.spec("REG-06")
def test_the_regulated_profile_needs_a_means_that_proves_an_identity(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="means"):
        _read(tmp_path, {**STANDARD, "profile": "regulated"})
    assert _read(tmp_path, {**STANDARD, **WITH_PSC, "profile": "regulated"}).means == ("psc", "password")


def test_pro_sante_connect_needs_the_file_of_our_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"psc\.client_secret_file"):
        _read(tmp_path, {**STANDARD, "means": ["psc"]})


@pytest.mark.spec("OPS-03")
def test_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="colour"):
        _read(tmp_path, {**STANDARD, "colour": "blue"})


@pytest.mark.spec("CLI-01")
def test_a_password_in_an_address_is_refused(tmp_path: Path) -> None:
    url = "postgresql://passerelle:hunter2@db.example.test/passerelle?sslmode=verify-full"
    with pytest.raises(ConfigurationError, match="password_file") as caught:
        _read(tmp_path, {**STANDARD, "database": {"url": url}})
    assert "hunter2" not in str(caught.value)


def test_relative_paths_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    settings = _read(tmp_path, STANDARD)
    assert settings.data == tmp_path / "var"
    assert settings.located(settings.kek_file) == str(tmp_path / "var" / "kek.key")


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--config"):
        read_settings(tmp_path / "none.yaml")


@pytest.mark.spec("CLI-06")
def test_a_file_that_is_not_yaml_is_said_by_its_line_without_showing_it(tmp_path: Path) -> None:
    file = tmp_path / "passerelle.yaml"
    file.write_text("issuer: https://a\nsecret: canary-7731: [\n", "utf-8")
    with pytest.raises(ConfigurationError, match="line 2") as caught:
        read_settings(file)
    assert "canary" not in str(caught.value)


TWILIO = {"account_sid": f"AC{'0' * 32}", "sender": "+33700000000"}


@pytest.mark.spec("SMS-04")
@pytest.mark.parametrize("budget", [None, {}, {"daily": 0}, {"daily": -1}, {"daily": "many"}], ids=str)
def test_text_messages_have_a_budget_or_do_not_start(tmp_path: Path, budget: Any) -> None:
    sms = {"url": "https://sms.example.test/send"} | ({} if budget is None else {"budget": budget})
    with pytest.raises(ConfigurationError, match=r"sms.*budget\.daily"):
        _read(tmp_path, {**STANDARD, "sms": sms})


@pytest.mark.parametrize(
    ("key", "sms"),
    [
        ("sms: url", {}),
        ("sms: body", {"url": "https://sms.example.test/", "body": {"number": "{to}"}}),
        ("sms: twilio.account_sid", {"provider": "twilio", "secret_file": "sms.keys"}),
        ("sms: secret_file", {"provider": "twilio", "twilio": TWILIO}),
        (
            "sms.twilio.account_sid",
            {"provider": "twilio", "secret_file": "k", "twilio": {**TWILIO, "account_sid": "SK1"}},
        ),
        ("sms.twilio.sender", {"provider": "twilio", "secret_file": "k", "twilio": {**TWILIO, "sender": "Passerelle"}}),
        ("sms.twilio.edge", {"provider": "twilio", "secret_file": "k", "twilio": {**TWILIO, "edge": "x.evil.test/"}}),
        ("sms.countries", {"url": "https://sms.example.test/", "countries": []}),
        ("sms.countries", {"url": "https://sms.example.test/", "countries": ["france"]}),
        ("sms.provider", {"url": "https://sms.example.test/", "provider": "pigeon"}),
    ],
    ids=["url", "body", "no-account", "no-keys", "account", "sender", "edge", "no-country", "country", "provider"],
)
def test_a_provider_of_text_messages_is_whole_or_refused_by_the_name_of_its_key(
    tmp_path: Path, key: str, sms: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match=key):
        _read(tmp_path, {**STANDARD, "sms": {"budget": {"daily": 10}, **sms}})


def test_twilio_needs_no_address(tmp_path: Path) -> None:
    sms = {"provider": "twilio", "budget": {"daily": 10}, "secret_file": "sms.keys", "twilio": TWILIO}
    read = _read(tmp_path, {**STANDARD, "sms": sms}).sms
    assert read is not None
    assert read.secret_file == tmp_path / "sms.keys"


@pytest.mark.spec("SMS-03")
def test_a_country_whose_landlines_cannot_be_refused_is_not_served(tmp_path: Path) -> None:
    sms = {"url": "https://sms.example.test/", "budget": {"daily": 10}}
    assert sms_countries(_read(tmp_path, {**STANDARD, "sms": sms})) >= {"FR", "GP", "RE", "YT"}
    assert sms_countries(_read(tmp_path, {**STANDARD, "sms": {**sms, "countries": ["FR", "BE"]}})) == {"FR", "BE"}
    with pytest.raises(ConfigurationError, match=r"sms\.countries: US"):
        sms_countries(_read(tmp_path, {**STANDARD, "sms": {**sms, "countries": ["FR", "US"]}}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sms.prefix.hour", 0),
        ("sms.prefix.day", 10_001),
        ("sms.country.day", 0),
        ("sms.conversion_floor.percent", 4),
        ("sms.conversion_floor.sends", 9),
        ("otp.sends.phone.hour", 11),
    ],
    ids=str,
)
def test_the_limits_of_text_messages_have_bounds(tmp_path: Path, name: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"parameters.{name}")):
        _read(tmp_path, {**STANDARD, "parameters": {name: value}})
