"""A flood of refusals costs a bounded number of journal lines."""

from gateway.journal.events import Event, Outcome
from gateway.journal.quota import LineQuota

REFUSED = Event("authorization.refused", Outcome.REFUSED, 1_000.0, reason="login_required")


def _lines(quota: LineQuota, origin: str, count: int, at: float = 1_000.0) -> list[str | None]:
    event = Event("authorization.refused", Outcome.REFUSED, at, reason="login_required")
    return [line.reason for _ in range(count) if (line := quota.within(event, origin)) is not None]


def test_beyond_the_quota_one_line_says_so_and_then_none() -> None:
    quota = LineQuota(limit=3, seconds=600)
    assert _lines(quota, "192.0.2.1", 100) == ["login_required"] * 3 + ["further_lines_spared"]


def test_another_origin_and_the_next_window_have_their_own_quota() -> None:
    quota = LineQuota(limit=1, seconds=600)
    assert len(_lines(quota, "192.0.2.1", 10)) == 2
    assert len(_lines(quota, "192.0.2.2", 1)) == 1
    assert _lines(quota, "192.0.2.1", 1, at=1_599.9) == []
    assert _lines(quota, "192.0.2.1", 1, at=1_600.0) == ["login_required"]


def test_what_it_remembers_is_bounded() -> None:
    quota = LineQuota(limit=1, seconds=600)
    for number in range(25_000):
        quota.within(REFUSED, f"2001:db8:{number:x}::/64")
    assert len(quota._windows) <= 10_000
