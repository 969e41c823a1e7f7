"""Syncs as data: how a stream of business records is read, in which parts, how often, and how old it may be."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger
from pydantic import Field, model_validator

from connectors.contract import Part
from connectors.manifest.shapes import Zone
from gateway import clock
from gateway.automation.specs import Name, Spec
from gateway.config.durations import Duration, show

MOST_PARTS = 500
"""Airflow maps at most 1,024 tasks; a division with more parts is too fine for anybody."""
OTHERS, BEFORE, AHEAD = "~others", "~before", "~ahead"
"""Parts of what fits no value, and of the times before the first day and after today."""
_WEEKDAY_NUMBER = re.compile(r"\d")
Bound = Annotated[str | int, Field(union_mode="left_to_right")]


class Timing(Spec):
    """When something is begun: `every` so often, or at the times of a `cron` line in a time zone."""

    every: Annotated[Duration, Field(ge=5 * clock.SECOND, le=31 * clock.DAY)] | None = None
    cron: str = Field("", description="minute hour day month weekday; weekdays by name: mon-fri")
    zone: Zone = Field("UTC", description="IANA zone of the cron line, e.g. Asia/Shanghai")

    @model_validator(mode="after")
    def _one_way(self) -> Timing:
        if (self.every is None) == (not self.cron):
            raise ValueError("give either `every` or `cron`")
        if self.cron:
            _checked_cron(self.cron, self.zone)
        return self

    @cached_property
    def _trigger(self) -> CronTrigger:
        return CronTrigger.from_crontab(self.cron, timezone=ZoneInfo(self.zone))

    def after(self, at: int) -> int:
        """When it is next begun after it was begun at `at`; microseconds UTC."""
        if self.every is not None:
            return at + self.every
        begun = clock.to_datetime(at) + timedelta(microseconds=1)
        found = self._trigger.get_next_fire_time(None, begun)
        assert found is not None  # checked when it was read: every line comes round again
        return clock.from_datetime(found)

    def describe(self) -> str:
        return f"every {show(self.every)}" if self.every is not None else f"{self.cron} ({self.zone})"


def _checked_cron(line: str, zone: str) -> None:
    """Refuse what the two schedulers that may run it would understand differently, or not at all."""
    fields = line.split()
    if len(fields) != 5:
        raise ValueError(
            f"{line!r} has {len(fields)} fields; write minute hour day month weekday, e.g. 0 2 * * mon-fri"
        )
    if _WEEKDAY_NUMBER.search(fields[4]):
        raise ValueError("weekdays by number begin on Sunday for some and on Monday for others; write names: mon-fri")
    if fields[2] != "*" and fields[4] != "*":
        raise ValueError("day and weekday together mean `or` for some and `and` for others; give one of them")
    try:
        trigger = CronTrigger.from_crontab(line, timezone=ZoneInfo(zone))
    except ValueError as error:
        raise ValueError(f"{line!r} is no cron line: {error}") from None
    if trigger.get_next_fire_time(None, datetime(2024, 1, 1, tzinfo=ZoneInfo(zone))) is None:
        raise ValueError(f"{line!r} never comes")


class Partitions(Spec):
    """How a stream is divided by one field of its records: by its values (each warehouse), by ranges (of keys), or by day.
    Whatever fits no value and no day has a part of its own, so that the parts together are always the whole."""

    by: str = Field(min_length=1, max_length=64, description="the field, as the source names it")
    values: list[Bound] = Field([], max_length=MOST_PARTS, description="one part for each of these, one for all others")
    bounds: list[Bound] = Field(
        [], max_length=MOST_PARTS, description="ascending: up to the first, between them, from the last on"
    )
    since: date | None = Field(None, description="one part for each day from this on, one for all before")
    again: int = Field(2, ge=0, le=366, description="by day: so many days before today are read at every run")
    zone: Zone = Field("UTC", description="IANA zone of the days")

    @model_validator(mode="after")
    def _one_way(self) -> Partitions:
        if sum((bool(self.values), bool(self.bounds), self.since is not None)) != 1:
            raise ValueError("give one of `values`, `bounds` and `since`")
        kinds = {type(each) for each in (*self.values, *self.bounds)}
        if len(kinds) > 1:
            raise ValueError("write all as numbers or all as texts")
        if len(set(self.values)) < len(self.values):
            raise ValueError("a value is there twice")
        if self.bounds != sorted(set(self.bounds)):
            raise ValueError("bounds must ascend")
        return self

    def parts(self, today: date) -> list[Part]:
        """The division as it is on a day."""
        if self.values:
            own = [Part(name=str(value), field=self.by, among=(value,)) for value in self.values]
            return [*own, Part(name=OTHERS, field=self.by, among=tuple(self.values), others=True)]
        if self.bounds:
            edges = [None, *self.bounds, None]
            return [
                Part(
                    name=f"{'' if low is None else low}..{'' if high is None else high}",
                    field=self.by,
                    low=low,
                    high=high,
                )
                for low, high in pairwise(edges)
            ]
        assert self.since is not None
        days = [self.since + timedelta(days=n) for n in range((today - self.since).days + 1)]
        before = Part(name=BEFORE, field=self.by, until=self._midnight(self.since))
        dated = [Part(name=day.isoformat(), field=self.by, since=self._midnight(day), until=self._midnight(day + timedelta(1)))
                 for day in days]  # fmt: skip
        return [
            before,
            *dated,
            Part(name=AHEAD, field=self.by, since=self._midnight(max(today, self.since) + timedelta(1))),
        ]

    def today(self, now: int) -> date:
        return clock.to_datetime(now).astimezone(ZoneInfo(self.zone)).date()

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone))


class SyncSpec(Spec):
    """One stream of one connection. What is left out is as the connector says of the stream."""

    connection: Name
    stream: str = Field(min_length=1, max_length=63)
    schedule: Timing | None = None
    partitions: Partitions | None = None
    fresh_within: Annotated[Duration, Field(ge=clock.MINUTE)] | None = Field(
        None, description="older than this the data are late, which makes a ticket; none: never"
    )
    mode: Literal["incremental", "full"] = Field("incremental", description="full: every run reads from the beginning")
    enabled: bool = True

    @property
    def id(self) -> str:
        return f"{self.connection}/{self.stream}"
