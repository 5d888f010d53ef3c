"""What each outgoing item becomes: to whom, by which sender, and what it refuses to send."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.accounts.account import Account, AccountStatus
from gateway.accounts.contact_change import Contact, ContactChange
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink
from gateway.accounts.sim_signal import SimSignal
from gateway.jobs.outgoing import Report, Sent
from gateway.jobs.send_messages import SendMessages
from gateway.keys.purposes import Purpose, PurposeKey
from gateway.messages.texts import Texts
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import CodeChallenge
from tests.fakes import FakeAccounts, FakeCodes, FakeDevices, FakeLinks, Written

NOW = 1_800_000_000.0
CLAIRE = Account(
    id="claire", username="claire", family_name="Durand", given_name="Claire", email="claire@exemple.test",
    status=AccountStatus.ACTIVE, created_at=NOW, email_verified_at=NOW, phone="+33639980001", phone_verified_at=NOW,
    rpps="99900000003",
)  # fmt: skip
ORDER = {"challenge": "c", "send_number": 1, "account": "claire", "channel": "sms"}


class Carrier:
    """A provider of text messages that also tells of SIMs, and a mail server."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []
        self.mails: list[dict[str, Any]] = []
        self.signal: SimSignal | Exception = SimSignal.UNCHANGED
        self.asked: list[str] = []

    def send(self, *, to: str, text: str = "", **mail: Any) -> str | None:
        if not mail:
            self.texts.append((to, text))
            return "SM17"
        self.mails.append({"to": to, "text": text, **mail})
        return None

    def sim(self, number: str, now: float) -> SimSignal:
        self.asked.append(number)
        if isinstance(self.signal, Exception):
            raise self.signal
        return self.signal


class Job:
    def __init__(self, *, sms: bool = True, signals: bool = True) -> None:
        written = Written()
        links, devices = FakeLinks(written), FakeDevices(written)
        self.links = links
        self.accounts, self.codes, self.carrier = FakeAccounts(written, links, devices), FakeCodes(written), Carrier()
        self.accounts.put(CLAIRE)
        challenge = CodeChallenge("c", "claire", "t", "signin", "sms", 1, None, b"", 1, NOW, NOW + 300, 5)
        self.codes.records["c"], self.codes._begun["c"] = challenge, NOW
        self.messages = SendMessages(
            accounts=self.accounts,
            links=links,
            resets=None,  # type: ignore[arg-type]
            changes=None,  # type: ignore[arg-type]
            codes=self.codes,
            texts=Texts(service={"fr": "Passerelle"}, origin="https://p.example.test", contact="aide@exemple.test"),
            mail=self.carrier,  # type: ignore[arg-type]
            sms=self.carrier if sms else None,
            code_key=PurposeKey(Purpose.ONE_TIME_CODE, bytes(32)),
            link_key=PurposeKey(Purpose.LINK, bytes(32)),
            origin="https://p.example.test",
            policy=SigninPolicy(),
            signals=self.carrier if signals else None,
            operator="exploitation@exemple.test",
        )

    def code(self) -> Sent | Report:
        return self.messages.one_time_code(ORDER, NOW, "m1")


@pytest.mark.spec("SMS-08")
@pytest.mark.parametrize(
    ("signal", "said"),
    [(SimSignal.UNCHANGED, "unchanged"), (SimSignal.ABSENT, "absent"), (OSError(), "absent")],
    ids=["unchanged", "absent", "no-answer"],
)
def test_the_signal_of_the_sim_is_asked_before_a_code_leaves_and_written_down(signal: Any, said: str) -> None:
    job = Job()
    job.carrier.signal = signal
    assert job.code() == Report({"sim": said, "provider_id": "SM17"})
    assert (job.carrier.asked, len(job.carrier.texts)) == ([CLAIRE.phone], 1)


@pytest.mark.spec("SMS-08")
def test_a_provider_that_tells_nothing_is_an_absent_signal_in_the_journal() -> None:
    assert Job(signals=False).code() == Report({"sim": "absent", "provider_id": "SM17"})


@pytest.mark.spec("SMS-08")
def test_a_sim_that_has_just_changed_receives_no_code_and_its_holder_is_told_by_mail() -> None:
    job = Job()
    job.carrier.signal = SimSignal.CHANGED
    assert job.code() == Report({"sim": "changed"}, reason="sim_changed")
    assert job.carrier.texts == []
    assert [mail["to"] for mail in job.carrier.mails] == [CLAIRE.email]
    assert job.codes.records["c"].undelivered


