"""From the wall clock of a zone to a moment. Days in which the clock is put forward or back keep their real length."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def moment(day: date, minutes: int, zone: tzinfo, *, last: bool = False) -> int:
    """Microseconds since 1970 UTC of so many minutes (of the wall clock, also above 1440) after a day's midnight. A time
    the clock shows twice is its first showing, or its `last`; one it never shows is when the clock is put forward."""
    day += timedelta(days=minutes // 1440)
    shown = datetime(day.year, day.month, day.day, minutes % 1440 // 60, minutes % 60, tzinfo=zone)
    early, late = _since(shown), _since(shown.replace(fold=1))
    if early > late:  # never shown: each offset leads to the other side of the change
        return _jump(late, early, zone) * 1_000_000
    return (late if last else early) * 1_000_000


def _since(aware: datetime) -> int:
    return (aware - EPOCH) // _SECOND  # exact: aware times of two zones are subtracted in UTC


def _jump(low: int, high: int, zone: tzinfo) -> int:
    """The second between `low` and `high` at which the zone's offset changes."""
    before = _offset(low, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(middle, zone) == before:
            low = middle
        else:
            high = middle
    return high


def _offset(at: int, zone: tzinfo) -> timedelta | None:
    return (EPOCH + timedelta(seconds=at)).astimezone(zone).utcoffset()
