"""`passerelle doctor` finds what is wrong, says what to do, and changes nothing."""

import contextlib
import shutil
import socketserver
import sqlite3
import threading
from collections.abc import Iterator

import pytest

from gateway.journal.effects import NO_EFFECTS, Effects, Outgoing
from tests.cli.deployment import Deployment


class _Greeting(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a visitor leaves without a word
            self.wfile.write(b"220 mailbox ready\r\n")
            self.rfile.readline()


@pytest.fixture
def well(deployment: Deployment) -> Iterator[Deployment]:
    """A deployment that nothing is wrong with."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Greeting) as mailbox:
        mailbox.daemon_threads = True
        threading.Thread(target=mailbox.serve_forever, daemon=True).start()
        port = mailbox.server_address[1]
        deployment.settings(smtp={"host": "127.0.0.1", "port": port, "tls": "none", "sender": "p@demo.test"})
        deployment.json("clients", "add", "orientation", "--output", "secret")
        yield deployment
        mailbox.shutdown()


def advice(deployment: Deployment) -> dict[str, str]:
    """What needs somebody, by subject; the exit code says whether there is any."""
    ran = deployment.run("doctor", "--json")
    found = {item["subject"]: item["advice"] for item in ran.document["findings"] if item["advice"]}
    assert ran.code == (1 if found else 0)
    assert ran.document["well"] is (not found)
    return found


def test_all_is_well(well):
    assert advice(well) == {}
    ran = well.process("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert "✗" not in ran.out


def test_a_key_encryption_key_that_others_may_read_is_found(well):
    (well.folder / "var" / "kek.key").chmod(0o644)
    assert "chmod 600" in advice(well)["stores"]
    assert well.run("accounts", "show", "ad.ministre").code == 1


def test_a_database_behind_the_code_is_found_and_only_init_changes_it(well):
    with sqlite3.connect(well.folder / "var" / "passerelle.db") as connection:
        connection.execute("DELETE FROM alembic_version")
    connection.close()
    assert "passerelle init" in advice(well)["database"]
    for words in (["accounts", "show", "ad.ministre"], ["serve"]):
        ran = well.run(*words)
        assert (ran.code, "passerelle init" in ran.err) == (1, True)


def test_the_key_encryption_key_of_another_deployment_is_found(well, fresh):
    assert fresh.run("init").code == 0
    shutil.copy(fresh.folder / "var" / "kek.key", well.folder / "var" / "kek.key")
    assert "backup" in advice(well)["database"]


def test_an_application_without_a_secret_is_found(well):
    well.client("suivi")
    assert advice(well) == {"application suivi": "Give it a secret: `passerelle clients add suivi`."}


def test_a_mail_server_that_does_not_answer_is_found(well):
    for smtp in ({"port": 9, "tls": "none"}, {"tls": "starttls"}):
        well.settings(smtp={"host": "127.0.0.1", "sender": "p@demo.test", "port": 9} | smtp)
        assert "smtp.host" in advice(well)["mail server"]


def test_something_else_than_a_mail_server_is_found(well, monkeypatch):
    monkeypatch.setattr(_Greeting, "handle", lambda self: self.wfile.write(b"HTTP/1.1 400 Bad Request\r\n"))
    assert "smtp.port" in advice(well)["mail server"]


def test_a_missing_data_folder_is_found_and_not_made(well):
    shutil.rmtree(well.folder / "var")
    assert "backup" in advice(well)["data folder"]
    assert not (well.folder / "var").exists()


def test_a_wrong_reviewed_file_does_not_hide_the_rest(well):
    (well.folder / "idp_config" / "roles.yaml").write_text("nonsense: true\n")
    found = advice(well)
    assert list(found) == ["idp_config"]


def test_an_application_that_nobody_can_enter_is_found(well):
    well.client("suivi", min_acr="urn:passerelle:acr:card", authentication_method="none")
    assert "nobody can reach" in advice(well)["idp_config"]


@pytest.mark.spec("SES-07")
def test_an_application_that_does_not_take_the_end_of_sessions_is_found(well):
    call = Outgoing("backchannel_logout", {"client": "orientation", "sid": "s", "account": "a"})
    with well.stores() as stores:
        now = stores.clock.now()
        stores.ephemeral.spool.note(Effects(outgoing=(call,)))
        for _ in range(2):
            assert not [subject for subject in advice(well) if subject.startswith("logout of")], (
                "tried once is not late"
            )
            for item_id, _, _ in stores.ephemeral.spool.take_outgoing(now, 10, 0):
                stores.ephemeral.spool.retry(item_id, now, NO_EFFECTS)
    assert "backchannel_logout_uri" in advice(well)["logout of orientation"]
