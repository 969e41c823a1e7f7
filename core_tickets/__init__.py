"""Tickets: states, promises, audit trail. Knows no connector, no HTTP, no mapping; docs/tickets.md explains it.

Every function that touches the database takes a SQLAlchemy Connection and never commits; ids are minted and `now`
(microseconds since 1970 UTC) is read by the caller.
"""

from core_tickets.actions import ACTIONS, OPEN, Action
from core_tickets.commands import apply
from core_tickets.counting import touch
from core_tickets.errors import (
    Incomplete,
    InvalidInput,
    Missing,
    NotAllowed,
    TicketError,
    UnknownTicket,
    VersionConflict,
)
from core_tickets.intake import open_or_merge
from core_tickets.model import Applied, Change, Command, Draft, Entry, Note, Opened, Ticket
from core_tickets.people import Group, Person, Presence, Roster
from core_tickets.promises import (
    STANDARD,
    Due,
    Policy,
    Promise,
    due,
    first_response_breached,
    resolution_breached,
    resolution_deadline,
)
from core_tickets.queries import (
    MAX_LIMIT,
    Filters,
    Order,
    Page,
    counts,
    counts_by_group,
    get,
    get_many,
    links,
    read_values,
    search,
    touched,
    values_of,
)
from core_tickets.tables import metadata
from core_tickets.timeline import note, replay, timeline
from core_tickets.vocabulary import (
    ACTOR_KINDS,
    CAUSES,
    KINDS,
    PRIORITIES,
    REASONS,
    SHOWN,
    STATUSES,
    Label,
    format_priority,
    parse_priority,
    shown,
)
from core_tickets.workflow import allowed

__all__ = [
    "ACTIONS",
    "ACTOR_KINDS",
    "CAUSES",
    "KINDS",
    "MAX_LIMIT",
    "OPEN",
    "PRIORITIES",
    "REASONS",
    "SHOWN",
    "STANDARD",
    "STATUSES",
    "Action",
    "Applied",
    "Change",
    "Command",
    "Draft",
    "Due",
    "Entry",
    "Filters",
    "Group",
    "Incomplete",
    "InvalidInput",
    "Label",
    "Missing",
    "NotAllowed",
    "Note",
    "Opened",
    "Order",
    "Page",
    "Person",
    "Policy",
    "Presence",
    "Promise",
    "Roster",
    "Ticket",
    "TicketError",
    "UnknownTicket",
    "VersionConflict",
    "allowed",
    "apply",
    "counts",
    "counts_by_group",
    "due",
    "first_response_breached",
    "format_priority",
    "get",
    "get_many",
    "links",
    "metadata",
    "note",
    "open_or_merge",
    "parse_priority",
    "read_values",
    "replay",
    "resolution_breached",
    "resolution_deadline",
    "search",
    "shown",
    "timeline",
    "touch",
    "touched",
    "values_of",
]
