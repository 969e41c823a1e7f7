"""What comes in during the time of the campaign: when, of which kind, how urgent. Seeded; nothing here knows the hub."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple, TypeVar

import chinese_calendar

from tests.campaign.staff import AREAS, SECOND, SKILLS, ZONE, moment

T = TypeVar("T")

HOUR = 3_600 * SECOND
BY_HOUR = (2, 1, 1, 1, 1, 2, 3, 5, 9, 11, 11, 9, 6, 8, 10, 10, 9, 8, 6, 5, 4, 4, 3, 2)
"""How busy each hour of a day is; at night the machines alone raise alarms."""
FREE_DAY = 0.35
SEVERITIES = (("critical", 0.12), ("major", 0.38), ("minor", 0.3), ("warning", 0.15), ("info", 0.05))
BY_HAND = (("incident", 0.35), ("complaint", 0.25), ("maintenance", 0.25), ("spare_part_purchase", 0.12),
           ("potential_batch_issue", 0.03))  # fmt: skip
ALARMS = ("Overheated", "Vibration", "PressureLow", "LinkDown", "PlcFault", "robot stopped", "line down", "OilLevel")
DEVICES, CUSTOMERS = 3_000, 400
STORM = 90
"""Alerts of a storm; the hub opens 50 tickets and one for the rest."""
TICKETS_OF_A_STORM = 51


class Alarm(NamedTuple):
    """A machine's alarm: when it begins and ends, and how often it is told again meanwhile."""

    name: str
    device: int
    severity: str
    area: tuple[str, str]
    ends_after: int
    repeats: int


class Call(NamedTuple):
    """What a person writes down."""

    kind: str
    priority: int
    title: str
    area: tuple[str, str] | None
    skill: str | None
    device: int | None
    customer: int | None


Demand = Alarm | Call


def pick(dice: random.Random, of: tuple[tuple[T, float], ...]) -> T:
    return dice.choices([value for value, _ in of], [weight for _, weight in of])[0]


@dataclass(frozen=True)
class Span:
    """The days of the campaign, the last one not included."""

    first: date
    last: date

    @property
    def begin(self) -> int:
        return moment(self.first)

    @property
    def end(self) -> int:
        return moment(self.last)

    def days(self) -> Iterator[date]:
        day = self.first
        while day < self.last:
            yield day
            day += timedelta(days=1)


def arrivals(span: Span, tickets: int, seed: int) -> list[tuple[int, Demand]]:
    """Everything that comes, in order of time: about so many tickets, storms a few times a month among them."""
    dice = random.Random(f"demand {seed}")
    storms = storms_of(span, tickets)
    hours = [moment(day) + n * HOUR for day in span.days() for n in range(24)]
    weights = list(accumulate(_weight(at) for at in hours))
    found: list[tuple[int, Demand]] = []
    for _ in range(max(0, tickets - storms * TICKETS_OF_A_STORM)):
        hour = hours[min(bisect_left(weights, dice.random() * weights[-1]), len(hours) - 1)]
        at = hour + dice.randrange(HOUR)
        found.append((at, _alarm(dice) if dice.random() < (0.6 if _open_hours(at) else 0.95) else _call(dice)))
    for number in range(storms):
        found += _storm(dice, span.begin + dice.randrange(span.end - span.begin), number)
    return sorted(found, key=lambda each: each[0])


def storms_of(span: Span, tickets: int) -> int:
    """So many storms there are: three a month, but no more than a quarter of all tickets."""
    return min(round(3 * len(list(span.days())) / 30), tickets // (4 * TICKETS_OF_A_STORM))


def _weight(hour: int) -> float:
    local = datetime.fromtimestamp(hour // SECOND, ZONE)
    return BY_HOUR[local.hour] * (1.0 if chinese_calendar.is_workday(local.date()) else FREE_DAY)


def _open_hours(at: int) -> bool:
    local = datetime.fromtimestamp(at // SECOND, ZONE)
    return 8 <= local.hour < 19 and bool(chinese_calendar.is_workday(local.date()))


def _alarm(dice: random.Random) -> Alarm:
    lasts = dice.expovariate(1 / 90) if dice.random() < 0.55 else dice.expovariate(1 / 2_000)
    name = dice.choices(ALARMS, (20, 20, 12, 12, 12, 6, 1, 17))[0]
    return Alarm(name, dice.randrange(DEVICES), pick(dice, SEVERITIES), dice.choice(AREAS),
                 int((2 + lasts) * 60 * SECOND), dice.choice((0, 0, 0, 1, 3)))  # fmt: skip


def _storm(dice: random.Random, at: int, number: int) -> Iterator[tuple[int, Demand]]:
    """Many machines of one area tell the same within ten minutes; it is over after some hours."""
    area, first = dice.choice(AREAS), dice.randrange(DEVICES)
    lasts = dice.randrange(1, 5) * HOUR
    for n in range(STORM):
        alarm = Alarm(f"NetworkLost-{number}", (first + n) % DEVICES, "major", area, lasts + dice.randrange(HOUR), 0)
        yield at + dice.randrange(HOUR // 6), alarm


def _call(dice: random.Random) -> Call:
    kind = pick(dice, BY_HAND)
    priority = pick(dice, ((0, 0.02), (1, 0.13), (2, 0.55), (3, 0.3)))
    area = dice.choice(AREAS) if dice.random() < 0.9 else None
    skill = dice.choice(SKILLS) if dice.random() < 0.1 else None
    device = dice.randrange(DEVICES) if dice.random() < 0.7 else None
    customer = dice.randrange(CUSTOMERS) if kind in ("complaint", "incident") or dice.random() < 0.3 else None
    return Call(kind, priority, f"{kind} {dice.choice(ALARMS)} {dice.randrange(10_000)}", area, skill, device, customer)


class Beats:
    """When the clock stops: often by day, rarely at night, and never twice at the same second of an hour."""

    def __init__(self, span: Span, minutes: float, seed: int) -> None:
        self._span, self._minutes = span, minutes
        self._dice = random.Random(f"beats {seed}")

    def __iter__(self) -> Iterator[int]:
        at = self._span.begin
        while at < self._span.end:
            local = datetime.fromtimestamp(at // SECOND, ZONE)
            mean = self._minutes * (0.7 if 8 <= local.hour < 19 else 1.5)
            at += int(self._dice.uniform(0.4, 1.6) * mean * 60 * SECOND) + self._dice.randrange(SECOND)
            yield min(at, self._span.end)


def until(items: list[tuple[int, Demand]], begin: int, now: int) -> list[Demand]:
    """What came after the place `begin` and by `now`."""
    return [each for _, each in items[begin : bisect_right(items, now, key=lambda each: each[0])]]
