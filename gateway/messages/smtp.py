"""E-mail through SMTP, one conversation per message.

TLS is verified and compulsory unless the settings say `none`, which only the demo may (CRY-06). Nothing of a message is logged.
"""

import datetime
import smtplib
import ssl
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Literal


class UnsendableError(ValueError):
    """No mail can carry this; nothing was sent."""


class SmtpSender:
    """`timeout` in seconds. Raises OSError (smtplib's errors are): the caller retries; UnsendableError."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: Literal["starttls", "implicit", "none"],
        sender: str,
        sender_name: str,
        username: str | None = None,
        password: str | None = None,
        authorities: Path | None = None,
        timeout: float = 5.0,
    ) -> None:
        self._host, self._port, self._tls, self._timeout = host, port, tls, timeout
        self._from = Address(sender_name, addr_spec=sender)
        self._credentials = (username, password) if username and password else None
        self._context = ssl.create_default_context(cafile=authorities)

    def __repr__(self) -> str:
        return f"SmtpSender({self._host}:{self._port})"

    def send(self, *, to: str, subject: str, text: str, html: str, now: float, message_id: str) -> None:
        """Sends one message; `message_id` is stable across retries so that a mailbox may drop a repetition."""
        message = self._written(to, subject, text, html, now, message_id)
        with self._connection() as connection:
            connection.send_message(message)

    def _written(self, to: str, subject: str, text: str, html: str, now: float, message_id: str) -> EmailMessage:
        if not (
            to.isprintable() and subject.isprintable()
        ):  # no line break nor control character in a header (MAIL-04)
            raise UnsendableError("a control character in a header")
        message = EmailMessage()
        message["From"] = self._from
        try:
            message["To"] = Address(addr_spec=to)  # refuses a second address
        except (MessageError, ValueError, LookupError):
            raise UnsendableError("this is no address") from None
        message["Subject"] = subject
        message["Date"] = format_datetime(_utc(now))
        message["Message-ID"] = f"<{message_id}@{self._from.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        message.add_alternative(html, subtype="html")
        return message

    def _connection(self) -> smtplib.SMTP:
        if self._tls == "implicit":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=self._timeout, context=self._context
            )
        else:
            connection = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
        try:
            if self._tls == "starttls":
                connection.starttls(context=self._context)
            if self._credentials is not None:
                connection.login(*self._credentials)
        except BaseException:
            connection.close()
            raise
        return connection


def _utc(now: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(now, datetime.UTC)
