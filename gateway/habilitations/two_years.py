"""How long a habilitation may last: two years from its first day, no grace period (ADM-05, R003-03).

The last day is the same day two years later, included; from a 29 February it is 28 February. Dates are civil dates in
Paris. Text dates have one form, YYYY-MM-DD; anything else is refused.
"""

import datetime
import re

LAST_YEAR = 2200
"""Later years are typing errors; the bound also keeps the arithmetic inside the calendar."""


def two_years_after(start: datetime.date) -> datetime.date:
    """The last day a habilitation that starts on `start` may have."""
    try:
        return start.replace(year=start.year + 2)
    except ValueError:  # 29 February: the year after next has none
        return start.replace(year=start.year + 2, day=28)


def civil_date_from(text: str) -> datetime.date:
    """`text`, written YYYY-MM-DD, as a date; ValueError otherwise."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(f"{text!r} is not a date written YYYY-MM-DD")
    date = datetime.date.fromisoformat(text)
    if not 1900 <= date.year <= LAST_YEAR:
        raise ValueError(f"{text!r} is not between 1900 and {LAST_YEAR}")
    return date
