"""What leaves the command line: one document, a sentence with a way out, an exit code, and never a secret."""

import json
import os
import pty
import stat
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import gateway.cli.config
from gateway.accounts.one_time_link import LinkPurpose, link_token
from gateway.cli.command_line import passerelle
from gateway.keys.purposes import Purpose
from tests.cli.deployment import ADMINISTRATOR

CANARY = "hunter2-c4n4ry-5e"
PERSON = ("--given-name", "Prénoma", "--family-name", "Fauxnom", "--email", "prenoma@exemple.invalid")


def every_command() -> Iterator[tuple[str, click.Command]]:
    waiting: list[tuple[str, click.Command]] = [("", passerelle)]
    context = click.Context(passerelle)
    while waiting:
        path, command = waiting.pop()
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                found = command.get_command(context, name)
                assert found is not None
                waiting.append((f"{path} {name}".strip(), found))
        yield path, command


def test_every_command_says_in_json_one_document_wherever_the_flag_stands(deployment):
    deployment.client("suivi")
    deployment.settings(directory={"structures_file": "s.csv", "roles_file": "r.csv"})
    sandbox = Path(__file__).resolve().parents[2] / "sandbox" / "data"
    for name, file in (("structures.csv", "s.csv"), ("roles.csv", "r.csv")):
        (deployment.folder / file).write_bytes((sandbox / name).read_bytes())
    assert deployment.json("init", *ADMINISTRATOR)["link_sent"] is False
    assert deployment.json("config", "check")["clients"] == ["orientation", "suivi"]
    assert [row["secrets"] for row in deployment.json("clients", "list")] == [0, 0]
    assert deployment.json("clients", "add", "orientation", "--output", "one")["file"] == "one"
    plan = deployment.json("rotate", "client-secret", "orientation")["plan"]
    applied = deployment.json("rotate", "client-secret", "orientation", "--apply", plan, "--output", "two")
    assert applied["client_id"] == "orientation"
    assert [slot["slot"] for slot in deployment.json("clients", "show", "orientation")["secrets"]] == [2, 1]
    plan = deployment.json("rotate", "signing-keys")["plan"]
    assert len(deployment.json("rotate", "signing-keys", "--apply", plan)["keys"]) == 2
    created = deployment.json("accounts", "create", "--username", "agent.un", *PERSON)
    assert deployment.json("accounts", "welcome", "agent.un")["id"] == created["id"]
    assert deployment.json("accounts", "show", "prenoma@exemple.invalid")["username"] == "agent.un"
    assert deployment.json("accounts", "archive", "agent.un", "--reason", "left", "--yes")["status"] == "archived"
    assert deployment.json("directory", "import")["applied"] is False
    ran = deployment.run("doctor", "--json")
    assert (ran.code, ran.document["well"]) == (1, False)


@pytest.mark.parametrize(
    ("words", "code", "way_out"),
    [
        (["clients"], 2, "passerelle clients"),
        (["nonsense"], 2, "passerelle --help"),
        (["accounts", "create"], 2, "passerelle accounts create --help"),
        (["init", "--username", "x"], 2, "--given-name, --family-name, --email"),
        (["clients", "show", "nobody"], 1, "there are: orientation"),
        (["clients", "add", "orientation"], 1, "--output FILE"),
        (["clients", "add", "orientation", "--output", "nowhere/x"], 1, "another one with --output"),
        (["accounts", "show", "nobody"], 1, "its user name"),
        (["accounts", "create", "--username", "99900000003", *PERSON], 1, "--username"),
        (["accounts", "create", "--username", "ad.ministre", *PERSON], 1, "passerelle accounts show"),
        (["accounts", "archive", "ad.ministre", "--reason", "left"], 1, "--yes"),
        (["accounts", "block", "ad.ministre", "--reason", "security", "--yes"], 1, "nothing to block"),
        (["accounts", "unblock", "ad.ministre", "--reason", "error"], 1, "not blocked"),
        (["rotate", "client-secret", "orientation"], 1, "passerelle clients add orientation"),
        (["rotate", "signing-keys", "--apply", "0" * 16], 1, "without --apply"),
        (["directory", "import"], 1, "directory.roles_file"),
    ],
)
def test_a_refusal_is_a_sentence_with_a_way_out_on_stderr_alone(deployment, words, code, way_out):
    said = deployment.run(*words)
    assert said.code == code
    assert way_out in said.err
    assert said.out == ""
    in_json = deployment.run(*words, "--json")
    assert in_json.code == code
    assert in_json.error


def test_a_command_before_init_or_without_settings_says_what_to_do(fresh, tmp_path):
    for words in (["clients", "list"], ["accounts", "show", "x"], ["rotate", "signing-keys"], ["serve"], ["jobs"]):
        ran = fresh.run(*words)
        assert ran.code == 1
        assert "passerelle init" in ran.err
    assert not list((fresh.folder / "var").glob("*"))
    fresh.config.unlink()
    assert "--config" in fresh.run("--json", "clients", "list").error


def test_the_process_has_the_same_exit_codes_and_no_traceback(deployment):
    refused = deployment.process("--json", "clients", "show", "nobody")
    assert (refused.code, refused.error.startswith("No application")) == (1, True)
    wrong = deployment.process("clients", "add", "orientation", CANARY, f"--secret={CANARY}")
    assert wrong.code == 2
    assert CANARY not in wrong.err + wrong.out
    (deployment.folder / "var" / "passerelle.db").write_bytes(b"not a database" * 400)
    broken = deployment.process("accounts", "show", "x")
    assert broken.code == 1
    assert "Traceback" not in broken.err + broken.out


