"""The people tickets move between: persons, groups, who leads whom, who is there when."""

from core_tickets.people.roster import Group, Person, Presence, Roster
from core_tickets.people.store import load_roster

__all__ = ["Group", "Person", "Presence", "Roster", "load_roster"]
