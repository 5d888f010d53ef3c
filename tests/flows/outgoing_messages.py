"""The gateway as it is deployed, its job that sends messages, and the two strangers it hands them to, who may fail."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import gateway.wiring.jobs as wiring
from gateway.jobs.runner import Job
from tests.requirements.assembled import Gateway


@dataclass
class Strangers:
    """A mail server and a provider of text messages: what they took, and whether they take anything."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    mails: list[dict[str, Any]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    def send(self, *, to: str, text: str, **mail: Any) -> str | None:
        if ("email" if mail else "sms") in self.down:
            raise TimeoutError(f"nobody answers for {to}: {text}")
        if mail:
            self.mails.append({"to": to, "text": text, **mail})
            return None
        self.texts.append((to, text))
        return "SM17"


@dataclass
class Sending:
    gateway: Gateway
    strangers: Strangers
    job: Job

    def send(self, seconds: float = 0.0) -> None:
        """What the jobs do now, `seconds` later."""
        self.gateway.clock.advance(seconds)
        while self.job.run():
            pass


@contextmanager
def sending(folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Iterator[Sending]:
    strangers = Strangers()
    monkeypatch.setattr(wiring, "sms_sender", lambda _: (strangers, None))
    monkeypatch.setattr(wiring, "_mail_sender", lambda *_: strangers)
    gateway = Gateway(folder, **settings)
    jobs = wiring.jobs_of(gateway.settings, gateway.reviewed, gateway.stores)
    yield Sending(gateway, strangers, next(job for job in jobs if job.name == "outgoing"))
    gateway.close()
