"""The timeline of a ticket: its audit trail, its comments and the hub's notes in one append-only list."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, select

from core_tickets import checks, tables
from core_tickets.batch import among, insert_rows
from core_tickets.errors import InvalidInput, UnknownTicket
from core_tickets.model import BLANK, Entry, Note
from core_tickets.rows import entry_of, entry_row
from core_tickets.vocabulary import ACTOR_KINDS

__all__ = ["changes", "note", "replay", "timeline"]

_E = tables.entry.c


def timeline(conn: Connection, ticket_id: int, after: int = 0, limit: int = 100) -> list[Entry]:
    """At most `limit` (1 to 1000) entries in the order they were written, from the one after entry id `after`."""
    checks.number("after", after)
    if not 1 <= limit <= 1000:
        raise InvalidInput("limit", f"{limit} is out of range", hint="write 1 to 1000")
    query = select(tables.entry).where(_E.ticket_id == ticket_id, _E.id > after).order_by(_E.id).limit(limit)
    return [entry_of(row) for row in conn.execute(query)]


def changes(conn: Connection, ticket_ids: Collection[int]) -> dict[int, list[Entry]]:
    """The audit trails of these tickets, each from its start: all that changed a field. One statement."""
    found: dict[int, list[Entry]] = {number: [] for number in ticket_ids}
    query = select(tables.entry).where(among(conn, _E.ticket_id, sorted(found)), _E.changes != "[]").order_by(_E.id)
    for row in conn.execute(query) if found else ():
        found[row.ticket_id].append(entry_of(row))
    return found


def note(conn: Connection, notes: Sequence[Note]) -> None:
    """Append notes. All or none: raises InvalidInput or UnknownTicket before anything is written."""
    if not notes:
        return
    rows = [_row(n) for n in notes]
    ids = {n.ticket_id for n in notes}
    known = set(conn.execute(select(tables.ticket.c.id).where(among(conn, tables.ticket.c.id, ids))).scalars())
    for n in notes:
        if n.ticket_id not in known:
            raise UnknownTicket(n.ticket_id)
    insert_rows(conn, tables.entry, rows)


def _row(n: Note) -> dict[str, Any]:
    checks.number("ticket_id", n.ticket_id, least=1)
    checks.text("kind", n.kind, required=True)
    checks.text("actor", n.actor)
    checks.member("actor_kind", n.actor_kind, ACTOR_KINDS)
    checks.number("at", n.at)
    try:
        orjson.dumps(n.data)
    except TypeError as error:
        raise InvalidInput("data", str(error), hint="give what JSON can hold") from error
    return entry_row(
        n.ticket_id, n.at, n.kind, actor=n.actor, actor_kind=n.actor_kind, type="note", changes=(), data=n.data
    )


def replay(entries: Iterable[Entry]) -> dict[str, Any]:
    """The audited fields as the trail of one ticket, read from its start, says they are.

    Raises ValueError when an entry's `before` is not what the entries before it made: somebody changed the trail.
    """
    values = dict(BLANK)
    for entry in entries:
        for name, before, after in entry.changes:
            if entry.name != "open" and values[name] != before:
                raise ValueError(f"entry {entry.id} says {name} was {before!r}, but it was {values[name]!r}")
            values[name] = after
    return values
