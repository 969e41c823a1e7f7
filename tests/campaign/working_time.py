"""Working time counted a second time: spans of local days one after the other, without a line of core_tickets.calendars.

The house is in one zone without daylight saving, so a day is 24 hours.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import date, timedelta

import chinese_calendar

from tests.campaign.staff import SECOND, moment, policies

MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Hours:
    """When one calendar of the policy works, from a year before the campaign on."""

    def __init__(self, spec: Mapping[str, object] | None, first: date, last: date) -> None:
        self._spans: list[tuple[int, int]] = []
        day = first
        while spec is not None and day < last:
            self._spans += [(moment(day, begin), moment(day, end)) for begin, end in _of_day(spec, day)]
            day += timedelta(days=1)
        self._always = spec is None
        self._begins = [begin for begin, _ in self._spans]
        self._upto = [0]
        for begin, end in self._spans:
            self._upto.append(self._upto[-1] + end - begin)

    def _elapsed(self, at: int) -> int:
        place = bisect_right(self._begins, at) - 1
        if place < 0:
            return 0
        begin, end = self._spans[place]
        return self._upto[place] + min(at, end) - begin

    def between(self, a: int, b: int) -> int:
        """Working microseconds; negative when `b` is earlier."""
        return b - a if self._always else self._elapsed(b) - self._elapsed(a)

    def add(self, at: int, working: int) -> int:
        """The first moment at which so much has been worked since `at`."""
        if self._always or working == 0:
            return at + working
        goal = self._elapsed(at) + working
        place = bisect_left(self._upto, goal) - 1
        return self._begins[place] + goal - self._upto[place]


def _of_day(spec: Mapping[str, object], day: date) -> list[tuple[str, str]]:
    given: Mapping[str, list[str]] = spec.get("hours", {})  # type: ignore[assignment]
    days: Mapping[str, list[str]] = spec.get("days", {})  # type: ignore[assignment]
    make_up: list[str] = spec.get("make_up", ["09:00-12:00", "13:00-18:00"])  # type: ignore[assignment]
    usual = next((spans for names, spans in given.items() if _named(names, day.weekday())), [])
    spans = usual
    if day.isoformat() in days:
        spans = days[day.isoformat()]
    elif spec.get("holidays") == "CN" and day in chinese_calendar.workdays:
        spans = usual or make_up
    elif spec.get("holidays") == "CN" and day in chinese_calendar.holidays:
        spans = []
    return [(begin, end) for begin, _, end in (span.partition("-") for span in spans)]


def _named(names: str, weekday: int) -> bool:
    first, _, last = names.partition("-")
    return _WEEK.index(first) <= weekday <= _WEEK.index(last or first)


def hours(first: date, last: date) -> dict[str, Hours]:
    """The calendars of the campaign by name, from a year before `first` to a year behind `last`."""
    year = timedelta(days=366)
    policy = next(p for p in policies(0) if p["policy"] == "calendars")
    made = {str(c["id"]): Hours(c, first - year, last + year) for c in policy["calendars"]}
    return {"always": Hours(None, first, last), **made}
