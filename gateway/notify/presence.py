"""Who is there: by the plan of shifts as far as it reaches, else by the working hours of the group."""

from __future__ import annotations

from core_tickets.calendars import ALWAYS
from core_tickets.people.roster import WorkingTime
from gateway.config.hub import Hub


def hours_of(hub: Hub, group: str | None) -> WorkingTime:
    """The working hours of a group: its own calendar; without one nobody has said that it is ever away."""
    found = hub.roster.groups.get(group or "")
    return hub.calendars.get(found.calendar, ALWAYS) if found is not None and found.calendar else ALWAYS


def there(hub: Hub, person: str, group: str | None, now: int) -> bool:
    """Is this person at work now, as a member of this group?"""
    return hub.roster.present(person, now, hours_of(hub, group))


def on_shift(hub: Hub, person: str, now: int) -> bool:
    """Is this person surely at work now, by a plan of shifts? Working hours say nothing about one person."""
    plan = hub.roster.shifts.get(person)
    return plan is not None and plan.at(now)
