"""What happens because time passes: a flapping signal settles, a crossing or a record's condition has lasted long enough,
a device fell silent.

Crossings and silences go through the inbox as messages of the hub itself, so they are in the ledger like all others.
Every message has an id made from what it tells: two workers, or one that was killed, tell it once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import structlog
from sqlalchemy import Connection, and_, select, update

import core_tickets
import lineage
from gateway import clock, tables
from gateway.aftermath import follow
from gateway.automation.storms import end_members
from gateway.bridge.happened import of
from gateway.config.hub import Hub
from gateway.ingest.internal import HELD, SILENCE, internal_delivery
from gateway.ingest.recall import records
from gateway.service import Gateway
from gateway.sync import sweeping

log = structlog.get_logger(__name__)


def tick(gateway: Gateway, now: int) -> int:
    """Do all that is due; answers how much that was."""
    hub = gateway.hub
    found = settle_flapping(gateway, hub, now) + hold_readings(gateway, hub, now) + tell_silence(gateway, hub, now)
    return found + sweeping.fire_due(gateway, hub, now)


def settle_flapping(gateway: Gateway, hub: Hub, now: int) -> int:
    """Resolve the tickets of signals that flapped and have now been quiet long enough."""
    s = tables.signal.c
    with gateway.transaction() as conn:
        due = select(s.key, s.ticket_id, s.connection_id, s.folded).where(s.settle_at <= now).order_by(s.key).limit(200)
        found = list(conn.execute(due.with_for_update(skip_locked=True)))
        conn.execute(update(tables.signal).where(s.key.in_([r.key for r in found])).values(settle_at=None))
        _resolve(conn, gateway, hub, _quiet(conn, found, now), now)
    return len(found)


def _quiet(conn: Connection, found: Sequence[Any], now: int) -> dict[int, str]:
    """The tickets whose signals are quiet, with the connection that said so; a storm's only when all members are."""
    source = {row.ticket_id: row.connection_id for row in found if row.ticket_id is not None}
    folded: dict[int, list[str]] = {}
    for row in found:
        if row.folded and row.ticket_id is not None:
            folded.setdefault(row.ticket_id, []).append(row.key)
    running = {ticket_id for ticket_id, keys in folded.items() if not end_members(conn, ticket_id, keys, now)}
    return {ticket_id: connection for ticket_id, connection in source.items() if ticket_id not in running}


def _resolve(conn: Connection, gateway: Gateway, hub: Hub, quiet: Mapping[int, str], now: int) -> None:
    text = "抖动后已平稳 Quiet again after flapping"
    commands = [
        core_tickets.Command(ticket_id, "resolve", {"resolution": text}, actor="hub", actor_kind="system",
                             why="the signal flapped and has been quiet since")
        for ticket_id in sorted(quiet)
    ]  # fmt: skip
    done = [a for a in core_tickets.apply(conn, commands, now, policy=hub.promises) if a.error is None]
    facts = {"status": "resolved", "resolution": text}
    lineage.record(conn, [lineage.Write(a.ticket_id, None, list(facts), [], facts, "hub", now) for a in done])
    # the source said itself that it is over, so nothing of this goes back to it
    happened = [replace(h, cause=quiet[h.ticket_id]) for h in of(done)]
    follow(conn, hub, happened, gateway.serial, now)


def hold_readings(gateway: Gateway, hub: Hub, now: int) -> int:
    """A value above its limit that nobody repeated still counts when its time has come."""
    t, w, d = tables.threshold.c, tables.twin.c, tables.twin_device.c
    with gateway.reading() as conn:
        joined = select(
            t.rule, t.device_id, t.metric, t.since, w.value, w.at, w.message_id, d.local_id, d.connection_id
        ).join_from(tables.threshold, tables.twin, and_(w.device_id == t.device_id, w.metric == t.metric))
        joined = joined.join(tables.twin_device, d.device_id == t.device_id)
        found = list(conn.execute(joined.where(t.state == "pending", t.due_at <= now).limit(200)))
        measured = {message: record for message, _, _, record in records(conn, hub, {r.message_id for r in found})}
    for row in found:
        rule, record = hub.rules.named(row.rule), measured.get(row.message_id)
        threshold = rule.spec.threshold if rule is not None else None
        if (
            threshold is not None
            and record is not None
            and row.value is not None
            and threshold.crosses(Decimal(row.value))
        ):
            at = max(row.at, row.since + threshold.lasting)
            held = record | {"connection": row.connection_id, "at": clock.rfc3339(at), "quality": "held"}
            event_id = f"held/{row.rule}/{row.device_id}/{row.metric}/{row.since}"
            _tell(gateway, hub, HELD, event_id, row.local_id, held, now)
        _asked(gateway, row)
    return len(found)


def _asked(gateway: Gateway, row: Any) -> None:
    """The crossing fired, or does not hold any more: its time does not come again, the next reading decides."""
    c = tables.threshold.c
    mine = (c.rule == row.rule, c.device_id == row.device_id, c.metric == row.metric, c.since == row.since)
    with gateway.transaction() as conn:
        conn.execute(update(tables.threshold).where(*mine, c.state == "pending").values(due_at=None))


def tell_silence(gateway: Gateway, hub: Hub, now: int) -> int:
    """Devices that fell silent, and those that are heard again."""
    told = 0
    for live in hub.connections.values():
        if live.spec.stale_after_s is None:
            continue
        told += _silence_of(gateway, hub, live.id, live.spec.stale_after_s * clock.SECOND, now)
    return told


def _silence_of(gateway: Gateway, hub: Hub, connection_id: str, lasting: int, now: int) -> int:
    d, oldest = tables.twin_device.c, now - lasting
    with gateway.reading() as conn:
        mine = select(tables.twin_device).where(d.connection_id == connection_id)
        # a hub that was away heard nobody: each device first gets its time to be heard again
        quiet = d.stale.is_(False) & (d.seen_at < oldest)
        silent = list(conn.execute(mine.where(quiet).limit(200))) if gateway.since <= oldest else []
        back = list(conn.execute(mine.where(d.stale.is_(True), d.seen_at >= oldest).limit(200)))
    for row in silent:
        # not when it was last heard, which may be the very moment that ended an earlier silence
        since = clock.rfc3339(row.seen_at + lasting)
        record: dict[str, Any] = {"connection": connection_id, "device": row.local_id, "status": "firing", "since": since,
                                  "last_seen": clock.rfc3339(row.seen_at)}  # fmt: skip
        _tell(gateway, hub, SILENCE, f"silence/{row.device_id}/{row.seen_at}", row.local_id, record, now)
        _mark(gateway, row.device_id, stale=True)
    for row in back:
        at = clock.rfc3339(row.seen_at)
        record = {"connection": connection_id, "device": row.local_id, "status": "resolved", "since": at, "ended": at,
                  "last_seen": at}  # fmt: skip
        _tell(gateway, hub, SILENCE, f"heard/{row.device_id}/{row.seen_at}", row.local_id, record, now)
        _mark(gateway, row.device_id, stale=False)
    return len(silent) + len(back)


def _mark(gateway: Gateway, device_id: int, *, stale: bool) -> None:
    with gateway.transaction() as conn:
        changed = update(tables.twin_device).where(tables.twin_device.c.device_id == device_id)
        conn.execute(changed.values(stale=stale))


def _tell(gateway: Gateway, hub: Hub, stream: str, event_id: str, key: str, record: dict[str, Any], now: int) -> None:
    delivery = internal_delivery(stream, event_id, key, record, clock.to_datetime(now))
    gateway.run_in_inbox(hub.internal, delivery)
