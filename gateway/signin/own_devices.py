"""The devices that a person trusts: their names, and no longer trusting one (DECISIONS 2). A device is its holder's alone."""

from collections.abc import Sequence

from gateway.accounts.ports import TrustedDevices
from gateway.accounts.trusted_device import TrustedDevice
from gateway.clock import Clock
from gateway.journal.events import Outcome
from gateway.randomness import digest
from gateway.signin.journal_lines import Lines
from gateway.signin.label import bounded
from gateway.signin.request_context import RequestContext


class OwnDevices:
    def __init__(self, *, devices: TrustedDevices, clock: Clock) -> None:
        self._devices = devices
        self._clock = clock

    def of(self, account_id: str) -> Sequence[TrustedDevice]:
        """Those that are trusted, last used first."""
        return self._devices.of(account_id)

    def rename(self, account_id: str, device_id: str, label: str, context: RequestContext) -> bool:
        """False when it is not one of theirs, or the name is empty."""
        if self._mine(account_id, device_id) is None or not bounded(label):
            return False
        return self._devices.rename(
            device_id,
            bounded(label),
            self._lines(context).said(*_said("device.renamed", account_id), details=_which(device_id)),
        )

    def revoke(self, account_id: str, device_id: str, context: RequestContext) -> bool:
        """The next sign-in there asks a code. False when it is not one of theirs."""
        if self._mine(account_id, device_id) is None:
            return False
        lines = self._lines(context)
        said = lines.said(*_said("device.revoked", account_id), reason="by_holder", details=_which(device_id))
        return self._devices.revoke(device_id, lines.at, said)

    def _mine(self, account_id: str, device_id: str) -> TrustedDevice | None:
        found = self._devices.find(device_id)
        return found if found is not None and found.account_id == account_id else None

    def _lines(self, context: RequestContext) -> Lines:
        return Lines(self._clock.now(), context, method="trusted_device")


def _said(name: str, account_id: str) -> tuple[str, Outcome, str]:
    return name, Outcome.SUCCESS, account_id


def _which(device_id: str) -> dict[str, str]:
    return {"device": digest(device_id)}
