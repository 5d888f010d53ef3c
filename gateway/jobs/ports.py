"""What the jobs need from outside: senders, and the call to an application."""

from typing import Protocol

from gateway.accounts.sim_signal import SimSignal


class MailSender(Protocol):
    def send(self, *, to: str, subject: str, text: str, html: str, now: float, message_id: str) -> None:
        """Raises OSError (smtplib's errors included) when the message was not taken."""
        ...


class SmsSender(Protocol):
    def send(self, *, to: str, text: str) -> str | None:
        """The provider's own name of the message, if it gives one. Raises OSError when the message was not taken."""
        ...


class NumberSignals(Protocol):
    def sim(self, number: str, now: float) -> SimSignal:
        """Raises OSError when the provider does not answer."""
        ...


class LogoutCaller(Protocol):
    def call(self, uri: str, logout_token: str) -> None:
        """Raises OSError when the application did not take it."""
        ...
