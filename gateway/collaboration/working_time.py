"""By when a department is done with what it is handed: working time of its own calendar."""

from __future__ import annotations

from core_tickets.calendars import ALWAYS, Calendar
from gateway.config.hub import Hub
from gateway.policies import calendars, stages

STANDARD = "office"


def calendar_of(hub: Hub, group: str) -> Calendar:
    """The calendar of a group; without one of its own the house's `office`, and where that is not defined, all time counts."""
    known = calendars.KIND.of(hub.policies)
    place = hub.roster.groups.get(group)
    spec = known.get(place.calendar if place is not None and place.calendar else STANDARD)
    return ALWAYS if spec is None else calendars.calendar_of(spec, hub.roster)


def handoff_due(hub: Hub, group: str, minutes: int | None, now: int) -> int | None:
    """When what is handed to a group now is due: so many working minutes, else what the policy `stages` says of the
    group; None: nothing is promised."""
    working = minutes * 60_000_000 if minutes is not None else stages.KIND.of(hub.policies).within(group)
    return None if working is None else calendar_of(hub, group).add(now, working)


def remind_every(hub: Hub) -> int:
    """How often who has not answered a joint approval is reminded, microseconds."""
    return stages.KIND.of(hub.policies).remind_every
