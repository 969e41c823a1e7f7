"""Leases: who of several processes does what only one may do. Renewed while held, free once the holder is gone."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update
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


def renew(conn: Connection, name: str, owner: str, now: int, lasting: int) -> bool:
    """Renew a lease that is still this owner's, even one that ran out. False: somebody else took it meanwhile, so that
    what was found under it may no longer be so. Its row stays locked until the transaction ends."""
    c = tables.lease.c
    mine = update(tables.lease).where(c.name == name, c.owner == owner).values(until=now + lasting)
    return conn.execute(mine).rowcount == 1


def inherit(conn: Connection, name: str, owner: str, now: int, lasting: int, *, of: str) -> bool:
    """Take a lease over from an owner that is known to be gone."""
    c = tables.lease.c
    theirs = update(tables.lease).where(c.name == name, c.owner == of).values(owner=owner, until=now + lasting)
    return conn.execute(theirs).rowcount == 1


def holder(conn: Connection, name: str) -> str | None:
    """Who has it, or had it last."""
    c = tables.lease.c
    return conn.execute(select(c.owner).where(c.name == name)).scalar()


def release(conn: Connection, owner: str) -> None:
    """Give back all leases of an owner."""
    conn.execute(delete(tables.lease).where(tables.lease.c.owner == owner))
