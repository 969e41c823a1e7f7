"""Leases: who of several processes does what only one may do. Renewed while held, free once the holder is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway import clock, tables
from gateway.errors import WeftError


class LeaseLost(WeftError):
    """Somebody else took this over because it was held up for too long; nothing of the last step was stored."""

    status, title = 409, "Taken over"


def fitting(name: str) -> str:
    """A lease's name as the table takes it: of a long one the end is told by its digest."""
    return name if len(name) <= 160 else name[:127] + hashlib.sha256(name.encode()).hexdigest()[:32]


def take(conn: Connection, name: str, owner: str, now: int, lasting: int) -> bool:
    """Take or renew a lease until `now + lasting`. False: somebody else holds it.

    One that runs far longer than anybody takes it for was taken while the clock was wrong, and counts for nothing."""
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    c = tables.lease.c
    statement = insert(tables.lease).values(name=name, owner=owner, until=now + lasting)
    taken = statement.on_conflict_do_update(
        index_elements=["name"],
        set_={"owner": owner, "until": now + lasting},
        where=(c.until <= now) | (c.owner == owner) | (c.until > now + max(2 * lasting, clock.HOUR)),
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


def give_back(conn: Connection, name: str, owner: str) -> None:
    """Give back one lease, if it is still this owner's."""
    c = tables.lease.c
    conn.execute(delete(tables.lease).where(c.name == name, c.owner == owner))


def shared(conn: Connection, name: str, owner: str) -> bool:
    """Is the lease this owner's? It stays so until the transaction ends; others who ask the same do not wait."""
    c = tables.lease.c
    return conn.execute(select(c.owner).where(c.name == name).with_for_update(read=True)).scalar() == owner


# -- fencing -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fence:
    name: str
    owner: str
    lasting: int


_fence: ContextVar[_Fence | None] = ContextVar("fence", default=None)


@contextmanager
def fenced(name: str, owner: str, lasting: int) -> Iterator[None]:
    """While inside, every transaction of this thread that writes commits only if the lease is still this owner's."""
    token = _fence.set(_Fence(name, owner, lasting))
    try:
        yield
    finally:
        _fence.reset(token)


def confirm(conn: Connection) -> None:
    """The last thing of a transaction, so that the lease's row is locked no longer than a commit takes. Raises LeaseLost."""
    fence = _fence.get()
    if fence is not None and not renew(conn, fence.name, fence.owner, clock.shared(conn), fence.lasting):
        raise LeaseLost()
