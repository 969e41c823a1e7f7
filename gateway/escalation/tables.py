"""What escalates when, what did, and by which policy. Times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, text

from gateway.tables import metadata

_ID = BigInteger().with_variant(Integer, "sqlite")

timer = Table(
    "escalation_timer",
    metadata,
    Column("ticket_id", _ID, primary_key=True, autoincrement=False),
    Column("episode", BigInteger, nullable=False, comment="when it was opened or last reopened"),
    Column("next_at", BigInteger, comment="the earliest step of the plan; NULL: none waits"),
    Column("plan", Text, nullable=False, comment="JSON [[step, due_at], ...] of what has not run"),
    Column("done", Text, nullable=False, comment="JSON [step, ...] that ran in this episode"),
    Column("policy", String(16), nullable=False, comment="version the plan was made by"),
)
_waits = text("next_at IS NOT NULL")
Index("escalation_timer_due", timer.c.next_at, postgresql_where=_waits, sqlite_where=_waits)

escalation = Table(
    "escalation",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("episode", BigInteger, primary_key=True, autoincrement=False),
    Column("step", String(128), primary_key=True, comment="ladder/step, breach/promise or warn/promise"),
    Column("due_at", BigInteger, nullable=False),
    Column("fired_at", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False, comment="JSON: who was told, what was done, and why"),
)
Index("escalation_fired", escalation.c.fired_at)

policy = Table(
    "escalation_policy",
    metadata,
    Column("since", _ID, primary_key=True, autoincrement=False),
    Column("version", String(16), nullable=False),
    Column("swept", BigInteger, comment="open tickets planned by it up to here; NULL: all"),
    Column("body", Text, nullable=False, comment="JSON: the documents, days and shifts it was made of"),
)

audit = Table(
    "escalation_audit",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("tickets", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False, comment="steps that had to run by then"),
    Column("missing", BigInteger, nullable=False),
    Column("names", Text, nullable=False, comment="JSON [[ticket, step, due_at], ...], at most 100"),
)
