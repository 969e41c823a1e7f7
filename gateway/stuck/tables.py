"""When each open ticket is looked at next, and what its holder was asked. Times are microseconds UTC."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from gateway.tables import metadata

_ID = BigInteger().with_variant(Integer, "sqlite")

stuck_watch = Table(
    "stuck_watch",
    metadata,
    Column("ticket_id", BigInteger, primary_key=True, autoincrement=False),
    Column("next_at", BigInteger, nullable=False, comment="not before this can it be stuck"),
    Column("promised_until", BigInteger, comment="its holder said it goes on until then"),
)
Index("stuck_watch_due", stuck_watch.c.next_at)

stuck_question = Table(
    "stuck_question",
    metadata,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("ticket_id", BigInteger, nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False, comment="unanswered until then, the lead is told"),
    Column("people", Text, nullable=False, comment="JSON list: whom it was put to"),
    Column("about", String(32), nullable=False),
    Column("body", Text, nullable=False, comment="JSON: the question, its answers, what it was chosen by"),
    Column("state", String(12), nullable=False, comment="open | unanswered | answered | settled"),
    Column("answer", String(32)),
    Column("answered_by", Text),
    Column("answered_at", BigInteger),
)
_q = stuck_question.c
_open = _q.state == "open"
Index("stuck_question_open", _q.ticket_id, unique=True, postgresql_where=_open, sqlite_where=_open)
Index("stuck_question_of_ticket", _q.ticket_id)
