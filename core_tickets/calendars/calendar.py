"""One working calendar: a zone, the hours of a week, and the days that are otherwise.

Its spans are worked out by the year, once, into an index of sorted starts with the working time before each; every
question is then two binary searches. Before 1970 and from 2100 on all time counts, so that every sum has an answer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from core_tickets.calendars.china import statutory
from core_tickets.calendars.zones import moment

__all__ = ["ALWAYS", "NINE_TO_SIX", "Calendar", "Hours"]

Hours = tuple[tuple[int, int], ...]
"""Working spans of a day in minutes after its midnight, in order; an end above 1440 is on the day after (a night shift)."""

FIRST_YEAR, LAST_YEAR = 1970, 2100
NINE_TO_SIX: Hours = ((9 * 60, 12 * 60), (13 * 60, 18 * 60))
_DAY = timedelta(days=1)
_EVER = 1 << 80


class _Index(NamedTuple):
    """The working spans of some years. `before[i]`: working time from `begin` to `starts[i]`."""

    first: int
    """It answers for moments from here to before `last`: `begin` and `end`, or for ever where no years are left."""
    last: int
    begin: int
    end: int
    starts: list[int]
    ends: list[int]
    before: list[int]
    total: int

    def elapsed(self, at: int) -> int:
        place = bisect_right(self.starts, at) - 1
        return 0 if place < 0 else self.before[place] + min(at, self.ends[place]) - self.starts[place]


@dataclass(frozen=True)
class Calendar:
    """A named calendar. An immutable value; safe to share between threads."""

    name: str
    zone: str = "Asia/Shanghai"
    week: tuple[Hours, ...] | None = None
    """The hours of Monday to Sunday; None: around the clock, every day."""
    china: bool = False
    """The public holidays of China are free, and its make-up days are worked with `make_up` hours."""
    make_up: Hours = NINE_TO_SIX
    days: Mapping[date, Hours] = field(default_factory=dict)
    """Days that are otherwise, above all else; no hours: a free day."""
    shifts: tuple[tuple[int, int], ...] = ()
    """A plan of shifts (microseconds since 1970). From its first moment to its last it alone counts; beyond it the days do."""
    _index: _Index | None = field(default=None, init=False, repr=False, compare=False)

    def add(self, start: int, working: int) -> int:
        """The moment at which so much working time (microseconds, 0 or more) has passed since `start`: the earliest one,
        so a promise ends with the working day and not with the next one's beginning."""
        if working < 0:
            raise ValueError("working time to add must not be negative")
        if self.week is None or working == 0:
            return start + working
        index = self._reach(start, start)
        if start < index.begin:  # before 1970
            if working <= index.begin - start:
                return start + working
            start, working = index.begin, working - (index.begin - start)
        while start < index.end and index.total - index.elapsed(start) < working:
            wider = self._reach(start, index.end)
            if wider.end == index.end:  # not enough until 2100: all time after it counts
                return index.end + working - (index.total - index.elapsed(start))
            index = wider
        if start >= index.end:
            return start + working
        goal = index.elapsed(start) + working
        place = bisect_left(index.before, goal) - 1
        return index.starts[place] + goal - index.before[place]

    def between(self, a: int, b: int) -> int:
        """The working time from `a` to `b` in microseconds; negative when `b` is earlier."""
        if self.week is None:
            return b - a
        if b < a:
            return -self.between(b, a)
        index = self._reach(a, b)
        outside = max(0, min(b, index.begin) - a) + max(0, b - max(a, index.end))
        return outside + index.elapsed(min(b, index.end)) - index.elapsed(min(a, index.end))

    def is_working(self, at: int) -> bool:
        """Does time count at this moment? Spans are half open: not at their end."""
        if self.week is None:
            return True
        index = self._reach(at, at)
        if not index.begin <= at < index.end:
            return True
        place = bisect_right(index.starts, at) - 1
        return place >= 0 and at < index.ends[place]

    def hours(self, day: date) -> Hours:
        """The hours of one day, whatever decides them."""
        if self.week is None:
            return ((0, 1440),)
        if (own := self.days.get(day)) is not None:
            return own
        if self.china and (worked := statutory(day.year).get(day)) is not None:
            if not worked:
                return ()
            return self.week[day.weekday()] or self.make_up
        return self.week[day.weekday()]

    def _reach(self, a: int, b: int) -> _Index:
        """An index that covers `a` to `b` and, where time goes on after it, something behind `b`."""
        index = self._index
        if index is not None and index.first <= a and b < index.last:
            return index
        low, high = _year(a) - 1, _year(b) + 2
        if index is not None:
            begin, end = _year(index.begin), _year(index.end)
            low, high = min(low, begin), max(high, 2 * end - begin)  # twofold: a far goal is reached in a few steps
        made = self._build(max(FIRST_YEAR, low), min(LAST_YEAR, high))
        object.__setattr__(
            self, "_index", made
        )  # another thread's is as good: each question uses one of them throughout
        return made

    def _new_year(self, year: int) -> int:
        return moment(date(year, 1, 1), 0, ZoneInfo(self.zone))

    def _build(self, low: int, high: int) -> _Index:
        begin, end = self._new_year(low), self._new_year(high)
        starts: list[int] = []
        ends: list[int] = []
        for start, stop in sorted(chain(self._spans(low, high), self.shifts)):
            start, stop = max(start, begin), min(stop, end)
            if starts and start <= ends[-1]:
                ends[-1] = max(ends[-1], stop)
            elif start < stop:
                starts.append(start)
                ends.append(stop)
        before, total = [], 0
        for start, stop in zip(starts, ends, strict=True):
            before.append(total)
            total += stop - start
        first = -_EVER if low == FIRST_YEAR else begin
        return _Index(first, _EVER if high == LAST_YEAR else end, begin, end, starts, ends, before, total)

    def _spans(self, low: int, high: int) -> Iterator[tuple[int, int]]:
        zone, day = ZoneInfo(self.zone), date(low, 1, 1) - _DAY  # a night shift reaches into the first day
        last = date(high, 1, 1)
        while day < last:
            for start, stop in self.hours(day):
                yield from self._outside_plan(moment(day, start, zone), moment(day, stop, zone, last=True))
            day += _DAY

    def _outside_plan(self, start: int, stop: int) -> Iterator[tuple[int, int]]:
        if not self.shifts:
            yield start, stop
            return
        first, last = min(s for s, _ in self.shifts), max(e for _, e in self.shifts)
        if start < first:
            yield start, min(stop, first)
        if stop > last:
            yield max(start, last), stop


def _year(at: int) -> int:
    """The year of a moment, to within a day, never outside what the index can hold."""
    return min(max(1970 + at // 31_556_952_000_000, FIRST_YEAR), LAST_YEAR)


ALWAYS = Calendar("always")
"""Around the clock: what counts where nothing else is said."""
