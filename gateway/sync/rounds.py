"""A reading of a stream in parts: planned by one, read by as many as there are parts, finished by one.

While a round is under way the stream is its own: nobody reads it as a whole. Each part is held by who reads it, has its
own cursor and counts, and is read again from its cursor by whoever comes after a reader that died.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select, update

from connectors.contract import Part
from gateway import clock, leases
from gateway.errors import Conflict, NotFound
from gateway.sync import state
from gateway.sync.presence import Presence
from gateway.sync.state import COUNTED, Counts
from gateway.sync.tables import sync_part, sync_part_seen, sync_run

LEASE = 10 * clock.MINUTE
"""How long a round keeps the stream while none of its parts is read: workers may have other things to do first."""
_P, _R, _S = sync_part.c, sync_run.c, sync_part_seen.c


@dataclass(frozen=True, slots=True)
class Round:
    """One reading in parts; its id is that of its row in `sync_run`."""

    id: int
    connection: str
    stream: str
    full: bool
    state: str

    @property
    def owner(self) -> str:
        return f"round:{self.id}"

    @property
    def lease(self) -> str:
        return state.lease_name(self.connection, self.stream)

    def lease_of(self, part: str) -> str:
        return leases.fitting(f"{self.lease}#{part}")


@dataclass(frozen=True, slots=True)
class PartState:
    """How far a part came. `whole`: this round reads it from its beginning."""

    part: Part
    state: str
    cursor: Any
    whole: bool
    counts: Counts
    error: str


def found(conn: Connection, connection: str, stream: str, number: int) -> Round:
    """Raises NotFound."""
    row = conn.execute(
        select(sync_run).where(_R.id == number, _R.connection_id == connection, _R.stream == stream)
    ).first()
    if row is None:
        raise NotFound(f"There is no reading {number} of {connection}/{stream}; plan one first.")
    return Round(number, connection, stream, row.full, row.state)


def asked_before(conn: Connection, connection: str, stream: str, asked_by: str) -> Round | None:
    """The newest round that the same one asked for, unless it was lost."""
    mine = (
        _R.connection_id == connection,
        _R.stream == stream,
        _R.asked_by == asked_by,
        _R.state.in_(("running", "complete")),
    )
    number = conn.execute(select(_R.id).where(*mine).order_by(_R.id.desc()).limit(1)).scalar()
    return None if number is None else found(conn, connection, stream, number)


def parts_of(conn: Connection, of: Round) -> dict[str, PartState]:
    """The parts of a round, in the order of their names."""
    rows = conn.execute(select(sync_part).where(*_mine(of), _P.round == of.id).order_by(_P.part))
    return {row.part: _state(row) for row in rows}


def last_states(conn: Connection, connection: str, stream: str) -> dict[str, PartState]:
    """Every part that was ever read, as its last round left it."""
    rows = conn.execute(select(sync_part).where(_P.connection_id == connection, _P.stream == stream))
    return {row.part: _state(row) for row in rows}


def _state(row: Any) -> PartState:
    cursor = None if row.cursor is None else orjson.loads(row.cursor)
    counts = Counts(*(getattr(row, name) for name in COUNTED))
    return PartState(Part.model_validate_json(row.spec), row.state, cursor, row.whole, counts, row.error)


def set_up(conn: Connection, of: Round, parts: Sequence[tuple[Part, Any]], keep: Sequence[str]) -> None:
    """The parts of a new round, each with the cursor it begins at; of parts that are not in `keep` nothing is remembered."""
    where = (_P.connection_id == of.connection, _P.stream == of.stream)
    held = set(conn.execute(select(_P.part).where(*where)).scalars())
    gone = sorted(held - {*keep} | {part.name for part, _ in parts})
    for start in range(0, len(gone), 500):
        conn.execute(delete(sync_part).where(*where, _P.part.in_(gone[start : start + 500])))
    rows = [
        {"connection_id": of.connection, "stream": of.stream, "part": part.name, "spec": part.model_dump_json(), "round": of.id,
         "state": "planned", "cursor": None if cursor is None else orjson.dumps(cursor).decode(), "whole": cursor is None}
        for part, cursor in parts
    ]  # fmt: skip
    if rows:
        conn.execute(sync_part.insert(), rows)


def begin_part(conn: Connection, of: Round, name: str, owner: str) -> PartState:
    """Take a part. A part that is complete is given as it is, and not taken. Raises Conflict, NotFound."""
    now = clock.shared(conn)
    part = conn.execute(select(sync_part).where(*_mine(of), _P.part == name, _P.round == of.id)).first()
    if part is None and of.state == "running":
        raise NotFound(f"Reading {of.id} of {of.connection}/{of.stream} has no part {name!r}.")
    if part is not None and part.state == "complete":
        return _state(part)
    if of.state != "running" or not leases.renew(conn, of.lease, of.owner, now, LEASE):
        raise Conflict(
            f"Reading {of.id} of {of.connection}/{of.stream} is over: another took the stream. Plan a new one."
        )
    state.take(conn, of.lease_of(name), owner, f"Part {name!r} of {of.connection}/{of.stream}")
    # looked at again: whoever read it may have ended it while we waited for the lease
    part = conn.execute(select(sync_part).where(*_mine(of), _P.part == name)).one()
    if part.state != "complete":
        whole = part.cursor is None
        conn.execute(
            update(sync_part)
            .where(*_mine(of), _P.part == name)
            .values(state="running", started_at=now, whole=whole, error="")
        )
        part = conn.execute(select(sync_part).where(*_mine(of), _P.part == name)).one()
    return _state(part)


def save_part(
    conn: Connection, of: Round, name: str, *, counts: Counts | None = None, cursor: Any = None, **values: Any
) -> None:
    if counts is not None:
        values |= asdict(counts)
    if cursor is not None:
        values["cursor"] = orjson.dumps(cursor).decode()
    conn.execute(update(sync_part).where(*_mine(of), _P.part == name, _P.round == of.id).values(values))


def save_seen(conn: Connection, of: Round, name: str, presence: Presence) -> None:
    """What a whole reading of the part had, until the round is finished."""
    conn.execute(delete(sync_part_seen).where(_S.round == of.id, _S.part == name))
    rows = [{"round": of.id, "part": name, "bucket": n, "ids": ids} for n, ids in presence.packed().items()]
    if rows:
        conn.execute(sync_part_seen.insert(), rows)


def seen(conn: Connection, of: Round) -> Presence:
    """What all parts of the round had."""
    presence = Presence()
    for row in conn.execute(select(_S.bucket, _S.ids).where(_S.round == of.id)):
        presence.add(row.bucket, row.ids)
    return presence


def forget_seen(conn: Connection, connection: str, stream: str) -> None:
    """Of every round of the stream."""
    rounds = select(_R.id).where(_R.connection_id == connection, _R.stream == stream)
    conn.execute(delete(sync_part_seen).where(_S.round.in_(rounds)))


def sum_up(conn: Connection, of: Round) -> Counts:
    """What all parts of the round counted so far."""
    total = Counts()
    for part in parts_of(conn, of).values():
        total = total + part.counts
    return total


def _mine(of: Round) -> tuple[Any, ...]:
    return _P.connection_id == of.connection, _P.stream == of.stream
