"""What is kept of a storm besides its ticket and members. Times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from gateway.tables import metadata


def _of_ticket() -> Column[int]:
    return Column("ticket_id", BigInteger, primary_key=True, autoincrement=False)


storm_event = Table(
    "storm_event",
    metadata,
    _of_ticket(),
    Column("began_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger, comment="when its ticket was resolved"),
    Column("filled_at", BigInteger, comment="when everything put off had its end"),
    Column("connection_id", String(64), comment="where its room is; NULL: the list of participants is all there is"),
    Column("operation", String(64), comment="what posts to its board"),
    Column("participants", Text, nullable=False, comment="JSON: people and groups by id"),
    Column("briefs", Integer, nullable=False),
    Column("next_brief_at", BigInteger, nullable=False),
)
_running = storm_event.c.filled_at.is_(None)
Index("storm_event_running", storm_event.c.ticket_id, postgresql_where=_running, sqlite_where=_running)

storm_brief = Table(
    "storm_brief",
    metadata,
    _of_ticket(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("facts", Text, nullable=False, comment="the numbers it was written of, JSON"),
)

storm_announcement = Table(
    "storm_announcement",
    metadata,
    _of_ticket(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", String(10), nullable=False, comment="draft | sent | withdrawn"),
    Column("zh", Text, nullable=False),
    Column("en", Text, nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("settled_by", Text),
    Column("settled_at", BigInteger),
)

storm_postponed = Table(
    "storm_postponed",
    metadata,
    _of_ticket(),
    Column("what", String(8), primary_key=True, comment="alert | ticket"),
    Column("key", Text, primary_key=True, comment="the signal's key, or the ticket's number"),
    Column("title", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("end", String(10), comment="recovered | ticketed | resumed | finished; NULL: still put off"),
    Column("end_ticket", BigInteger, comment="the ticket of its own that it got"),
    Column("ended_at", BigInteger),
)
