"""Of several workers one begins what is due. All look at the same row and the same clock, the database's.

Who begins holds a lease and renews it while it works; a worker that is killed loses it within a minute, and what it had
begun is begun again at once. Work under a claim is fenced: whoever was held up until another took it over cannot commit.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway import clock, leases, tables
from gateway.config.syncs import Timing

LEASE = clock.MINUTE
SKEW = clock.MINUTE
"""A beginning so far in the future was noted while the clock was wrong."""
_S = tables.schedule_state.c
_HOST = socket.gethostname()[:32]


@dataclass(frozen=True, slots=True)
class Claim:
    """Ours to run."""

    name: str
    owner: str

    @property
    def lease(self) -> str:
        return leases.fitting(f"schedule:{self.name}")


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing is to be begun before `at` (the database's clock); it is looked at again then."""

    at: int


def claim(conn: Connection, name: str, timing: Timing) -> Claim | Later:
    """Begin it if it is due. What was never begun is due now; by a cron line, at its next time."""
    now = clock.shared(conn)
    mine = Claim(name, f"{_HOST}:{os.getpid()}:{os.urandom(6).hex()}"[:64])
    if not leases.take(conn, mine.lease, mine.owner, now, LEASE):
        return Later(now + LEASE // 4)
    row = conn.execute(select(tables.schedule_state).where(_S.name == name)).first()
    due = _due(row.begun_at, row.finished_at, timing, now) if row is not None else None
    if due is None and timing.every is None:
        _note(conn, name, begun_at=now, finished_at=now)
        due = timing.after(now)
    if due is not None and due > now:
        leases.give_back(conn, mine.lease, mine.owner)
        return Later(due)
    _note(conn, name, begun_at=now, finished_at=None)
    return mine


def _due(begun: int, finished: int | None, timing: Timing, now: int) -> int:
    if finished is None or begun > now + SKEW:  # we have the lease: who ran it is gone; or the clock was set back
        return now
    return max(timing.after(begun), begun)


def next_at(conn: Connection, name: str, timing: Timing) -> int:
    """When it is due, as far as can be told without a claim; what was never begun: now."""
    now = clock.shared(conn)
    row = conn.execute(select(tables.schedule_state).where(_S.name == name)).first()
    if row is None:
        return now
    held = select(tables.lease.c.until).where(tables.lease.c.name == Claim(name, "").lease)
    until = conn.execute(held).scalar()
    if row.finished_at is None and until is not None and now < until <= now + 2 * LEASE:
        return int(until)
    return _due(row.begun_at, row.finished_at, timing, now)


def hold(conn: Connection, claim: Claim) -> bool:
    """Renew it. False: another has it by now."""
    return leases.renew(conn, claim.lease, claim.owner, clock.shared(conn), LEASE)


def end(conn: Connection, claim: Claim, error: str = "") -> bool:
    """It ran, well or not. False: another has it by now, and nothing is noted."""
    now = clock.shared(conn)
    if not leases.renew(conn, claim.lease, claim.owner, now, 0):
        return False
    conn.execute(update(tables.schedule_state).where(_S.name == claim.name).values(finished_at=now, error=error[:2000]))
    leases.give_back(conn, claim.lease, claim.owner)
    return True


def _note(conn: Connection, name: str, *, begun_at: int, finished_at: int | None) -> None:
    make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    values = {"begun_at": begun_at, "finished_at": finished_at}
    statement = make(tables.schedule_state).values(name=name, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
