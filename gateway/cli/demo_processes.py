"""The processes of the demo: started, awaited, watched, and stopped together.

The local world is a program of its own. The gateway and its jobs are forks of the demo, which has imported already what they
need: a start takes half the time, and half the work. Where a fork is not safe (macOS) they begin as new interpreters.
"""

import importlib
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing.context import ForkContext, SpawnContext
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from gateway.cli.output import CommandRefused

ROOT = Path(__file__).resolve().parents[2]
STARTUP_SECONDS = 60.0
_PAUSE_SECONDS = 0.02
_AHEAD = (
    "gateway.cli.seed", "gateway.cli.serve", "gateway.cli.jobs", "gateway.wiring.application", "gateway.wiring.people_door",
    "gateway.wiring.passkeys", "gateway.wiring.psc", "gateway.wiring.card", "gateway.storage.sql.migrations", "alembic.command",
    "sqlalchemy.dialects.sqlite", "uvicorn.lifespan.on", "uvicorn.protocols.http.httptools_impl", "uvloop",
)  # fmt: skip
"""What the seed, the gateway and its jobs would import one after the other."""
_FORKS = sys.platform == "linux"
_BEGINNING: ForkContext | SpawnContext = (
    multiprocessing.get_context("fork") if _FORKS else multiprocessing.get_context("spawn")
)


class _Process(Protocol):
    def poll(self) -> int | None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so many seconds."""
        ...


class _Program:
    def __init__(self, command: Sequence[str], settings_file: Path, log: Path) -> None:
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "PASSERELLE_CONFIG": str(settings_file), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self.poll: Callable[[], int | None] = self._process.poll
        self.terminate: Callable[[], None] = self._process.terminate
        self.kill: Callable[[], None] = self._process.kill

    def wait(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


class _Own:
    """One command of `passerelle`."""

    def __init__(self, name: str, settings_file: Path, log: Path) -> None:
        self._process = _BEGINNING.Process(target=_become, args=(name, settings_file, log), name=name)
        self._process.start()
        self.terminate: Callable[[], None] = self._process.terminate
        self.kill: Callable[[], None] = self._process.kill

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, seconds: float) -> bool:
        self._process.join(seconds)
        return self._process.exitcode is not None


def _become(name: str, settings_file: Path, log: Path) -> None:
    """In the new process, which Ctrl-C does not reach: the demo stops it."""
    from gateway.cli import main  # noqa: PLC0415 -- which loads the whole command line

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    os.chdir(ROOT)
    for descriptors, file, flags in (((0,), os.devnull, os.O_RDONLY), ((1, 2), log, os.O_WRONLY | os.O_CREAT)):
        opened = os.open(file, flags, 0o600)
        for descriptor in descriptors:
            os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = ["passerelle", "--config", str(settings_file), name]
    main()


class Processes:
    """All of them, under the same settings, until the block is left; `data` holds a log each. Raises CommandRefused when one
    ends by itself, and KeyboardInterrupt when somebody does not want to wait for them any more."""

    def __init__(self, data: Path, settings_file: Path, asked_to_stop: threading.Event) -> None:
        self._data = data
        self._settings_file = settings_file
        self._asked_to_stop = asked_to_stop
        self._processes: list[_Process] = []

    def __enter__(self) -> Self:
        return self

    def start_program(self, name: str, command: Sequence[str]) -> None:
        self._processes.append(_Program(command, self._settings_file, self._data / f"{name}.log"))

    def start_own(self, name: str) -> None:
        self._processes.append(_Own(name, self._settings_file, self._data / f"{name}.log"))

    def import_ahead(self) -> None:
        """Here, for those to come, while the programs start."""
        for name in _AHEAD:
            importlib.import_module(name)

    def wait_for_file(self, file: Path) -> None:
        """Until a program has written it."""
        self._wait(file.exists, f"A part of the demo did not start; its log is in {self._data}.")

    def wait_until_listening(self, host: str, port: int) -> None:
        def listens() -> bool:
            try:
                socket.create_connection((host, port), timeout=2).close()
            except OSError:
                return False
            return True

        self._wait(listens, f"{host}:{port} does not answer; the logs are in {self._data}.")

    def wait_until_healthy(self, urls: Sequence[str]) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def answers(url: str) -> bool:
            try:
                with opener.open(url, timeout=2):
                    return True
            except OSError:
                return False

        for url in urls:
            self._wait(partial(answers, url), f"{url} does not answer; the logs are in {self._data}.")

    def watch(self) -> None:
        """Until somebody asks to stop."""
        while not self._asked_to_stop.wait(0.5):
            self._check_alive("stopped by itself")

    def _wait(self, there: Callable[[], bool], otherwise: str) -> None:
        for _ in range(int(STARTUP_SECONDS / _PAUSE_SECONDS)):
            if there():
                return
            if self._asked_to_stop.wait(_PAUSE_SECONDS):
                raise KeyboardInterrupt
            self._check_alive("did not start")
        raise CommandRefused(otherwise)

    def _check_alive(self, what: str) -> None:
        ended = [code for process in self._processes if (code := process.poll()) is not None]
        if ended:
            raise CommandRefused(f"A part of the demo {what} (exit {ended[0]}); its log is in {self._data}.")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.terminate()
        for process in self._processes:
            if not process.wait(10):
                process.kill()
                process.wait(10)
