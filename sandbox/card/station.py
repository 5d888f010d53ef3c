"""A workstation with a card reader: the cards beside it, the reader, the real bridge over both, and the look-alike IGC-Santé.

It writes what a gateway must know of the hierarchy in one folder: certificates, lists of revoked cards, `anchors.yaml`. Lists
are written anew whenever the shared clock moves, as the real ones are every day; the bridge lives by that clock too.
"""

import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import card_bridge
from sandbox.card.cps3 import VirtualCps3
from sandbox.card.demo_cards import CARDS, REVOKED_SERIAL, DemoCard
from sandbox.card.igc_sante import LookAlikeIgc
from sandbox.card.pin_pad import PinPad
from sandbox.card.reader import VirtualReader, VirtualReaders
from sandbox.clock import WorldClock

READER = "Lecteur virtuel"


class _SharedSeconds:
    """The shared clock as the bridge reads it: seconds since the epoch."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class UnknownCard(LookupError):  # noqa: N818 -- a refusal, told in a sentence
    """No card of this name lies beside the reader."""


class Station:
    def __init__(self, clock: WorldClock, folder: Path) -> None:
        self.pad = PinPad()
        self.reader = VirtualReader(READER)
        self.readers = VirtualReaders([self.reader])
        self.version = 0
        self._clock = clock
        self._folder = folder.with_name(f"{folder.name}.new")
        self._igc = LookAlikeIgc(clock.now())
        self._made: dict[str, VirtualCps3] = {}
        self._inserted: str | None = None
        self._lock = threading.Lock()
        self._listed_at = clock.now()
        self._igc.write(self._folder)
        self._write_lists()
        # The folder is there whole, or not at all: a gateway may be waiting for it.
        shutil.rmtree(folder, ignore_errors=True)
        self._folder = self._folder.rename(folder)

    @property
    def cards(self) -> Sequence[DemoCard]:
        return list(CARDS.values())

    @property
    def inserted(self) -> DemoCard | None:
        return CARDS[self._inserted] if self._inserted is not None else None

    def insert(self, key: str) -> None:
        """Pulls out first the card that is there. Raises UnknownCard."""
        if key not in CARDS:
            raise UnknownCard(f"no card is named {key!r}")
        with self._lock:
            self.reader.insert(self._card(key))
            self._inserted = key
            self.version += 1

    def remove(self) -> None:
        with self._lock:
            self.reader.remove()
            self._inserted = None
            self.version += 1

    def renew(self) -> None:
        """All cards are as on the first day, their tries included."""
        with self._lock:
            self.reader.remove()
            self._inserted = None
            self._made.clear()
            self.version += 1

    def keep_lists_fresh(self) -> None:
        """Writes the lists again once the clock has left them behind."""
        with self._lock:
            if abs(self._clock.now() - self._listed_at) > timedelta(days=1):
                self._write_lists()

    def _card(self, key: str) -> VirtualCps3:
        if key not in self._made:
            self._made[key] = CARDS[key].make(self._igc)
        return self._made[key]

    def _write_lists(self) -> None:
        self._listed_at = self._clock.now()
        for authority in self._igc.authorities:
            listed = [REVOKED_SERIAL] if authority is self._igc.fort_personnes else []
            written = self._folder / f"{authority.file}.crl.new"
            written.write_bytes(self._igc.crl(authority, listed, this_update=self._listed_at))
            written.replace(self._folder / f"{authority.file}.crl")


@contextmanager
def running_station(
    clock: WorldClock, folder: Path, *, ports: Sequence[int], allowed_origins: Sequence[str]
) -> Iterator[tuple[Station, int]]:
    """The station and the port of its bridge. Raises what `card_bridge.run` raises when no port is free."""
    station = Station(clock, folder)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1.0):
            with suppress(OSError):
                station.keep_lists_fresh()

    with card_bridge.run(
        readers=station.readers,
        window=station.pad,
        allowed_origins=allowed_origins,
        ports=ports,
        clock=_SharedSeconds(clock),
    ) as bridge:
        watcher = threading.Thread(target=watch, name="card-lists", daemon=True)
        watcher.start()
        try:
            yield station, bridge.port
        finally:
            over.set()
            watcher.join()
            station.remove()
