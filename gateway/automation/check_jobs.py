"""What is to be asked of other systems later, noted in the transaction in which something happened to a ticket."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from gateway import tables
from gateway.bridge.happened import Happened
from gateway.config.hub import Hub

_C = tables.check_job.c


def plan_checks(conn: Connection, hub: Hub, happened: Sequence[Happened], now: int) -> None:
    """Note what is to be asked later; in the transaction in which it happened."""
    wanted = [
        {"ticket_id": h.ticket_id, "connection_id": c.connection, "check_id": c.spec.id, "next_at": now + c.spec.after}
        for h in happened
        for c in hub.checks
        if c.spec.on == h.event
    ]
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    for values in wanted:  # the same again, after a reopening: asked anew
        statement = insert(tables.check_job).values(values)
        keys = [_C.ticket_id, _C.connection_id, _C.check_id]
        again = {"next_at": values["next_at"], "tries": 0}
        conn.execute(statement.on_conflict_do_update(index_elements=keys, set_=again))
