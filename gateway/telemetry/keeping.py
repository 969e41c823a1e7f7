"""From what processes counted to rows by minute and hour; old rows go."""

from __future__ import annotations

from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway.clock import DAY, SECOND, Serial
from gateway.config.hub import Hub
from gateway.telemetry.tables import COUNTED, drift, profile, span

log = structlog.get_logger(__name__)

FLUSH_S = 10.0
SPANS = {60: 2 * DAY, 3600: 90 * DAY}
"""Seconds of a span: how long it is kept."""
DRIFTS = 90 * DAY
_P = profile.c


def flush(conn: Connection, hub: Hub, serial: Serial, now: int) -> int:
    """Write down what this process counted since the last time; answers how many connections had something."""
    found = {live.id: counted for live in hub.connections.values() if (counted := live.tally.drain())}
    _add(conn, found, now)
    for live in hub.connections.values():
        for stream in live.tally.unknown():
            body = conn.execute(select(_P.body).where(_P.connection_id == live.id, _P.stream == stream)).scalar()
            live.tally.learn(stream, None if body is None else orjson.loads(body))
        if live.id in found:
            _shapes(conn, live.id, live.tally, serial, now)
    return len(found)


def forget(conn: Connection, now: int) -> None:
    """Let go of what is older than it is kept."""
    for seconds, kept in SPANS.items():
        conn.execute(delete(span).where(span.c.seconds == seconds, span.c.at < now - kept))
    conn.execute(delete(drift).where(drift.c.at < now - DRIFTS))


def _add(conn: Connection, found: dict[str, dict[str, int]], now: int) -> None:
    rows = [
        {"connection_id": connection, "seconds": seconds, "at": now - now % (seconds * SECOND)}
        | {name: counted.get(name, 0) for name in COUNTED}
        for connection, counted in sorted(found.items()) for seconds in SPANS
    ]  # fmt: skip
    if rows:
        insert = postgresql.insert(span) if conn.dialect.name == "postgresql" else sqlite.insert(span)
        added = {name: span.c[name] + insert.excluded[name] for name in COUNTED}
        conn.execute(insert.on_conflict_do_update(index_elements=["connection_id", "seconds", "at"], set_=added), rows)


def _shapes(conn: Connection, connection: str, tally: Any, serial: Serial, now: int) -> None:
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    profiles, drifts = tally.changed_shapes()
    for stream in sorted(profiles):
        values = {"body": orjson.dumps(tally.told(stream)).decode(), "at": now}
        kept = insert(profile).values(connection_id=connection, stream=stream[:64], **values)
        conn.execute(kept.on_conflict_do_update(index_elements=["connection_id", "stream"], set_=values))
    rows = [
        {"id": number, "connection_id": connection, "stream": stream[:64], "kind": d.kind, "path": d.path[:400], "was": d.was,
         "now": d.now, "at": now, "day": now // DAY}
        for number, (stream, d) in zip(serial.take(len(drifts)), drifts, strict=True)
    ]  # fmt: skip
    if rows:
        log.info("connection.shape_changed", connection=connection, changes=[str(d) for _, d in drifts][:20])
        conn.execute(insert(drift).on_conflict_do_nothing(), rows)
