"""One thread that always knows which readers and cards are there, and tells when that changes (BR-14).

Nothing a reader does ends it: when the PC/SC service goes away, the picture says so and the thread tries again until it is
back. `generation` grows each time the service was lost, because its counters start again from zero.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from card_bridge.ports import NoReader, Readers, ReaderState, ServiceStopped
from card_bridge.reader_faults import MeaningfulReaders


@dataclass(frozen=True)
class SeenCard:
    present: bool
    mute: bool
    atr: bytes
    event_count: int


@dataclass(frozen=True)
class Picture:
    service: bool = True
    readers: Mapping[str, SeenCard] = field(default_factory=dict)
    generation: int = 0


class ReaderMonitor:
    PERIOD = 0.5

    def __init__(self, readers: Readers) -> None:
        self._readers = MeaningfulReaders(readers)
        self._picture = Picture()
        self._listeners: list[Callable[[Picture], None]] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._looked = threading.Event()
        self._thread = threading.Thread(target=self._run, name="card-bridge-readers", daemon=True)

    def start(self) -> None:
        """Returns once the first picture is taken, or after two seconds."""
        self._thread.start()
        self._looked.wait(2)

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=self.PERIOD * 4)

    @property
    def picture(self) -> Picture:
        return self._picture

    def listen(self, listener: Callable[[Picture], None]) -> Callable[[], None]:
        """`listener` is called from the monitor's thread at each change; returns what ends it."""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                self._listeners.remove(listener)

        return end

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._tell(self._look())
            self._looked.set()
            try:
                self._readers.wait(self.PERIOD)
            except Exception:
                # A service that is away must not make this loop spin.
                self._stopping.wait(self.PERIOD)

    def _look(self) -> Picture:
        before = self._picture
        try:
            readers = {}
            for name in self._readers.names():
                try:
                    readers[name] = _seen(self._readers.state(name))
                except NoReader:
                    continue
            return Picture(True, readers, before.generation)
        except NoReader:
            return Picture(True, {}, before.generation)
        except ServiceStopped:
            return Picture(False, {}, before.generation + before.service)
        except Exception:
            # Anything unknown from a driver is a service that does not serve; it is looked at again half a second later.
            return Picture(False, {}, before.generation + before.service)

    def _tell(self, picture: Picture) -> None:
        if picture == self._picture:
            return
        self._picture = picture
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(picture)


def _seen(state: ReaderState) -> SeenCard:
    return SeenCard(state.present, state.mute, bytes(state.atr), state.event_count)
