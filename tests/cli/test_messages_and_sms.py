"""Previews of messages, and opening again what the breaker stopped."""

import pytest

from gateway.journal.effects import NO_EFFECTS
from gateway.signin.one_time_code.sms_meter import ConversionFloor
from gateway.wiring.secret_file import live_secrets_in
from tests.cli.deployment import Deployment


def test_every_message_can_be_read_before_anybody_receives_it(deployment: Deployment) -> None:
    shown = deployment.json("messages", "preview")["messages"]
    assert {"code", "code_sms", "link_reset", "notice_password_changed", "alert_sms_budget"} <= {
        one["name"] for one in shown
    }
    assert all(one["text"] and (one["channel"] == "sms" or one["subject"]) for one in shown)
    ran = deployment.run("messages", "preview", "code", "--language", "en")
    assert "Do not give it to anyone" in ran.out
    assert deployment.run("messages", "preview", "code_sms").out.rstrip().endswith("@localhost #123456")


def test_the_html_part_is_written_where_it_is_wanted(deployment: Deployment) -> None:
    assert deployment.run("messages", "preview", "link_reset", "--html", "reset.html").code == 0
    assert "http://localhost:8080/reset/" in (deployment.folder / "reset.html").read_text("utf-8")
    assert deployment.run("messages", "preview", "--html", "all.html").code == 1
    unknown = deployment.run("messages", "preview", "nonsense")
    assert (unknown.code, "code_sms" in unknown.err) == (1, True)


@pytest.mark.spec("SMS-05")
def test_a_stopped_scope_is_listed_and_opened_again_by_somebody_who_is_written_down(deployment: Deployment) -> None:
    assert deployment.json("sms", "status") == []
    floor = ConversionFloor(sends=1, percent=20, window_seconds=3600, patience_seconds=0)
    with deployment.stores() as stores:
        now = stores.clock.now()
        for number in range(2):
            stores.ephemeral.sms_meter.take(
                f"s{number}", scopes=["FR"], windows=(), floor=floor, now=now + number, when_counted={},
                when_stopped={"FR": NO_EFFECTS},
            )  # fmt: skip
    assert [one["scope"] for one in deployment.json("sms", "status")] == ["FR"]
    assert deployment.run("sms", "reopen", "GP").code == 1
    assert deployment.json("sms", "reopen", "FR") == {"reopened": "FR"}
    assert deployment.run("sms", "reopen", "FR").code == 1
    with deployment.stores() as stores:
        (line,) = [event for _, event in stores.ephemeral.spool.take_events(100) if event.name == "sms.reopened"]
    assert line.details["scope_stopped"] == "FR"
    assert line.details["operator"]


def rotated(deployment: Deployment, *words: str) -> dict[str, object]:
    plan = deployment.json("rotate", "sms-key", *words)["plan"]
    done: dict[str, object] = deployment.json("rotate", "sms-key", *words, "--apply", plan)
    return done


@pytest.mark.spec("SMS-11")
def test_the_provider_s_key_is_replaced_while_the_former_one_still_works(deployment: Deployment) -> None:
    secret, new = deployment.folder / "sms.secret", deployment.folder / "new.secret"
    sms = {"url": "http://127.0.0.2:9/send", "budget": {"daily": 10}, "secret_file": "sms.secret"}
    deployment.settings(sms=sms)
    secret.write_text("canary-first\n", "utf-8")
    new.write_text("canary-second\n", "utf-8")
    stale = deployment.json("rotate", "sms-key", "--new", str(new))["plan"]
    assert live_secrets_in(secret) == ("canary-first",)
    assert rotated(deployment, "--new", str(new)) == {"keys": 2}
    assert live_secrets_in(secret) == ("canary-second", "canary-first")
    assert secret.stat().st_mode & 0o777 == 0o600
    assert deployment.run("rotate", "sms-key", "--new", str(new), "--apply", stale).code == 1
    assert rotated(deployment) == {"keys": 1}
    assert live_secrets_in(secret) == ("canary-second",)
    assert deployment.run("rotate", "sms-key").code == 1
    with deployment.stores() as stores:
        lines = [event for _, event in stores.ephemeral.spool.take_events(100) if event.name == "sms.key_rotated"]
    assert len(lines) == 2
    assert b"canary" not in deployment.every_byte()


@pytest.mark.spec("SMS-11")
def test_the_master_token_of_a_twilio_account_is_refused(deployment: Deployment) -> None:
    account = {"account_sid": f"AC{'0' * 32}", "sender": "+33700000000"}
    deployment.settings(
        sms={"provider": "twilio", "budget": {"daily": 10}, "secret_file": "sms.secret", "twilio": account}
    )
    (deployment.folder / "sms.secret").write_text(f"SK{'0' * 32}:first\n", "utf-8")
    (deployment.folder / "new.secret").write_text(f"AC{'0' * 32}:the-master-token\n", "utf-8")
    ran = deployment.run("rotate", "sms-key", "--new", str(deployment.folder / "new.secret"))
    assert (ran.code, "API key" in ran.err, "master-token" in ran.err) == (1, True, False)
