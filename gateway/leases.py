"""Leases: who of several processes does what only one may do. Renewed while held, free once the holder is gone."""

from __future__ import annotations

from sqlalchemy import Connection, delete
from sqlalchemy.dialects import postgresql, sqlite

from gateway import tables


def take(conn: Connection, name: str, owner: str, now: int, lasting: int) -> bool:
    """Take or renew a lease until `now + lasting`. False: somebody else holds it."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    c = tables.lease.c
    statement = insert(tables.lease).values(name=name, owner=owner, until=now + lasting)
    taken = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"owner": owner, "until": now + lasting},
        where=(c.until <= now) | (c.owner == owner),
    )
    # asked for by RETURNING: the row count of such an INSERT is not told on PostgreSQL
    return conn.execute(taken.returning(c.name)).first() is not None


def release(conn: Connection, owner: str) -> None:
    """Give back all leases of an owner."""
    conn.execute(delete(tables.lease).where(tables.lease.c.owner == owner))
