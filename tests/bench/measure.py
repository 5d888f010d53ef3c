"""How a figure is made: pinned, interleaved, checked for foreign load, compared in pairs.

Servers run on core 0, the load generator and Redis on core 1. The unit is CPU microseconds per request of the server's whole
process tree, read from /proc: it does not depend on who else uses the machine as requests per second do. A window in which
others took 10 % of core 0 or more, or in which a request failed, is not believed (`campaign.py`).
"""

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SERVER_CORE, LOAD_CORE = 0, 1
CONNECTIONS = 16
FOREIGN_LIMIT = 0.10
PRIORITY = 0  # niceness of servers, store and load generator

_TICKS = os.sysconf("SC_CLK_TCK")
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Unmeasurable(Exception):  # noqa: N818 - says what is wrong with the figure
    """A server that does not start or does not answer 200: its figure would be a lie, so there is none."""


# --- processes -------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None


def process_tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        if fields := _stat(pid):
            children.setdefault(int(fields[1]), []).append(pid)
    found, pending = [], [root]
    while pending:
        found.append(pending.pop())
        pending += children.get(found[-1], [])
    return found


def cpu_seconds(root: int) -> float:
    """User and system time of a process tree, reaped children included."""
    return sum(sum(map(int, fields[11:15])) for pid in process_tree(root) if (fields := _stat(pid))) / _TICKS


def pss_megabytes(root: int) -> float:
    total = 0
    for pid in process_tree(root):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(re.findall(r"^Pss:\s+(\d+)", rollup, re.M)[0])
    return total / 1024


def core_idle_seconds(core: int) -> float:
    """How long a core had nothing to do. The kernel times its idle periods exactly, while it samples what a core was busy with
    250 times a second, interrupts apart: a sum of those missed a quarter of the core beside a server that sleeps often."""
    line = re.findall(rf"^cpu{core} (.+)$", Path("/proc/stat").read_text(), re.M)[0]
    idle, iowait = map(int, line.split()[3:5])
    return (idle + iowait) / _TICKS


class Neighbours:
    """What took the servers' core since now, and was not these servers: other processes, the host, interrupts of others."""

    def __init__(self, *servers: int) -> None:
        self._servers = servers
        self._spent = sum(map(cpu_seconds, servers))
        self._idle, self._since = core_idle_seconds(SERVER_CORE), time.monotonic()

    def share(self) -> float:
        """Of the time since then; a few hundredths of either sign when there are none."""
        elapsed, idle = time.monotonic() - self._since, core_idle_seconds(SERVER_CORE) - self._idle
        return (elapsed - idle - (sum(map(cpu_seconds, self._servers)) - self._spent)) / elapsed


def prefer(pid: int) -> None:
    """Put a process, and its scheduler group, before its neighbours when PRIORITY is below zero (needs root)."""
    if PRIORITY < 0:
        os.setpriority(os.PRIO_PROCESS, pid, PRIORITY)
        group = Path(f"/proc/{pid}/autogroup")
        if group.exists():
            group.write_text(str(PRIORITY))


class Process:
    """A child pinned to one core, in its own process group, stopped by its own id."""

    def __init__(self, argv: list[str], *, core: int, log: Path, environment: Mapping[str, str] | None = None) -> None:
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                ["taskset", "-c", str(core), *argv],
                env={**os.environ, "PYTHONHASHSEED": "0", **(environment or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid, self.log = self._child.pid, log
        prefer(self.pid)

    def alive(self) -> bool:
        return self._child.poll() is None

    def stop(self) -> None:
        for send in (self._child.terminate, self._child.kill):
            send()
            try:
                self._child.wait(5)
            except subprocess.TimeoutExpired:
                continue
            return


# --- one window ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """One thing to request from one server; several targets may share a server."""

    name: str
    server: str
    path: str
    form: str | None = None


@dataclass
class Window:
    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    store_cpu_us: float
    foreign: float


def _wrk_milliseconds(output: str, percentile: str) -> float:
    number, unit = re.findall(rf"{percentile}\s+([\d.]+)(us|ms|s|m)\b", output)[0]
    return float(number) * _MILLISECONDS[unit]


def wrk(
    url: str, form: str | None, seconds: float, script: Mapping[str, str] | None = None
) -> tuple[int, float, float, float]:
    """Requests, requests per second, p50 and p99 in milliseconds of a closed loop; refuses any answer but 2xx. `script`: what
    form.lua reads beside the form."""
    lua = Path(__file__).with_name("form.lua")
    argv = ["taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{round(seconds)}s", "--latency"]
    output = subprocess.run(
        [*argv, "-s", str(lua), url],
        env={**os.environ, "FORM": form or "", **(script or {})},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    failed = re.findall(r"Non-2xx.*|Socket errors.*", output)
    if failed:
        raise Unmeasurable(f"{urlsplit(url).path}: {', '.join(failed)}")
    requests = int(re.findall(r"(\d+) requests in", output)[0])
    if not requests:
        raise Unmeasurable(f"{urlsplit(url).path}: no answer")
    per_second = float(re.findall(r"Requests/sec:\s+([\d.]+)", output)[0])
    return requests, per_second, _wrk_milliseconds(output, "50%"), _wrk_milliseconds(output, "99%")


def settle(pid: int) -> None:
    """Wait until a server has finished its backlog, so that it does not take the core from the next one."""
    for _ in range(50):
        before = cpu_seconds(pid)
        time.sleep(0.1)
        if cpu_seconds(pid) - before <= 1 / _TICKS:
            return


def await_quiet(patience: float = 6.0) -> None:
    """Give a neighbour on the servers' core some time to finish, rather than spoil a window."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        since, idle = time.monotonic(), core_idle_seconds(SERVER_CORE)
        time.sleep(0.2)
        if core_idle_seconds(SERVER_CORE) - idle > (1 - FOREIGN_LIMIT) * (time.monotonic() - since):
            return


def window(
    url: str, form: str | None, seconds: float, *, server: int, store: int, script: Mapping[str, str] | None = None
) -> Window:
    if PRIORITY >= 0:  # otherwise it is tried at once, and neighbours are waited for when they were in the way
        await_quiet()
    server_cpu, store_cpu, neighbours = cpu_seconds(server), cpu_seconds(store), Neighbours(server)
    requests, per_second, p50, p99 = wrk(url, form, seconds, script)
    foreign = neighbours.share()
    spent, store_spent = cpu_seconds(server) - server_cpu, cpu_seconds(store) - store_cpu
    settle(server)
    return Window(requests, per_second, p50, p99, spent / requests * 1e6, store_spent / requests * 1e6, foreign)


def first_answer(
    url: str, form: str | None, process: Process, *, since: float, patience: float = 20.0
) -> tuple[bytes, float]:
    """Body of the first good answer and the seconds from `since` (monotonic) to it."""
    last: Exception | None = None
    while time.monotonic() - since < patience and process.alive():
        try:
            with urllib.request.urlopen(url, form.encode() if form else None, timeout=5) as answer:
                return answer.read(), time.monotonic() - since
        except (OSError, urllib.error.URLError) as error:
            last = error
            time.sleep(0.005)
    raise Unmeasurable(f"{url}: {last}\n{process.log.read_text(errors='replace')[-2000:]}")


def table(rows: Iterable[Iterable[str]]) -> str:
    """Markdown, padded so that a terminal can read it too."""
    cells = [list(row) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
