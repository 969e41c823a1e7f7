"""What identity means for the rest of the hub: which tickets and records speak of a thing."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, func, or_, select

import core_tickets
import id_registry
from core_tickets import tables as ticket_tables
from core_tickets.batch import among
from gateway.rights import Eyes
from gateway.sync.tables import replica, replica_stream

SHOWN = 20
"""Tickets that are named; the rest is counted."""


class Tickets(NamedTuple):
    """Tickets about a thing: how many, and the latest of those that the asker sees."""

    total: int
    latest: tuple[core_tickets.Ticket, ...]


class Records(NamedTuple):
    """Records of a thing that the hub holds, by the stream they were read from."""

    connection: str
    stream: str
    held: int


def members(conn: Connection, gid: int) -> list[int]:
    """Every id that is the thing `gid` is now, the live one first."""
    live = id_registry.live(conn, [gid])[gid]
    others = {x.birth for x in id_registry.crosswalk(conn, live)} - {live}
    touched = {side for event in id_registry.history(conn, live) for side in (event.a, event.b)} - {live}
    same = {other for other, root in id_registry.live(conn, touched).items() if root == live} if touched else set()
    return [live, *sorted(others | same)]


def tickets_of(conn: Connection, eyes: Eyes, ids: Collection[int]) -> Tickets:
    """Tickets whose device or customer is one of these."""
    t = ticket_tables.ticket.c
    about = or_(among(conn, t.device, ids), among(conn, t.customer, ids))
    total = conn.execute(select(func.count()).select_from(ticket_tables.ticket).where(about)).scalar() or 0
    latest = list(conn.execute(select(t.id).where(about).order_by(t.id.desc()).limit(SHOWN)).scalars())
    seen = eyes.seen_many(latest)
    return Tickets(total, tuple(seen[i].ticket for i in latest if i in seen and seen[i].sight.visible))


def records_of(conn: Connection, ids: Collection[int]) -> tuple[Records, ...]:
    """Held records of these things, by stream."""
    s, r = replica_stream.c, replica.c
    counted = (
        select(s.connection_id, s.stream, func.count())
        .join_from(replica, replica_stream, s.id == r.stream)
        .where(among(conn, r.gid, ids), r.deleted_at.is_(None))
        .group_by(s.connection_id, s.stream)
        .order_by(s.connection_id, s.stream)
    )
    return tuple(Records(*row) for row in conn.execute(counted))
