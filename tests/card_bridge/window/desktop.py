"""A desktop without a screen: Xvfb, a session bus, the accessibility bus, a keyboard and a screen reader, all processes."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
SYSTEM_PYTHON = "/usr/bin/python3"
BUS_LAUNCHER = "/usr/libexec/at-spi-bus-launcher"
SOON = 15.0


@dataclass(frozen=True)
class Shown:
    """One thing of the window, as a screen reader knows it."""

    role: str
    name: str
    description: str
    text: str
    focused: bool
    focusable: bool
    enabled: bool


class Desktop:
    def __init__(self, environment: dict[str, str], reader: "subprocess.Popen[str]") -> None:
        self.environment = environment
        self._reader = reader
        self.announced: list[str] = []

    def shown(self) -> list[Shown]:
        return [Shown(**facts) for facts in self._ask("tree") or []]

    def press(self, name: str) -> None:
        """The button of that name, as a screen reader presses it."""
        assert self._ask(f"press {name}"), f"no button {name!r} among {[one.name for one in self.shown()]}"

    def until(self, seen: Callable[[list[Shown]], Any]) -> list[Shown]:
        """What is shown, once it satisfies `seen`."""
        end = time.monotonic() + SOON
        while True:
            shown = self.shown()
            if seen(shown):
                return shown
            assert time.monotonic() < end, [(one.role, one.name, one.text) for one in shown]
            Event().wait(0.05)

    def until_it_says(self, words: str) -> list[Shown]:
        return self.until(lambda shown: any(words in one.name for one in shown))

    def until_it_asks_the_code(self) -> Shown:
        return field_of(self.until(lambda shown: (field := field_of(shown)) is not None and field.focused))

    def until_it_announces(self, words: str) -> None:
        self.until(lambda _: any(words in said for said in self.announced))

    def until_nothing_is_shown(self) -> None:
        self.until(lambda shown: not [one for one in shown if one.role != "application"])

    def type(self, text: str) -> None:
        self._xdotool("type", "--delay", "15", text)

    def key(self, name: str) -> None:
        self._xdotool("key", name)

    def forget(self) -> None:
        self._ask("tree")
        self.announced.clear()

    def _xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self.environment, check=True, capture_output=True)

    def _ask(self, question: str) -> Any:
        assert self._reader.stdin is not None
        assert self._reader.stdout is not None
        self._reader.stdin.write(question + "\n")
        self._reader.stdin.flush()
        answer = json.loads(self._reader.stdout.readline())
        self.announced += answer["announced"]
        return answer["said"]


def field_of(shown: Sequence[Shown]) -> Any:
    """The only field of the window, if there is one."""
    fields = [one for one in shown if one.role == "password text"]
    assert len(fields) < 2
    return fields[0] if fields else None


def texts_of(shown: Sequence[Shown]) -> str:
    return "\n".join(one.name for one in shown)


@contextlib.contextmanager
def running_desktop(folder: Path) -> Iterator[Desktop]:
    with contextlib.ExitStack() as running:
        reading, writing = os.pipe()
        screen = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
            pass_fds=[writing],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        running.callback(_end, screen)
        os.close(writing)
        with os.fdopen(reading) as told:
            display = told.readline().strip()
        assert display, "Xvfb did not start"
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        environment = kept | {
            "DISPLAY": f":{display}",
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "LANG": "C.UTF-8",
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
            "QT_QPA_PLATFORM": "xcb",
        }
        bus = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address=1"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        running.callback(_end, bus)
        assert bus.stdout is not None
        environment["DBUS_SESSION_BUS_ADDRESS"] = bus.stdout.readline().strip()
        launcher = subprocess.Popen(
            [BUS_LAUNCHER, "--launch-immediately"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        running.callback(_end, launcher)
        reader = subprocess.Popen(
            [SYSTEM_PYTHON, str(Path(__file__).with_name("screen_reader.py"))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        running.callback(_end, reader)
        assert reader.stdout is not None
        assert reader.stdout.readline(), "the screen reader did not start"
        yield Desktop(environment, reader)


def _end(process: "subprocess.Popen[Any]") -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


def missing() -> str | None:
    for command, package in (
        ("Xvfb", "xvfb"),
        ("dbus-daemon", "dbus"),
        ("xdotool", "xdotool"),
        (BUS_LAUNCHER, "at-spi2-core"),
    ):
        if shutil.which(command) is None:
            return f"{command} is missing (Debian package {package})"
    bindings = "import gi; gi.require_version('Atspi', '2.0'); from gi.repository import Atspi"
    if subprocess.run([SYSTEM_PYTHON, "-c", bindings], capture_output=True, check=False).returncode != 0:
        return "the system's Python cannot read AT-SPI (Debian packages python3-gi, gir1.2-atspi-2.0)"
    if (
        subprocess.run([sys.executable, "-c", "import PySide6.QtWidgets"], capture_output=True, check=False).returncode
        != 0
    ):
        return "PySide6 is missing, or a library it draws with (./run test installs them)"
    return None


def need_a_desktop() -> None:
    absent = missing()
    if absent is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(absent)
        pytest.skip(absent)
