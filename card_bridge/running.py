"""A bridge at work: readers below, a window beside, the door on loopback above. `run` is the one public function.

Everything comes from outside and nothing is read from the web: the readers, the window, the origins that may call. It opens
no outgoing connection and writes no file.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Self

from card_bridge.allowed_origins import checked_origins
from card_bridge.clock import SystemClock
from card_bridge.http_door import PATIENCE, HttpDoor
from card_bridge.local_log import LocalLog
from card_bridge.loopback_ports import PORTS, bind, host_names
from card_bridge.operations import Operations
from card_bridge.ports import Clock, Readers, Window
from card_bridge.reader_monitor import ReaderMonitor


class RunningBridge:
    """Ends with `stop`, or at the end of a `with`."""

    def __init__(self, port: int, monitor: ReaderMonitor, operations: Operations, door: HttpDoor) -> None:
        self.port = port
        self._monitor = monitor
        self._operations = operations
        self._door = door

    def stop(self) -> None:
        """Closes the window, releases the card, frees the port."""
        self._door.stop()
        self._operations.stop()
        self._monitor.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def run(
    *,
    readers: Readers,
    window: Window,
    allowed_origins: Iterable[str],
    ports: Sequence[int] = PORTS,
    host: str = "127.0.0.1",
    clock: Clock | None = None,
    log: Callable[[str], None] | None = None,
    patience: float = PATIENCE,
) -> RunningBridge:
    """Starts the bridge; a port 0 takes any free one.

    Origins on plain http are accepted for this machine only; the daemon's own configuration refuses even these outside the demo
    (`allowed_origins.read_configuration`). Raises ConfigurationRefused, NoPortFree, or ValueError for a host beyond loopback.
    """
    origins = checked_origins(allowed_origins, demo=True)
    clock = clock or SystemClock()
    local_log = LocalLog(log or logging.getLogger("card_bridge").info, clock)
    sockets, port = bind(host, ports)
    monitor = ReaderMonitor(readers)
    operations = Operations(readers=readers, monitor=monitor, window=window, clock=clock, log=local_log)
    door = HttpDoor(
        sockets,
        host_names(sockets, port),
        operations=operations,
        allowed_origins=origins,
        log=local_log,
        patience=patience,
    )
    monitor.start()
    door.start()
    local_log.event("start", f"port {port}")
    return RunningBridge(port, monitor, operations, door)
