"""Repeats of what a ticket stands for already: counted, with no line in its timeline and no new version."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from core_tickets import checks, tables
from core_tickets.batch import among, update_rows

__all__ = ["touch"]

_T = tables.ticket.c


def touch(conn: Connection, repeats: Mapping[int, int], now: int) -> None:
    """Count more occurrences (ticket id -> how many), last seen `now`.

    Two statements: the locks are taken in order of id, then all is written. Unknown ids are passed over.
    """
    if not repeats:
        return
    query = select(_T.id, _T.occurrences, _T.last_seen).where(among(conn, _T.id, checks.possible_ids(repeats)))
    rows = [
        {"id": row.id, "occurrences": row.occurrences + repeats[row.id], "last_seen": max(now, row.last_seen)}
        for row in conn.execute(query.order_by(_T.id).with_for_update())
    ]
    update_rows(conn, tables.ticket, rows, ("occurrences", "last_seen"))
