"""`passerelle config check`: needs no database, and says what would go wrong."""

import hashlib

import pytest
import yaml


def test_it_runs_before_init_and_makes_nothing(fresh):
    assert fresh.json("config", "check")["warnings"] == []
    assert not (fresh.folder / "var").exists()


def test_a_scope_that_nobody_knows_is_named(fresh):
    fresh.client("suivi", scopes=["openid", "emial", "ror"])
    ran = fresh.run("config", "check")
    assert ran.code == 1
    assert "suivi: scopes: this gateway does not know emial; it knows openid, profile, email" in ran.err


def test_an_application_that_nobody_can_enter_is_warned_of(fresh):
    fresh.client("suivi", min_acr="urn:passerelle:acr:card")
    ran = fresh.run("config", "check")
    assert ran.code == 0
    assert "Warning: suivi: nobody can reach its min_acr urn:passerelle:acr:card" in ran.out
    assert "urn:passerelle:acr:pwd-otp-mail at most" in ran.out
    fresh.client("suivi", min_acr="urn:passerelle:acr:pwd-otp-sms")
    assert len(fresh.json("config", "check")["warnings"]) == 1
    fresh.settings(sms={"url": "http://127.0.0.1:9/sms", "budget": {"daily": 100}})
    assert fresh.json("config", "check")["warnings"] == []
    fresh.settings(means=[])
    assert "gives" not in fresh.json("config", "check")["warnings"][0]


@pytest.mark.spec("PWD-04")
def test_it_says_whether_breached_passwords_are_mirrored(fresh):
    assert fresh.json("config", "check")["breached_passwords"] is None
    lines = fresh.folder / "corpus.txt"
    digests = sorted(hashlib.sha1(word).hexdigest().upper() for word in (b"one", b"two", b"three"))
    lines.write_text("".join(f"{digest}:4\n" for digest in digests))
    made = fresh.json("passwords", "index", str(lines), "--to", str(fresh.folder / "breached.set"))
    assert made["kept"] == 3
    fresh.settings(breached_passwords_file="breached.set")
    assert fresh.json("config", "check")["breached_passwords"].endswith("breached.set")
    (fresh.folder / "breached.set").unlink()
    ran = fresh.run("config", "check")
    assert (ran.code, "breached_passwords_file" in ran.err, "No such file" in ran.err) == (1, True, True)
    ran = fresh.run("passwords", "index", str(fresh.config), "--to", str(fresh.folder / "breached.set"))
    assert (ran.code, "line 1 is not" in ran.err) == (1, True)
    assert not list(fresh.folder.glob("breached.set*"))


def test_the_mapping_s_remarks_are_said(fresh):
    file = fresh.folder / "idp_config" / "roles.yaml"
    mapping = yaml.safe_load(file.read_text("utf-8"))
    mapping["applications"]["orientation"]["rights"].append("right.of.nobody")
    file.write_text(yaml.safe_dump(mapping, allow_unicode=True), "utf-8")
    assert fresh.json("config", "check")["warnings"] == [
        "roles.yaml: application orientation: no rule gives right.of.nobody"
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"issuer": None}, "issuer"),
        ({"isuer": "x"}, "isuer"),
        ({"clock_offset_file": "nowhere"}, "head -c 8"),
        ({"parameters": {"oidc.code.ttl": "1 h"}}, "oidc.code.ttl"),
        ({"smtp": {"host": "127.0.0.1", "tls": "none", "sender": "a@b.test", "password_file": "none"}}, "none"),
        ({"smtp": {"host": "127.0.0.1", "tls": "none", "sender": "a@b.test", "password_file": "empty"}}, "is empty"),
    ],
)
def test_a_wrong_setting_is_named(fresh, changes, sentence):
    (fresh.folder / "empty").touch()
    fresh.settings(**changes)
    ran = fresh.run("config", "check")
    assert (ran.code, sentence in ran.err) == (1, True), ran


def test_directory_files_that_are_not_there_yet_are_a_warning(fresh):
    fresh.settings(directory={"roles_file": "roles.csv"})
    assert len(fresh.json("config", "check")["warnings"]) == 2
