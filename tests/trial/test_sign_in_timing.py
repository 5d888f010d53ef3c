"""How far apart the answers to known and unknown identifiers stand in time, as an effect size (THR-06, THR-07).

`./run trial -k timing -s` prints it. AUC is the chance that a stranger who sees one answer of each kind says rightly which is
which: 0.5 is a coin. Three hundred samples of each kind, in turns, so that the machine's moods strike them alike. The bound is
wide enough for a busy machine: a durable write, or a hash more or less, moves the AUC to 0.9 and beyond.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, median, stdev
from time import perf_counter

import pytest

from gateway.accounts.account import AccountStatus
from tests.requirements.assembled import Browser, Gateway, action_of, hidden_fields, opened

SAMPLES = 300
BOUND = 0.12
"""How far from a coin the AUC may be; its own 99 % interval is about 0.06 wide on each side."""


def auc(first: Sequence[float], second: Sequence[float]) -> float:
    ordered = sorted(second)
    wins = sum(bisect_left(ordered, one) + bisect_right(ordered, one) for one in first) / 2
    return wins / (len(first) * len(second))


def cohens_d(first: Sequence[float], second: Sequence[float]) -> float:
    return (fmean(first) - fmean(second)) / sqrt((stdev(first) ** 2 + stdev(second) ** 2) / 2)


def timed(action: Callable[[], object]) -> float:
    began = perf_counter()
    action()
    return perf_counter() - began


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    limits = {"login.spray.identifiers": 100}
    for made in opened(tmp_path, parameters={"key.sign.rsa_bits": 2048, **limits}):
        made.person("known")
        made.person("archived", status=AccountStatus.ARCHIVED)
        return made
    raise AssertionError


def password_guess(gateway: Gateway, identifier: str) -> Callable[[], object]:
    browser = Browser(gateway, peer="203.0.113.7")
    page = browser.onward(browser.get("/signin"))
    action = action_of(page, "password")
    fields = {**hidden_fields(page, action), "identifier": identifier, "password": "not this one"}
    return lambda: browser.post(action, fields)


def reset_request(gateway: Gateway, identifier: str) -> Callable[[], object]:
    browser = Browser(gateway, peer="203.0.113.7")
    page = browser.get("/forgotten")
    fields = {**hidden_fields(page, "/forgotten"), "identifier": identifier}
    return lambda: browser.post("/forgotten", fields)


@pytest.mark.trial
@pytest.mark.timeout(1800)
@pytest.mark.spec("THR-06", "THR-07", "AC-001")
@pytest.mark.parametrize("ask", [password_guess, reset_request], ids=["password", "reset"])
def test_timing_tells_no_known_identifier_from_an_unknown_one(
    gateway: Gateway, ask: Callable[[Gateway, str], Callable[[], object]], capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = ("known", "unknown", "archived")
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for number in range(SAMPLES + 20):
        for kind in kinds[number % 3 :] + kinds[: number % 3]:
            gateway.clock.advance(3_700)  # no delay, no daily cap: the whole work is done each time
            spent = timed(ask(gateway, kind))
            if number >= 20:
                times[kind].append(spent)
    gateway.close()
    with capsys.disabled():
        for kind in kinds:
            print(f"\n{kind:9} median {median(times[kind]) * 1000:.2f} ms", end="")
        for kind in ("unknown", "archived"):
            told, size = auc(times["known"], times[kind]), cohens_d(times["known"], times[kind])
            print(f"\nknown against {kind}: AUC {told:.3f}, Cohen's d {size:+.3f} (bound 0.5 ± {BOUND})", end="")
    for kind in ("unknown", "archived"):
        assert abs(auc(times["known"], times[kind]) - 0.5) < BOUND
