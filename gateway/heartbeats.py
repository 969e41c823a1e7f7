"""Heartbeats: connections that ask for it (`Policy.heartbeat_s`) are checked by themselves, so that an expired token is
found before the message that needs it.

What fails is told by a message of the hub, through the inbox like every other: a rule makes a ticket of it that says
what to do, and ends it when the connection works again. What only a person can mend is told at once; what may pass, when
it fails a second time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from gateway import clock, tables
from gateway.config.hub import Hub, Live
from gateway.ingest.internal import internal_delivery
from gateway.service import Gateway

log = structlog.get_logger(__name__)

STREAM = "connection_health"
AGAIN_S = 60
"""How soon a connection that fails is checked again."""
FAILURES = 2
_H = tables.connection_health.c


@dataclass(frozen=True, slots=True)
class Pulse:
    """What is known of a connection. Times are microseconds."""

    connection_id: str
    ok: bool
    since: int
    checked_at: int
    failures: int = 0
    told: bool = False
    reason: str = ""


def watched(hub: Hub) -> dict[str, float]:
    """Connections that are to be checked, and every how many seconds."""
    found = {}
    for live in hub.connections.values():
        kind = type(live.connector) if live.connector else hub.catalogue.good.get(live.origin)
        every_s = live.runtime.policy.heartbeat_s if live.runtime else kind.policy.heartbeat_s if kind else 0
        if live.spec.enabled and every_s:
            found[live.id] = every_s
    return found


def beat(gateway: Gateway, hub: Hub, connection_id: str, every_s: float) -> Pulse:
    """Check a connection, if it is time to; tell what that changes."""
    live, before = hub.connections[connection_id], _load(gateway, connection_id)
    pause_s = every_s if before is None or before.ok else min(AGAIN_S, every_s)
    if before is not None and clock.now() < before.checked_at + int(pause_s * clock.SECOND):
        return before
    reason, serious = _look(live)
    now = clock.now()
    if not reason:
        since = before.since if before is not None and before.ok else now
        if before is not None and before.told:
            _tell(gateway, hub, live, before, ended=now)
        return _store(gateway, Pulse(connection_id, True, since, now))
    if before is None or before.ok:
        pulse = Pulse(connection_id, False, now, now, 1, reason=reason)
    else:
        pulse = replace(before, checked_at=now, failures=before.failures + 1, reason=reason)
    _store(gateway, pulse)
    if not pulse.told and (serious or pulse.failures >= FAILURES):
        _tell(gateway, hub, live, pulse)
        pulse = _store(gateway, replace(pulse, told=True))
    return pulse


def forget_unwatched(gateway: Gateway, hub: Hub) -> None:
    """A connection that was removed or switched off fails no more."""
    kept = watched(hub)
    with gateway.reading() as conn:
        gone = [Pulse(**row._mapping) for row in conn.execute(select(tables.connection_health))]
    for pulse in (p for p in gone if p.connection_id not in kept):
        if pulse.told:
            _tell(gateway, hub, hub.connections.get(pulse.connection_id), pulse, ended=clock.now())
        with gateway.transaction() as conn:
            conn.execute(delete(tables.connection_health).where(_H.connection_id == pulse.connection_id))


def _look(live: Live) -> tuple[str, bool]:
    """Why it does not work (empty: it does), and is that for a person to mend?"""
    if live.runtime is None:
        return live.broken or "the connection cannot be made", True
    health = live.runtime.check()
    if health.ok:
        return "", False
    return health.message or "its check says no, and not why", live.runtime.condition.status != "failing"


def _tell(gateway: Gateway, hub: Hub, live: Live | None, pulse: Pulse, ended: int | None = None) -> None:
    name = live.connector.title_zh if live is not None and live.connector is not None else ""
    record: dict[str, Any] = {
        "connection": pulse.connection_id, "name": f"{name} {pulse.connection_id}".strip(),
        "status": "firing" if ended is None else "resolved", "since": clock.rfc3339(pulse.since),
        "ended": clock.rfc3339(ended), "reason": pulse.reason,
    }  # fmt: skip
    event_id = f"health/{pulse.connection_id}/{pulse.since}/{record['status']}"
    log.info("connection.heartbeat", connection=pulse.connection_id, status=record["status"], reason=pulse.reason)
    at = clock.to_datetime(ended or pulse.checked_at)
    gateway.run_in_inbox(hub.internal, internal_delivery(STREAM, event_id, pulse.connection_id, record, at))


def _load(gateway: Gateway, connection_id: str) -> Pulse | None:
    with gateway.reading() as conn:
        found = select(tables.connection_health).where(_H.connection_id == connection_id)
        row = conn.execute(found).first()
    return Pulse(**row._mapping) if row is not None else None


def _store(gateway: Gateway, pulse: Pulse) -> Pulse:
    with gateway.transaction() as conn:
        insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
        values = asdict(pulse)
        statement = insert(tables.connection_health).values(values)
        conn.execute(statement.on_conflict_do_update(index_elements=["connection_id"], set_=values))
    return pulse
