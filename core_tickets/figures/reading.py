"""The events of many tickets at once, as the database holds them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, select

from core_tickets import tables
from core_tickets.batch import among
from core_tickets.figures.story import Signal, Story, tell
from core_tickets.model import Entry
from core_tickets.rows import entry_of

__all__ = ["entries_of", "stories"]

_E = tables.entry.c


def entries_of(conn: Connection, ids: Collection[int]) -> dict[int, list[Entry]]:
    """The entries of these tickets, each in order of id. One statement."""
    query = select(tables.entry).where(among(conn, _E.ticket_id, ids)).order_by(_E.ticket_id, _E.id)
    found: dict[int, list[Entry]] = {}
    for row in conn.execute(query):
        found.setdefault(row.ticket_id, []).append(entry_of(row))
    return found


def stories(
    entries: Mapping[int, Iterable[Entry]], signals: Mapping[int, Iterable[Signal]], as_of: int
) -> dict[int, Story]:
    """Those of the tickets that were opened before `as_of`, as they were known then."""
    told = {i: tell(i, each, signals.get(i, ()), as_of=as_of) for i, each in entries.items()}
    return {i: story for i, story in told.items() if story is not None}
