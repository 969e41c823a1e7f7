"""The tables of the ticket core. Times are microseconds since 1970 UTC; ids are minted by the caller.

`ticket.open_key` is the whole of "one open ticket per fingerprint": it is UNIQUE and holds the fingerprint on the
newest ticket of that fingerprint, NULL on all older ones. docs/tickets.md says why a closed ticket keeps it until a new
one takes it over. There are no foreign keys: tickets are never deleted, and each check would cost more than the insert.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    event,
    text,
)

__all__ = ["entry", "link", "metadata", "ticket"]

metadata = MetaData()
_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite's own row id: no index of its own

ticket = Table(
    "ticket",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("description", Text, nullable=False),
    Column("fingerprint", Text),
    Column("superseded_by", BigInteger),
    Column("storm_id", BigInteger),
    Column("device", BigInteger),
    Column("customer", BigInteger),
    Column("labels", Text, nullable=False),  # JSON
    Column("source", Text),
    Column("source_key", Text),
    Column("url", Text),
    Column("assignee", Text),
    Column("group", Text),
    Column("blocked_reason", Text),
    Column("blocked_text", Text),
    Column("resolution", Text),
    Column("cause", Text),
    Column("approval", Text),
    Column("occurrences", BigInteger, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("first_response_due", BigInteger),
    Column("resolution_due", BigInteger),
    Column("due_fixed", Boolean, nullable=False),
    Column("given_response_due", BigInteger),
    Column("given_resolution_due", BigInteger),
    Column("first_responded_at", BigInteger),
    Column("paused_since", BigInteger),
    Column("paused_total", BigInteger, nullable=False, server_default="0"),
    Column("claimed_at", BigInteger),
    Column("stage_since", BigInteger),
    Column("resolved_at", BigInteger),
    Column("closed_at", BigInteger),
    Column("reopened_at", BigInteger),
    Column("confirmed_at", BigInteger),
    Column("open_key", Text, unique=True),
    CheckConstraint(
        "status IN ('resolved', 'closed') OR fingerprint IS NULL OR (open_key IS NOT NULL AND open_key = fingerprint)",
        name="ck_ticket_open_holds_its_key",
    ),
)

# Room in each page for the next version of its rows: a repeat then rewrites one row and touches no index.
_room = DDL("ALTER TABLE ticket SET (fillfactor = 75)")  # type: ignore[no-untyped-call]
event.listen(ticket, "after_create", _room.execute_if(dialect="postgresql"))

_id = ticket.c.id
Index("ix_ticket_updated", ticket.c.updated_at, _id)
for _column in (ticket.c.device, ticket.c.customer, ticket.c.assignee, ticket.c.storm_id):
    _given = text(f"{_column.name} IS NOT NULL")
    Index(f"ix_ticket_{_column.name}", _column, _id, postgresql_where=_given, sqlite_where=_given)
Index("ix_ticket_status", ticket.c.status, ticket.c.priority, _id)
_open = text("status IN ('pending', 'in_progress', 'blocked')")
Index("ix_ticket_open", ticket.c.priority, _id, postgresql_where=_open, sqlite_where=_open)
Index("ix_ticket_due", ticket.c.resolution_due, _id, postgresql_where=_open, sqlite_where=_open)
_given = text('"group" IS NOT NULL')
Index("ix_ticket_group", ticket.c.group, _id, postgresql_where=_given, sqlite_where=_given)
_held = text("assignee IS NOT NULL AND status IN ('pending', 'in_progress', 'blocked')")
Index("ix_ticket_held", ticket.c.assignee, postgresql_where=_held, sqlite_where=_held)

entry = Table(
    "ticket_entry",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("ticket_id", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("type", Text, nullable=False),  # change, comment, note
    Column("name", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("version", Integer),
    Column("changes", Text, nullable=False),  # JSON: [[field, before, after], ...]
    Column("data", Text, nullable=False),  # JSON object
    Index("ix_ticket_entry_ticket", "ticket_id", "id"),
)

link = Table(
    "ticket_link",
    metadata,
    Column("low", BigInteger, primary_key=True, autoincrement=False),
    Column("high", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    CheckConstraint("low < high", name="ck_ticket_link_ordered"),
    Index("ix_ticket_link_high", "high"),
)
