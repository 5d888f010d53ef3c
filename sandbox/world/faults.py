"""Failures of the outside world, switched on by tests: a mail server that refuses or drags, an SMS provider in error."""

from dataclasses import dataclass
from typing import Literal, get_args

SmtpFault = Literal["refuse", "slow"]
SmsFault = Literal["error"]


class UnknownFault(ValueError):  # noqa: N818 -- a refusal, told in a sentence
    """Asked for a fault that does not exist here."""


@dataclass
class Faults:
    smtp: SmtpFault | None = None
    sms: SmsFault | None = None

    def switch(self, wanted: object) -> None:
        """`{"smtp": "refuse" | "slow" | null, "sms": "error" | null}`; a key left out stays as it is."""
        if not isinstance(wanted, dict) or not wanted.keys() <= {"smtp", "sms"}:
            raise UnknownFault("expected an object with the keys smtp and sms")
        smtp, sms = wanted.get("smtp", self.smtp), wanted.get("sms", self.sms)
        if smtp not in (None, *get_args(SmtpFault)) or sms not in (None, *get_args(SmsFault)):
            raise UnknownFault("smtp is refuse, slow or null; sms is error or null")
        self.smtp, self.sms = smtp, sms

    def as_json(self) -> dict[str, str | None]:
        return {"smtp": self.smtp, "sms": self.sms}
