"""Days of a time zone: `2026-11-22` and the microseconds it spans."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

__all__ = ["day_of", "days_between", "span", "weekday_hour"]

_SECOND = 1_000_000


def _local(at: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at // _SECOND, ZoneInfo(zone))


@lru_cache(4096)
def _day_of_hour(hour: int, zone: str) -> str | None:
    """The day of a whole UTC hour; None when the day changes within it."""
    first, last = _local(hour * 3600 * _SECOND, zone), _local((hour * 3600 + 3599) * _SECOND, zone)
    return first.date().isoformat() if first.date() == last.date() else None


def day_of(at: int, zone: str) -> str:
    """The day of a moment, as `2026-11-22`."""
    return _day_of_hour(at // (3600 * _SECOND), zone) or _local(at, zone).date().isoformat()


@lru_cache(4096)
def span(day: str, zone: str) -> tuple[int, int]:
    """The first microsecond of a day and that of the next one. Raises ValueError for a text that is no day."""
    begin = date.fromisoformat(day)
    return _midnight(begin, zone), _midnight(begin + timedelta(days=1), zone)


def _midnight(day: date, zone: str) -> int:
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return int(local.astimezone(UTC).timestamp()) * _SECOND


def weekday_hour(at: int, zone: str) -> tuple[int, int]:
    """Weekday (1 Monday to 7 Sunday) and hour (0 to 23)."""
    local = _local(at, zone)
    return local.isoweekday(), local.hour


def days_between(first: str, last: str) -> list[str]:
    """All days from the first to the last, both included."""
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    return [(begin + timedelta(days=n)).isoformat() for n in range((end - begin).days + 1)]
