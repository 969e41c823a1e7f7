"""Who works here, as pure values: what routing, promises, escalation and rights decide on.

A Roster is one moment's snapshot of people, groups and shifts. It is read once and kept until people change.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol


class WorkingTime(Protocol):
    """When people work: a calendar, by whatever way it was made."""

    def is_working(self, at: int) -> bool:
        """Is this moment (microseconds UTC) working time?"""


@dataclass(frozen=True, slots=True)
class Person:
    """One person. `id` is what `ticket.assignee` holds, such as `li.na`."""

    id: str
    name: str = ""
    active: bool = True
    roles: frozenset[str] = frozenset()
    """Such as technician, agent, team_lead, director, quality, buyer: what rights and policies speak of."""
    groups: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    channels: Mapping[str, str] = field(default_factory=dict)
    """Address by channel: wecom, dingtalk, feishu, email, phone, sms."""
    manager: str | None = None
    zone: str = "Asia/Shanghai"
    language: str = "zh-CN"
    sources: tuple[str, ...] = ()
    """The connections that told of this person; `""` is the configuration."""


@dataclass(frozen=True, slots=True)
class Group:
    """A team. `id` is what `ticket.group` holds."""

    id: str
    name: str = ""
    lead: str | None = None
    director: str | None = None
    calendar: str = ""
    """The working time of the group, by its name in the policy `calendars`; empty: the standard one."""
    modules: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    active: bool = True
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Presence:
    """When somebody is on shift: half-open spans in order, without overlap. A person without any is there whenever the
    calendar of the group says that people work."""

    spans: tuple[tuple[int, int], ...] = ()

    def at(self, now: int) -> bool:
        place = bisect_right(self.spans, (now, 1 << 62)) - 1
        return place >= 0 and now < self.spans[place][1]

    def next(self, now: int) -> int | None:
        """When the next shift begins; None: none is planned."""
        place = bisect_right(self.spans, (now, 1 << 62))
        return self.spans[place][0] if place < len(self.spans) else None


@dataclass(frozen=True)
class Roster:
    """Persons and groups by id; `shifts`: the presence of those who work in shifts."""

    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    shifts: Mapping[str, Presence] = field(default_factory=dict)
    days: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """By calendar: days (2026-10-01) on which it says otherwise than the week; true: worked, false: a holiday."""
    version: int = 0
    """Grows with every change of people, groups and shifts."""

    @cached_property
    def _members(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        for person in sorted(self.people.values(), key=lambda p: p.id):
            for group in person.groups if person.active else ():
                found.setdefault(group, []).append(person.id)
        return {group: tuple(people) for group, people in found.items()}

    def members(self, group: str) -> tuple[str, ...]:
        """The active people of a group, in order of id."""
        return self._members.get(group, ())

    def with_role(self, role: str, group: str | None = None) -> tuple[str, ...]:
        """The active people of a role (and group), in order of id."""
        people = sorted(self.people) if group is None else self.members(group)
        return tuple(p for p in people if self.people[p].active and role in self.people[p].roles)

    def lead(self, group: str | None) -> str | None:
        """Who leads a group."""
        found = self.groups.get(group or "")
        return found.lead if found else None

    def director(self, group: str | None) -> str | None:
        """Who stands above a group's lead: the group's director, or else the manager of its lead."""
        found = self.groups.get(group or "")
        if found is None:
            return None
        lead = self.people.get(found.lead or "")
        return found.director or (lead.manager if lead else None)

    @cached_property
    def planned_until(self) -> int:
        """Where the plan of shifts ends; what is later nobody has planned yet, and calendars count again."""
        return max((p.spans[-1][1] for p in self.shifts.values() if p.spans), default=0)

    def present(self, person: str, now: int, hours: WorkingTime) -> bool:
        """Is this person there? By the plan of shifts as far as it reaches, else by these working hours."""
        shifts = self.shifts.get(person)
        if shifts is not None and shifts.spans and now < self.planned_until:
            return shifts.at(now)
        return hours.is_working(now)
