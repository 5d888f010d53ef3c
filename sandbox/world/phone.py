"""The phone: the last 500 text messages handed to the SMS provider, oldest first.

The provider's rules are those of an ordinary HTTP one: E.164 number, 1 to 1600 characters; anything else is refused.
"""

import itertools
import re
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime

MESSAGES_KEPT = 500
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


class UndeliverableSms(ValueError):  # noqa: N818 -- a refusal, told in a sentence
    """What the SMS provider answers 400 to."""


@dataclass(frozen=True)
class Sms:
    id: str
    to: str
    text: str
    received_at: datetime


class Phone:
    def __init__(self) -> None:
        self._messages: deque[Sms] = deque(maxlen=MESSAGES_KEPT)
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self.version = 0

    def deliver(self, *, to: object, text: object, received_at: datetime) -> Sms:
        if not isinstance(to, str) or not _E164.fullmatch(to):
            raise UndeliverableSms("to must be an E.164 number such as +33600000000")
        if not isinstance(text, str) or not 1 <= len(text) <= 1600:
            raise UndeliverableSms("text must hold 1 to 1600 characters")
        with self._lock:
            sms = Sms(str(next(self._ids)), to, text, received_at)
            self._messages.append(sms)
            self.version += 1
        return sms

    def messages(self, to: str | None = None) -> list[Sms]:
        with self._lock:
            return [sms for sms in self._messages if to is None or sms.to == to]

    def clear(self) -> None:
        with self._lock:
            self._messages.clear()
            self.version += 1
