"""A run's own rows: who reads the stream, how far it came, what it counted."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from gateway import clock, leases, tables
from gateway.errors import Conflict
from gateway.sync.tables import sync_run

LEASE = clock.MINUTE
KEPT = 30 * clock.DAY
"""How long the counts of a run are kept."""
_HOST = socket.gethostname()[:32]
_Y, _R = tables.sync_state.c, sync_run.c


@dataclass(slots=True)
class Counts:
    """What a run did. `read` is the sum of added, changed, unchanged, deleted, skipped and bad; `absent` rows were not
    read but missed."""

    read: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    skipped: int = 0
    bad: int = 0
    absent: int = 0
    told: int = 0
    linked: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(asdict(self).values(), asdict(other).values(), strict=True)))


COUNTED = tuple(f.name for f in fields(Counts))


def new_owner() -> str:
    """A name for one run: host, process, and a number that no other has."""
    return f"{_HOST}:{os.getpid()}:{os.urandom(6).hex()}"


def lease_name(connection_id: str, stream: str) -> str:
    return f"sync:{connection_id}/{stream}"


def take(conn: Connection, name: str, owner: str, what: str, lasting: int = LEASE) -> None:
    """Take a lease, also from a process of this machine that is no more. Raises Conflict while another has it."""
    now = clock.shared(conn)
    if not leases.take(conn, name, owner, now, lasting):
        other = leases.holder(conn, name) or ""
        if not _is_gone(other) or not leases.inherit(conn, name, owner, now, lasting, of=other):
            raise Conflict(
                f"{what} is being read by {other}; wait until that is done. "
                f"Should that process be dead, its lease runs out within {lasting // clock.SECOND} seconds."
            )


def begin(
    conn: Connection, run: int, connection_id: str, stream: str, owner: str, now: int, *, full: bool, asked_by: str | None = None,
    lasting: int = LEASE,
) -> None:  # fmt: skip
    """Take the stream. Raises Conflict while another run reads it."""
    take(conn, lease_name(connection_id, stream), owner, f"Stream {stream!r} of {connection_id!r}", lasting)
    mine = (_R.connection_id == connection_id, _R.stream == stream)
    conn.execute(update(sync_run).where(*mine, _R.state == "running").values(state="lost", finished_at=now))
    conn.execute(delete(sync_run).where(*mine, _R.started_at < now - KEPT))
    row = {
        "id": run,
        "connection_id": connection_id,
        "stream": stream,
        "full": full,
        "state": "running",
        "started_at": now,
        "asked_by": asked_by,
    }
    conn.execute(sync_run.insert().values(row))
    save_state(conn, connection_id, stream, started_at=now)


def _is_gone(owner: str) -> bool:
    """A process of this very machine that is no more. Of other machines nothing is known."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != _HOST or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def cursor_of(conn: Connection, connection_id: str, stream: str) -> Any:
    """From where the next run goes on; None: from the beginning."""
    text = conn.execute(select(_Y.cursor).where(_Y.connection_id == connection_id, _Y.stream == stream)).scalar()
    return None if text is None else orjson.loads(text)


def save_state(conn: Connection, connection_id: str, stream: str, **values: Any) -> None:
    make = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = make(tables.sync_state).values(connection_id=connection_id, stream=stream, **values)
    conn.execute(statement.on_conflict_do_update(index_elements=["connection_id", "stream"], set_=values))


def save_cursor(conn: Connection, connection_id: str, stream: str, cursor: Any) -> None:
    save_state(conn, connection_id, stream, cursor=orjson.dumps(cursor).decode())


def save_counts(conn: Connection, run: int, counts: Counts) -> None:
    conn.execute(update(sync_run).where(_R.id == run).values(asdict(counts)))


def finish(conn: Connection, run: int, connection_id: str, stream: str, counts: Counts, error: str, now: int) -> None:
    """The run is over, well or not."""
    state = "failed" if error else "complete"
    conn.execute(
        update(sync_run).where(_R.id == run).values(state=state, finished_at=now, error=error, **asdict(counts))
    )
    save_state(conn, connection_id, stream, finished_at=now, records=counts.read, bad=counts.bad, error=error)


def last_runs(conn: Connection) -> dict[tuple[str, str], Any]:
    """The newest run of every stream."""
    newest = select(func.max(_R.id)).group_by(_R.connection_id, _R.stream)
    rows = conn.execute(select(sync_run).where(_R.id.in_(newest)))
    return {(row.connection_id, row.stream): row for row in rows}


def ages(conn: Connection) -> dict[tuple[str, str], int]:
    """When the last complete reading of each stream began."""
    newest = select(_R.connection_id, _R.stream, func.max(_R.started_at)).where(_R.state == "complete")
    return {(c, s): at for c, s, at in conn.execute(newest.group_by(_R.connection_id, _R.stream))}
