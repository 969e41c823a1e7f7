"""The hub's clocks: the one place of the product that reads the time of day."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000


def shared(conn: Connection) -> int:
    """The same for all processes on one database, however their own clocks go: PostgreSQL's clock. SQLite's processes
    are all on one machine, and have that one's."""
    if conn.dialect.name != "postgresql":
        return now()
    told = conn.exec_driver_sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint").scalar()
    assert isinstance(told, int)
    return told


def steady() -> float:
    """Seconds of a clock that nobody sets: how long ago something was looked at. Only differences mean anything."""
    return time.monotonic()


def to_datetime(at: int) -> datetime:
    """An aware UTC datetime of microseconds since 1970."""
    return datetime.fromtimestamp(at // SECOND, UTC).replace(microsecond=at % SECOND)


def from_datetime(value: datetime) -> int:
    """Microseconds since 1970 of an aware datetime, without going through a float."""
    whole = value.astimezone(UTC)
    days = whole.toordinal() - 719_163
    return ((days * 24 + whole.hour) * 60 + whole.minute) * MINUTE + whole.second * SECOND + whole.microsecond


def rfc3339(at: int | None) -> str | None:
    """`2026-11-22T04:05:06.000007Z`, or None."""
    return None if at is None else to_datetime(at).isoformat().replace("+00:00", "Z")


class Serial:
    """Time-ordered 63-bit numbers without asking the database: microseconds since 2020, then 11 bits of this process.

    Two processes can only meet in the same microsecond with the same tag; the primary key then refuses, and the whole
    transaction is tried again with new numbers.
    """

    _EPOCH = 1_577_836_800 * SECOND

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        self._tag = int.from_bytes(os.urandom(2), "big") & 0x7FF

    @classmethod
    def first_at(cls, at: int) -> int:
        """No number taken at or after `at` is smaller."""
        return max(at - cls._EPOCH, 0) << 11

    def take(self, n: int = 1) -> range:
        """`n` numbers, ascending, greater than all this process took before."""
        with self._lock:
            first = max(now() - self._EPOCH, self._last + 1)
            self._last = first + n - 1
        return range(first << 11 | self._tag, (first + n) << 11 | self._tag, 1 << 11)
