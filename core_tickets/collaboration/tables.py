"""The tables of working together. Rows of a ticket are numbered from 1 under its lock; times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, String, Table, Text

from core_tickets.tables import metadata

__all__ = ["approval", "approver", "attachment", "child", "handoff", "watcher"]


def _of_ticket(*, key: bool = True) -> Column[int]:
    return Column("ticket_id", BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _number() -> Column[int]:
    return Column("number", Integer, primary_key=True, autoincrement=False)


watcher = Table(
    "ticket_watcher",
    metadata,
    _of_ticket(),
    Column("person", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Index("ix_ticket_watcher_person", "person"),
)

attachment = Table(
    "ticket_attachment",
    metadata,
    _of_ticket(),
    _number(),
    Column("sha256", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("label", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("removed_at", BigInteger),
    Index("ix_ticket_attachment_sha256", "sha256"),
)

child = Table(
    "ticket_child",
    metadata,
    Column("child", BigInteger, primary_key=True, autoincrement=False),
    Column("parent", BigInteger, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Index("ix_ticket_child_parent", "parent"),
)

approval = Table(
    "ticket_approval",
    metadata,
    _of_ticket(),
    _number(),
    Column("text", Text, nullable=False),
    Column("state", String(12), nullable=False),  # open, accepted, returned, withdrawn
    Column("asked_by", Text, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("remind_every", BigInteger, nullable=False),
    Column("remind_at", BigInteger),
    Column("reminders", SmallInteger, nullable=False),
    Column("settled_at", BigInteger),
)
_asked = approval.c.state == "open"
Index("ix_ticket_approval_remind", approval.c.remind_at, postgresql_where=_asked, sqlite_where=_asked)

approver = Table(
    "ticket_approver",
    metadata,
    _of_ticket(),
    _number(),
    Column("approver", Text, primary_key=True),  # li.na, role:buyer, group:north
    Column("answer", String(8)),  # accept, decline
    Column("by", Text),
    Column("at", BigInteger),
    Column("text", Text, nullable=False),
)

handoff = Table(
    "ticket_handoff",
    metadata,
    _of_ticket(),
    _number(),
    Column("state", String(10), nullable=False),  # sent, accepted, returned, done
    Column("from_group", Text),
    Column("from_assignee", Text),
    Column("group", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("due", BigInteger),
    Column("accepted_at", BigInteger),
    Column("accepted_by", Text),
    Column("ended_at", BigInteger),
    Column("ended_by", Text),
    Column("ended_text", Text, nullable=False),
    Column("overdue_told_at", BigInteger),
)
_under_way = handoff.c.state.in_(("sent", "accepted"))
Index("ix_ticket_handoff_due", handoff.c.due, postgresql_where=_under_way, sqlite_where=_under_way)
