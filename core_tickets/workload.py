"""What people have to do: how many open tickets they hold, and when the latest was opened that they were given."""

from __future__ import annotations

from collections.abc import Collection

import orjson
from sqlalchemy import ARRAY, ColumnElement, Connection, FromClause, Text, column, func, literal, select, text

from core_tickets import tables
from core_tickets.routing import Load

__all__ = ["loads_of"]

_T = tables.ticket
_LATEST = tables.ticket.alias("latest")
# as in the index ix_ticket_held, word for word: SQLite takes it only then
_HELD = text("ticket.assignee IS NOT NULL AND ticket.status IN ('pending', 'in_progress', 'blocked')")


def loads_of(conn: Connection, people: Collection[str]) -> dict[str, Load]:
    """By person; those who hold nothing and never did are absent. One statement, two index probes a person."""
    if not people:
        return {}
    who, name = _named(conn, sorted(people))
    held = select(func.count()).select_from(_T).where(_T.c.assignee == name, _HELD).scalar_subquery()
    latest = select(_LATEST.c.opened_at).where(_LATEST.c.assignee == name).order_by(_LATEST.c.id.desc()).limit(1)
    rows = conn.execute(select(name, held, latest.scalar_subquery()).select_from(who))
    return {person: Load(count, last) for person, count, last in rows if last is not None}


def _named(conn: Connection, people: list[str]) -> tuple[FromClause, ColumnElement[str]]:
    """The people as a table of one column."""
    if conn.dialect.name == "postgresql":
        made = func.unnest(literal(people, ARRAY(Text()))).table_valued(column("id", Text), name="who").render_derived()
        return made, made.c.id
    listed = func.json_each(literal(orjson.dumps(people).decode(), Text())).table_valued("value", name="who")
    return listed, listed.c.value
