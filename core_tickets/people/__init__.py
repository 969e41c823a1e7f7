"""People, groups and shifts: pure values, how they are read and written, and how what several sources tell becomes one."""

from core_tickets.people.merging import BY_HAND, DayTold, ShiftTold, Told, roster_of
from core_tickets.people.roster import Group, Person, Presence, Roster, WorkingTime
from core_tickets.people.store import (
    drop,
    drop_below,
    keep_by_hand,
    load_roster,
    put_days,
    put_groups,
    put_people,
    put_shifts,
    roster_version,
)

__all__ = [
    "BY_HAND",
    "DayTold",
    "Group",
    "Person",
    "Presence",
    "Roster",
    "ShiftTold",
    "Told",
    "WorkingTime",
    "drop",
    "drop_below",
    "keep_by_hand",
    "load_roster",
    "put_days",
    "put_groups",
    "put_people",
    "put_shifts",
    "roster_of",
    "roster_version",
]
