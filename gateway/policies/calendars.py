"""The policy `calendars`: when people work. Holidays of China and their make-up days come with the program; a calendar may
add the days a connected system tells (canonical record Holiday) and the plan of shifts of a group."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
from pydantic import AfterValidator, Field, field_validator

from core_tickets.calendars import ALWAYS, NINE_TO_SIX, Calendar, Hours
from core_tickets.people import Roster
from gateway.automation.specs import Name, Spec
from gateway.errors import BadConfiguration, Problem
from gateway.policies.kind import Policies, PolicyKind, Surroundings

log = structlog.get_logger(__name__)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


def hours_of(spans: Iterable[str]) -> Hours:
    """`["09:00-12:00", "22:00-06:00"]` as minutes after midnight; one that ends before it begins ends the next day."""
    found: list[tuple[int, int]] = []
    for text in spans:
        match = _SPAN.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no span of hours; write 09:00-18:00")
        a, b, c, d = map(int, match.groups())
        start, stop = a * 60 + b, c * 60 + d
        if b > 59 or d > 59 or start >= 1440 or stop > 1440:
            raise ValueError(f"{text!r} is no time of a day; write 00:00 to 24:00")
        found.append((start, stop if stop > start else stop + 1440))
    found.sort()
    for (_, stop), (start, _) in pairwise(found):
        if start < stop:
            raise ValueError("the spans overlap; make one of them")
    return tuple(found)


def _checked(spans: list[str]) -> list[str]:
    hours_of(spans)
    return spans


def _weekdays(text: str) -> range | tuple[int]:
    first, dash, last = text.partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise ValueError(f"{text!r} names no day; write mon, or mon-fri")
    begin = DAYS.index(first)
    if not dash:
        return (begin,)
    end = DAYS.index(last)
    if end < begin:
        raise ValueError(f"{text!r} runs backwards; write mon-fri")
    return range(begin, end + 1)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}; write one such as Asia/Shanghai") from None
    return name


Spans = Annotated[list[str], AfterValidator(_checked)]


class CalendarSpec(Spec):
    """One calendar. Above the week stand the public holidays, above those the records, above all `days`."""

    id: Name
    title: str = ""
    zone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"
    hours: dict[str, Spans] = Field(description="mon-fri: [09:00-12:00, 13:00-18:00]; a day not named is free")
    holidays: Literal["CN"] | None = Field(None, description="public holidays, with the weekends worked instead")
    make_up: Spans = Field(["09:00-12:00", "13:00-18:00"], description="hours of a worked day of rest")
    records: str | None = Field(None, description="name of a calendar in the records Holiday of connected systems")
    shifts_of: str | None = Field(None, description="group whose plan of shifts counts as far as it reaches")
    days: dict[date, Spans] = Field({}, description="2026-12-31: [] is free, [09:00-12:00] is worked so long")

    @field_validator("hours")
    @classmethod
    def _each_day_once(cls, hours: dict[str, list[str]]) -> dict[str, list[str]]:
        named = [day for key in hours for day in _weekdays(key)]
        if len(named) != len(set(named)):
            raise ValueError("a day is named twice; name each once")
        if not any(hours.values()):
            raise ValueError("nobody ever works; give the hours of at least one day")
        return hours


class CalendarsSpec(Spec):
    policy: Literal["calendars"]
    calendars: list[CalendarSpec]


Calendars = Mapping[str, CalendarSpec]


def _compile(spec: CalendarsSpec) -> Calendars:
    found: dict[str, CalendarSpec] = {}
    problems: list[Problem] = []
    for n, each in enumerate(spec.calendars):
        if each.id in found or each.id == ALWAYS.name:
            hint = "`always` is there by itself" if each.id == ALWAYS.name else "choose another id"
            problems.append(Problem(f"calendars[{n}].id", f"{each.id!r} is there already", hint))
        found[each.id] = each
    if problems:
        raise BadConfiguration("The calendars have problems.", problems)
    return found


def known(policies: Policies, roster: Roster) -> Mapping[str, Calendar]:
    """Every calendar by name, `always` among them, with the days and shifts that are known now."""
    return {ALWAYS.name: ALWAYS} | {name: calendar_of(spec, roster) for name, spec in KIND.of(policies).items()}


def calendar_of(spec: CalendarSpec, roster: Roster) -> Calendar:
    """A calendar with the days and shifts that are known now."""
    week: list[Hours] = [()] * 7
    for key, spans in spec.hours.items():
        for day in _weekdays(key):
            week[day] = hours_of(spans)
    make_up = hours_of(spec.make_up) or NINE_TO_SIX
    days: dict[date, Hours] = {}
    for text, working in roster.days.get(spec.records or "", {}).items():
        try:
            told = date.fromisoformat(text)
        except ValueError:  # what a system calls a day is not always one; the others count
            log.warning("calendars.no_day", calendar=spec.id, records=spec.records, day=text)
            continue
        days[told] = (week[told.weekday()] or make_up) if working else ()
    days |= {day: hours_of(spans) for day, spans in spec.days.items()}
    shifts = _shifts(spec.shifts_of, roster) if spec.shifts_of else ()
    return Calendar(spec.id, spec.zone, tuple(week), spec.holidays == "CN", make_up, days, shifts)


def _shifts(group: str, roster: Roster) -> tuple[tuple[int, int], ...]:
    spans = {span for p in roster.members(group) if p in roster.shifts for span in roster.shifts[p].spans}
    return tuple(sorted(spans))


def _check(spec: CalendarsSpec, around: Surroundings) -> Sequence[Problem]:
    return [
        Problem(f"calendars[{n}].shifts_of", f"there is no group {each.shifts_of!r}",
                "there are: " + ", ".join(sorted(around.roster.groups)))
        for n, each in enumerate(spec.calendars)
        if each.shifts_of and each.shifts_of not in around.roster.groups
    ]  # fmt: skip


KIND: PolicyKind[CalendarsSpec, Calendars] = PolicyKind("calendars", CalendarsSpec, _compile, _check)
