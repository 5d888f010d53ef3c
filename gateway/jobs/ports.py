"""What the jobs need from outside: senders, and the call to an application."""

from typing import Protocol


class MailSender(Protocol):
    def send(self, *, to: str, subject: str, text: str, html: str, now: float, message_id: str) -> None:
        """Raises OSError (smtplib's errors included) when the message was not taken."""
        ...


class SmsSender(Protocol):
    def send(self, *, to: str, text: str) -> None:
        """Raises OSError when the message was not taken."""
        ...


class LogoutCaller(Protocol):
    def call(self, uri: str, logout_token: str) -> None:
        """Raises OSError when the application did not take it."""
        ...