def test_a_code_for_a_number_that_is_no_factor_any_more_does_not_leave() -> None:
    job = Job()
    job.accounts.put(replace(CLAIRE, phone_verified_at=None))
    with pytest.raises(OSError, match="factor"):
        job.code()
    job.accounts.put(replace(CLAIRE, contact_version=2))
    assert job.code() is Sent.POINTLESS
    assert job.carrier.texts == job.carrier.asked == []


def test_without_a_provider_a_code_for_a_telephone_is_given_up() -> None:
    with pytest.raises(OSError, match="no way"):
        Job(sms=False).code()


class Changes:
    """What a number was before it was replaced."""

    def __init__(self, former: str | None) -> None:
        self._former = former

    def get(self, change_id: str) -> ContactChange | None:
        if self._former is None:
            return None
        return ContactChange(change_id, "claire", Contact.PHONE, "+33639980002", 1, NOW, NOW, former=self._former)


def test_a_number_that_was_left_is_told_unless_it_is_back_or_there_is_no_provider() -> None:
    order = {"account": "claire", "change": "c", "channel": "sms"}
    job = Job()
    job.messages._changes = Changes("+33639980009")  # type: ignore[assignment]
    assert job.messages.number_left(order, NOW, "m") == Report({"provider_id": "SM17"})
    ((to, text),) = job.carrier.texts
    assert to == "+33639980009" and "n'est plus celui de votre compte" in text
    assert job.carrier.asked == []
    job.messages._changes = Changes(CLAIRE.phone)  # type: ignore[assignment]
    assert job.messages.number_left(order, NOW, "m") is Sent.POINTLESS
    job.accounts.put(replace(CLAIRE, phone_verified_at=None))
    assert isinstance(job.messages.number_left(order, NOW, "m"), Report)
    job.messages._changes = Changes(None)  # type: ignore[assignment]
    assert job.messages.number_left(order, NOW, "m") is Sent.POINTLESS
    mute = Job(sms=False)
    mute.messages._changes = Changes("+33639980009")  # type: ignore[assignment]
    assert mute.messages.number_left(order, NOW, "m") is Sent.POINTLESS


@pytest.mark.spec("FID-11")
def test_what_stops_a_recovery_goes_to_every_address_also_after_a_change_of_contact() -> None:
    job = Job()
    link = OneTimeLink("r", "claire", LinkPurpose.STOP_RECOVERY, b"d" * 32, 1, NOW, NOW + 144 * 3600, printed_by=None)
    job.links.records["r"] = link
    order = {"link": "r", "account": "claire", "purpose": "stop_recovery"}
    rescue = {"recovery_email": "secours@exemple.test", "recovery_email_verified_at": NOW}
    for account, receivers in (
        (CLAIRE, ["claire@exemple.test"]),
        (replace(CLAIRE, contact_version=7, **rescue), ["claire@exemple.test", "secours@exemple.test"]),
        (replace(CLAIRE, recovery_email="jamais@exemple.test"), ["claire@exemple.test"]),
    ):
        job.accounts.put(account)
        job.carrier.mails.clear()
        assert job.messages.link(order, NOW + 3600, "m") is Sent.SENT
        assert [mail["to"] for mail in job.carrier.mails] == receivers
        assert "https://p.example.test/stop_recovery/" in job.carrier.mails[0]["text"]
        assert "143 h" in job.carrier.mails[0]["text"]
    assert job.messages.link(order, NOW + 144 * 3600, "m") is Sent.POINTLESS


@pytest.mark.spec("SMS-04")
def test_the_operator_is_told_of_the_budget_and_of_what_stopped() -> None:
    job = Job()
    for payload in ({"what": "sms_budget", "percent": 80, "budget": 500}, {"what": "sms_stopped", "scope": "FR"}):
        assert job.messages.operator_alert(payload, NOW, "m") is Sent.SENT
    budget, stopped = job.carrier.mails
    assert {budget["to"], stopped["to"]} == {"exploitation@exemple.test"}
    assert "80 %" in budget["subject"]
    assert "passerelle sms reopen FR" in stopped["text"]


@pytest.mark.spec("OTP-15")
@pytest.mark.parametrize("channel", ["sms", "email"])
def test_a_message_says_nothing_of_the_person(channel: str) -> None:
    job = Job()
    job.codes.records["c"] = replace(job.codes.records["c"], channel=channel)
    job.code()
    said = " ".join(
        [text for _, text in job.carrier.texts] + [mail["text"] + mail["html"] for mail in job.carrier.mails]
    )
    assert said
    for word in (CLAIRE.family_name, CLAIRE.given_name, CLAIRE.rpps, CLAIRE.email, CLAIRE.phone, "http"):
        assert str(word).lower() not in said.lower()
