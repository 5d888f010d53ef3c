"""The handlers of what goes out: a one-time code, a reset that was asked for, a one-time link, a notice.

Each derives again what the message must carry from the identifier it was given, and first looks whether it still makes sense:
a code that was replaced or has expired, a link that was used, an account that is gone, are dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from gateway.accounts.account import Account, CodeChannel
from gateway.accounts.contact_change import Contact, recovery_addresses
from gateway.accounts.one_time_link import LinkPurpose, OneTimeLink, link_token
from gateway.accounts.ports import Accounts, ContactChanges, OneTimeLinks
from gateway.accounts.sim_signal import SimSignal
from gateway.jobs.outgoing import Handler, Report, Sent, Troubled
from gateway.jobs.ports import MailSender, NumberSignals, SmsSender
from gateway.keys.purposes import PurposeKey
from gateway.signin.enrolment.reset_order import ResetLinks
from gateway.signin.one_time_code.code import derive_code
from gateway.signin.password.disabling import disable_password
from gateway.signin.policy import SigninPolicy
from gateway.signin.ports import OneTimeCodes

Payload = Mapping[str, str | int]


class MailText(Protocol):
    """One mail, ready to send."""

    @property
    def subject(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def html(self) -> str: ...


class MessageTexts(Protocol):
    def mail(self, kind: str, language: str, **values: str | int) -> MailText: ...

    def code_sms(self, language: str, code: str, minutes: int) -> str: ...

    def number_left_sms(self, language: str) -> str: ...


class SendMessages:
    """`sms` None: this deployment sends none, and a code meant for a phone is given up visibly. `signals` None: nobody tells of
    changed SIMs. `operator` is who is told what the gateway decides by itself."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        links: OneTimeLinks,
        resets: ResetLinks,
        changes: ContactChanges,
        codes: OneTimeCodes,
        texts: MessageTexts,
        mail: MailSender,
        sms: SmsSender | None,
        code_key: PurposeKey,
        link_key: PurposeKey,
        origin: str,
        policy: SigninPolicy,
        signals: NumberSignals | None = None,
        operator: str = "",
    ) -> None:
        self._accounts, self._links, self._resets, self._codes = accounts, links, resets, codes
        self._changes = changes
        self._texts, self._mail, self._sms = texts, mail, sms
        self._code_key, self._link_key = code_key, link_key
        self._origin, self._policy = origin, policy
        self._signals, self._operator = signals, operator

    def handlers(self) -> Mapping[str, Handler]:
        return {
            "one_time_code": self.one_time_code,
            "reset": self.reset,
            "disable_password": self.disable_password,
            "link": self.link,
            "notice": self.notice,
            "contact_notice": self.contact_notice,
            "number_left": self.number_left,
            "operator_alert": self.operator_alert,
        }

    def troubled(self) -> Mapping[str, Troubled]:
        return {"one_time_code": self.code_not_taken}

    def code_not_taken(self, payload: Payload, now: float) -> None:
        """The page of whoever waits for this code offers another way (OTP-17)."""
        self._codes.note_undelivered(str(payload["challenge"]), now)

    def one_time_code(self, payload: Payload, now: float, message_id: str) -> Sent | Report:
        challenge = self._codes.find(str(payload["challenge"]), now)
        account = self._accounts.get(str(payload["account"]))
        if challenge is None or account is None or challenge.send_number != payload["send_number"]:
            return Sent.POINTLESS
        if now >= challenge.expires_at or challenge.contact_version != account.contact_version:
            return Sent.POINTLESS
        minutes = max(1, int(challenge.expires_at - challenge.sent_at) // 60)
        change = self._changes.get(str(payload["change"])) if "change" in payload else None
        if change is not None and not change.waits(now):
            return Sent.POINTLESS
        by_sms = challenge.channel == CodeChannel.SMS
        digits = self._policy.code_digits_sms if by_sms else self._policy.code_digits_email
        code = derive_code(self._code_key, challenge.id, challenge.send_number, digits)
        if by_sms:
            if account.phone_verified_at is None and change is None:
                raise OSError("this number is nobody's factor")
            report = self.text(account, self._texts.code_sms(account.language, code, minutes), now, message_id)
            if report.reason is not None:
                self.code_not_taken(payload, now)
            return report
        kind, account = ("code", account) if change is None else ("contact_code", replace(account, email=change.value))
        self._send_mail(account, kind, now, message_id, code=code, minutes=minutes)
        return Sent.SENT

    def text(self, account: Account, text: str, now: float, message_id: str) -> Report:
        """Sends a text message to the account's number, unless its SIM has just changed (SMS-08): then its holder is told by
        mail. Raises OSError."""
        if self._sms is None or account.phone is None:
            raise OSError("no way to send a text message")
        signal = self._sim(account.phone, now)
        if signal is SimSignal.CHANGED:
            self._send_mail(account, "notice_sim_changed", now, message_id)
            return Report({"sim": signal.value}, reason="sim_changed")
        provider_id = self._sms.send(to=account.phone, text=text)
        named = {"provider_id": provider_id} if provider_id is not None else {}
        return Report({"sim": signal.value, **named})

    def _sim(self, number: str, now: float) -> SimSignal:
        if self._signals is None:
            return SimSignal.ABSENT
        try:
            return self._signals.sim(number, now)
        except OSError:
            return SimSignal.ABSENT

    def reset(self, payload: Payload, now: float, message_id: str) -> Sent:
        """Sends nothing itself: the mail is ordered together with the link."""
        del message_id
        self._resets.issue(str(payload["account"]), int(payload["asked_at"]), now)
        return Sent.POINTLESS

    def disable_password(self, payload: Payload, now: float, message_id: str) -> Sent:
        """Sends nothing itself: the notice is ordered together with the change."""
        del message_id
        disable_password(self._accounts, payload, now)
        return Sent.POINTLESS

    def link(self, payload: Payload, now: float, message_id: str) -> Sent:
        link = self._links.get(str(payload["link"]))
        account = self._accounts.get(str(payload["account"]))
        if link is None or account is None or link.used_at is not None or link.revoked_at is not None:
            return Sent.POINTLESS
        outlives = link.purpose in {LinkPurpose.UNDO_CONTACT, LinkPurpose.STOP_RECOVERY}
        if now >= link.expires_at or (link.contact_version != account.contact_version and not outlives):
            return Sent.POINTLESS
        token = link_token(self._link_key, LinkPurpose(link.purpose), link.id)
        address = f"{self._origin}/{link.purpose}/{token}"
        # What stops a recovery is told twice.
        since = now if link.purpose is LinkPurpose.STOP_RECOVERY else link.issued_at
        hours = max(1, round((link.expires_at - since) / 3600))
        receivers = self._receivers(account, link, now)
        for receiver in receivers:
            to = replace(account, email=receiver)
            self._send_mail(to, f"link_{link.purpose}", now, message_id, link=address, hours=hours)
        return Sent.SENT if receivers else Sent.POINTLESS

    def _receivers(self, account: Account, link: OneTimeLink, now: float) -> Sequence[str]:
        """Who reads this link: what undoes a change goes to the address that it replaced."""
        if link.purpose is LinkPurpose.RESET:
            return recovery_addresses(account, now)
        if link.purpose is LinkPurpose.STOP_RECOVERY and account.recovery_email_verified_at is not None:
            return tuple(address for address in (account.email, account.recovery_email) if address is not None)
        change = self._changes.get(link.id) if link.purpose is LinkPurpose.UNDO_CONTACT else None
        if change is not None and change.contact is Contact.EMAIL and change.former is not None:
            return (change.former,)
        return (account.email,)

    def contact_notice(self, payload: Payload, now: float, message_id: str) -> Sent:
        """To an address that a change took or gave."""
        account, change = self._accounts.get(str(payload["account"])), self._changes.get(str(payload["change"]))
        receiver = None if change is None else change.former if payload["to"] == "former" else change.value
        if account is None or receiver is None:
            return Sent.POINTLESS
        self._send_mail(replace(account, email=receiver), f"notice_{payload['what']}", now, message_id)
        return Sent.SENT

    def number_left(self, payload: Payload, now: float, message_id: str) -> Sent | Report:
        """To the number that a change took from an account, unless it is back meanwhile. It proves nothing, so that nobody is
        asked about its SIM. Raises OSError."""
        del now, message_id
        account, change = self._accounts.get(str(payload["account"])), self._changes.get(str(payload["change"]))
        former = None if change is None else change.former
        if self._sms is None or account is None or former is None or _has_proved(account, former):
            return Sent.POINTLESS
        provider_id = self._sms.send(to=former, text=self._texts.number_left_sms(account.language))
        return Report({"provider_id": provider_id} if provider_id is not None else {})

    def notice(self, payload: Payload, now: float, message_id: str) -> Sent:
        account = self._accounts.get(str(payload["account"]))
        if account is None:
            return Sent.POINTLESS
        values = {name: value for name, value in payload.items() if name not in {"account", "what"}}
        if payload["what"] == "welcome":
            values["identifier"] = account.username
        self._send_mail(account, f"notice_{payload['what']}", now, message_id, **values)
        return Sent.SENT

    def operator_alert(self, payload: Payload, now: float, message_id: str) -> Sent:
        values = {name: value for name, value in payload.items() if name != "what"}
        mail = self._texts.mail(f"alert_{payload['what']}", "fr", **values)
        self._mail.send(
            to=self._operator, subject=mail.subject, text=mail.text, html=mail.html, now=now, message_id=message_id
        )
        return Sent.SENT

    def _send_mail(self, account: Account, kind: str, now: float, message_id: str, **values: str | int) -> None:
        mail = self._texts.mail(kind, account.language, **values)
        self._mail.send(
            to=account.email, subject=mail.subject, text=mail.text, html=mail.html, now=now, message_id=message_id
        )


def _has_proved(account: Account, number: str) -> bool:
    return account.phone == number and account.phone_verified_at is not None
