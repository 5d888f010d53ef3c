"""Dates and durations as the sandbox's pages say them in French, in this machine's time zone."""

from datetime import date, datetime, timedelta

_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet",
    "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip


def long_date(day: date) -> str:
    number = "1er" if day.day == 1 else str(day.day)
    return f"{number} {_MONTHS[day.month - 1]} {day.year}"


def day_and_time(moment: datetime) -> str:
    local = moment.astimezone()
    return f"{_DAYS[local.weekday()]} {long_date(local)}, {local:%H:%M:%S}"


def hour(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M}"


def duration(span: timedelta) -> str:
    """`31 jours 2 h 5 min`; under a minute, seconds."""
    seconds = abs(int(span.total_seconds()))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    parts = [f"{days} jour{'s' if days > 1 else ''}"] if days else []
    parts += [f"{hours} h"] if hours else []
    parts += [f"{minutes} min"] if minutes else []
    return " ".join(parts) or f"{left} s"


def ahead_or_late(offset: timedelta) -> str:
    if not offset:
        return "à l’heure de cet ordinateur"
    return f"en {'avance' if offset > timedelta(0) else 'retard'} de {duration(offset)}"
