"""A line completed is the line that `dataclasses.replace` would give, and refuses what any line refuses."""

from dataclasses import replace

import pytest

from gateway.journal.completed import completed
from gateway.journal.events import Event, Outcome, UnplannedEventError

LINE = Event("token.issued", Outcome.SUCCESS, 1.5, client="a", request="r", details={"jti": "x"})


def test_it_says_the_rest_and_leaves_what_was_said() -> None:
    said = {"actor": "someone", "outcome": Outcome.REFUSED, "details": {"scope": "openid"}}
    assert completed(LINE, **said) == replace(LINE, **said)  # type: ignore[arg-type]
    assert completed(LINE) == LINE


def test_what_no_line_may_say_is_refused() -> None:
    with pytest.raises(UnplannedEventError):
        completed(LINE, name="invented")
    with pytest.raises(UnplannedEventError):
        completed(LINE, details={"password": "x"})
