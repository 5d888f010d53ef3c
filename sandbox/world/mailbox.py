"""The mailbox of everyone in the demo: the last 500 mails, in memory, oldest first.

Reads MIME (RFC 2045 to 2049) as a mail program does: decoded subject, the plain text part; a mail that cannot be
decoded is still shown, with replacement characters.
"""

import itertools
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

MAILS_KEPT = 500


@dataclass(frozen=True)
class Mail:
    id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    has_html: bool
    received_at: datetime

    def is_for(self, address: str) -> bool:
        return address.casefold() in (recipient.casefold() for recipient in self.recipients)


class Mailbox:
    """Written by the SMTP thread, read by the site's threads."""

    def __init__(self) -> None:
        self._mails: deque[Mail] = deque(maxlen=MAILS_KEPT)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self.version = 0

    def deliver(self, content: bytes, recipients: tuple[str, ...], received_at: datetime) -> Mail:
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        with self._lock:
            mail = Mail(
                id=str(next(self._ids)),
                sender=_header(message, "From"),
                recipients=recipients,
                subject=_header(message, "Subject"),
                text=_plain_text(message),
                has_html=message.get_body(("html",)) is not None,
                received_at=received_at,
            )
            self._mails.append(mail)
            self.version += 1
        return mail

    def mails(self, to: str | None = None) -> list[Mail]:
        with self._lock:
            return [mail for mail in self._mails if to is None or mail.is_for(to)]

    def get(self, mail_id: str) -> Mail | None:
        return next((mail for mail in self.mails() if mail.id == mail_id), None)

    def clear(self) -> None:
        with self._lock:
            self._mails.clear()
            self.version += 1


def _header(message: EmailMessage, name: str) -> str:
    return str(message.get(name, "")).strip()


def _plain_text(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    if part is None:
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n").strip("\n")
    except (LookupError, ValueError):
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
