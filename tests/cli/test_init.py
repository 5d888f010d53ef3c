"""`passerelle init`, from an empty folder, again, and after a sudden death."""

import stat

import pytest

from gateway.accounts.one_time_link import LinkPurpose
from gateway.keys.signing_key import Algorithm, KeyState
from tests.cli.deployment import ADMINISTRATOR, ROOT_ADMIN, Deployment


def check_whole(deployment: Deployment) -> None:
    """One administrator with one live link, one active key by algorithm, everything readable."""
    with deployment.stores() as stores:
        keys = stores.database.signing_keys.all()
        assert sorted((key.algorithm, key.state) for key in keys) == [
            (algorithm, KeyState.ACTIVE) for algorithm in (Algorithm.ES256, Algorithm.RS256)
        ]
        (account,) = stores.database.accounts.all()
        assert (account.username, account.is_administrator, account.password_hash) == ("ad.ministre", True, None)
        link = stores.database.links.latest(account.id, LinkPurpose.ACTIVATION)
        assert link is not None
        assert link.revoked_at is None
        outgoing = stores.database.outbox.take(stores.clock.now())
        assert [(kind, payload["link"]) for _, kind, payload, _ in outgoing] == [("link", link.id)]
    names = [event.name for event in deployment.journal()]
    assert sorted(names) == sorted(
        ["gateway.initialised", "key.activated", "key.activated", "account.created", "link.requested"]
    )


@pytest.mark.spec("PWD-11")
def test_the_first_administrator_is_named_invited_and_has_no_password(deployment):
    check_whole(deployment)
    assert stat.S_IMODE((deployment.folder / "var" / "kek.key").stat().st_mode) == 0o600


def test_running_it_again_changes_nothing(deployment):
    before = deployment.json("accounts", "show", "ad.ministre")
    ran = deployment.run("init", *ADMINISTRATOR)
    assert ran.code == 0
    assert "nothing was changed" in ran.out
    assert deployment.run("init").code == 0
    assert deployment.json("accounts", "show", "ad.ministre") == before
    assert len([event for event in deployment.journal() if event.name != "admin.command"]) == 5


def test_an_administrator_whose_link_has_expired_gets_another(deployment):
    deployment.set_clock(86_400)
    assert deployment.json("init", *ADMINISTRATOR)["link_sent"] is True


def test_a_name_that_belongs_to_somebody_else_is_refused(deployment):
    ran = deployment.run("init", *ROOT_ADMIN, "--email", "somebody.else@exemple.invalid")
    assert (ran.code, "belongs to another account" in ran.err) == (1, True)


@pytest.mark.parametrize(
    "step",
    [
        "gateway.keys.key_encryption_key:_write_durably",
        "gateway.storage.sql.migrations:migrate",
        "gateway.storage.sql.purpose_keys:SqlPurposeKeys.initialise",
        "gateway.storage.sql.signing_keys:SqlSigningKeys.replace",
        "gateway.storage.sql.accounts:SqlAccounts.create",
        "gateway.storage.sql.one_time_links:SqlOneTimeLinks.issue",
    ],
)
def test_a_sudden_death_at_any_step_is_repaired_by_running_it_again(fresh, step):
    assert fresh.process("init", *ADMINISTRATOR, dying_after=step).code == -9
    ran = fresh.run("init", *ADMINISTRATOR)
    assert (ran.code, ran.err) == (0, "")
    check_whole(fresh)


def test_two_at_once_make_one_deployment(fresh):
    started = [fresh.start("init") for _ in range(2)]
    said = [process.communicate(timeout=60) for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert fresh.run("init", *ADMINISTRATOR).code == 0
    check_whole(fresh)


def test_a_lost_key_encryption_key_is_not_replaced_behind_the_database_s_back(deployment):
    kek = deployment.folder / "var" / "kek.key"
    kept = kek.read_bytes()
    kek.unlink()
    ran = deployment.run("init")
    assert (ran.code, "backup" in ran.err) == (1, True)
    assert not kek.exists()
    kek.write_bytes(kept)
    kek.chmod(0o600)
    assert deployment.run("accounts", "show", "ad.ministre").code == 0


def test_nothing_is_made_from_files_that_are_refused(fresh):
    (fresh.folder / "idp_config" / "tenant.yaml").write_text("host: elsewhere.example\n")
    assert fresh.run("init", *ADMINISTRATOR).code == 1
    assert not (fresh.folder / "var").exists()


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(fresh):
    (fresh.folder / "var").write_text("a file, not a folder")
    ran = fresh.run("init")
    assert (ran.code, "var" in ran.err) == (1, True)
