"""A new ticket's questions: noted with the ticket, asked by a worker right afterwards, never in the ticket's way."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway import rows, tables


def plan_questions(conn: Connection, ticket_ids: Sequence[int], now: int) -> None:
    """Note that the context of these new tickets is to be asked for."""
    rows.insert(conn, tables.context_job, ("ticket_id", "at"), [(t, now) for t in sorted(ticket_ids)])