def test_a_poor_terminal_gets_question_marks_rather_than_a_failure(fresh, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ran = fresh.process("doctor")
    assert (ran.code, "data folder" in ran.out) == (1, True)


@pytest.mark.spec("CLI-06")
def test_an_exception_that_holds_a_secret_leaves_its_kind_and_place_only(fresh, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError(f"about {CANARY}") from ValueError(CANARY)

    monkeypatch.setattr(gateway.cli.config, "read_idp_config", fail)
    for flags in ([], ["--json"]):
        ran = fresh.run(*flags, "config", "check")
        assert ran.code == 3
        assert "RuntimeError in test_output.py" in ran.err
        assert "passerelle doctor" in ran.err
        assert CANARY not in ran.out + ran.err
        assert "Traceback" not in ran.err


@pytest.mark.spec("CLI-01")
@pytest.mark.parametrize("word", ["--secret", "--client-secret", "--password", "--token"])
def test_a_secret_as_an_argument_is_refused_and_not_repeated(deployment, word):
    for words in ([word, CANARY], [f"{word}={CANARY}"]):
        ran = deployment.run("clients", "add", "orientation", *words)
        assert ran.code == 2
        assert "no secret is ever an argument" in ran.err
        assert CANARY not in ran.err
    assert deployment.json("clients", "list")[0]["secrets"] == 0


@pytest.mark.spec("CLI-01", "PWD-11")
def test_no_command_has_an_option_for_a_secret_or_a_chosen_password():
    commands = dict(every_command())
    assert {"accounts create", "clients add", "rotate client-secret", "init"} <= commands.keys()
    for path, command in commands.items():
        for parameter in command.params:
            names = " ".join([parameter.name or "", *parameter.opts])
            assert not any(word in names for word in ("secret", "passw", "token", "key")), (path, names)
            assert not (isinstance(parameter, click.Option) and parameter.prompt), path


def test_every_command_and_option_says_what_it_is_for():
    for path, command in every_command():
        assert command.get_short_help_str(), path
        for parameter in command.params:
            if isinstance(parameter, click.Option) and path != "demo":
                assert parameter.help, (path, parameter.name)


@pytest.mark.spec("CLI-01")
def test_a_secret_goes_to_a_file_of_its_owner_alone_and_never_over_another(deployment):
    (deployment.folder / "taken").write_text("mine")
    (deployment.folder / "link").symlink_to(deployment.folder / "elsewhere")
    for name in ("taken", "link"):
        assert deployment.run("clients", "add", "orientation", "--output", name).code == 1
    assert (deployment.folder / "taken").read_text() == "mine"
    assert not (deployment.folder / "elsewhere").exists()
    assert "terminal" in deployment.run("clients", "add", "orientation", "--reveal-once").err
    assert deployment.json("clients", "list")[0]["secrets"] == 0
    ran = deployment.run("clients", "add", "orientation", "--output", "secret")
    secret = (deployment.folder / "secret").read_text()
    assert len(secret) == 43  # 256 bits
    assert stat.S_IMODE((deployment.folder / "secret").stat().st_mode) == 0o600
    assert secret not in ran.out + ran.err
    assert secret.encode() not in deployment.every_byte()


@pytest.mark.spec("CLI-01")
def test_a_terminal_that_asks_is_shown_the_secret_once(deployment, monkeypatch):
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr("sys.stdout", terminal)
        from gateway.cli.output import run

        code = run(
            passerelle, ["--config", str(deployment.config), "clients", "add", "orientation", "--reveal-once", "--json"]
        )
    monkeypatch.undo()
    said = json.loads(os.read(ours, 4096))
    os.close(ours)
    assert code == 0
    with deployment.serving() as door:
        assert door.redeem("orientation", said["secret"]) == (400, "invalid_grant")


def test_a_secret_that_could_not_be_registered_leaves_no_file(deployment, monkeypatch):
    from gateway.storage.sql.client_secrets import SqlClientSecrets

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(SqlClientSecrets, "rotate", fail)
    assert deployment.run("clients", "add", "orientation", "--output", "secret").code == 3
    assert not (deployment.folder / "secret").exists()


@pytest.mark.spec("CLI-06", "PWD-11")
def test_the_activation_link_is_in_no_output_no_journal_line_and_no_stored_byte(deployment):
    ran = [
        deployment.run("accounts", "create", "--username", "agent.un", *PERSON),
        deployment.run("accounts", "welcome", "agent.un"),
        deployment.run("accounts", "show", "agent.un"),
    ]
    assert [one.code for one in ran] == [0, 0, 0]
    with deployment.stores() as stores:
        account = stores.database.accounts.find_by_username("agent.un")
        assert account is not None
        assert (account.status, account.password_hash) == ("invited", None)
        link = stores.database.links.latest(account.id, LinkPurpose.ACTIVATION)
        assert link is not None
        token = link_token(stores.database.purpose_keys.get(Purpose.LINK), LinkPurpose.ACTIVATION, link.id)
    said = "".join(one.out + one.err for one in ran) + repr(deployment.journal())
    assert token not in said
    assert token.encode() not in deployment.every_byte()
