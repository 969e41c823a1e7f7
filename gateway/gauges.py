"""Gauges are read when somebody asks: a scrape of the gateway, or of a worker."""

from __future__ import annotations

import math

from sqlalchemy import func, select

import core_tickets
from gateway import clock, metrics, tables
from gateway.config.hub import HUB
from gateway.context import completeness
from gateway.context.completeness import Completeness
from gateway.figures import rounds
from gateway.service import Gateway
from gateway.sync import state as sync_state
from gateway.usecases import ledger

OUTBOX_STATES = ("waiting", "sending", "refused", "person")
"""What a scrape counts; those that are done are all but a few, and weft_commands tells of them."""


def read(gateway: Gateway) -> None:
    """Read everything that the database and this process know now. Raises Unavailable."""
    metrics.WAITING.set(sum(gateway.inbox.waiting().values()))
    o, now = tables.outbox.c, clock.now()
    with gateway.reading() as conn:
        counted_states = select(o.state, func.count().label("n")).where(o.state.in_(OUTBOX_STATES)).group_by(o.state)
        states = {r.state: r.n for r in conn.execute(counted_states)}
        oldest = conn.execute(select(func.min(o.created_at)).where(o.state.in_(("waiting", "sending")))).scalar()
        d = tables.dead_letter.c
        metrics.DEAD.set(conn.execute(select(func.count()).where(d.settled_at.is_(None))).scalar() or 0)
        filters = core_tickets.Filters(status=core_tickets.OPEN)
        counted = core_tickets.counts(conn, filters)
        complete = completeness.by_connection(conn, now)
        rounds.gauge(conn, gateway.hub, now)
        audited, ages = ledger.last_round(conn), sync_state.ages(conn)
    waiting_since = gateway.inbox.oldest()
    metrics.INBOX_AGE.set(0 if waiting_since is None else (now - waiting_since) / clock.SECOND)
    at, found = (None, math.nan) if audited is None else audited
    metrics.AUDIT.set(found)
    metrics.AUDIT_AGE.set(math.nan if at is None else (now - at) / clock.SECOND)
    for (connection, stream), begun in ages.items():
        metrics.SYNC_AGE.labels(connection, stream).set((now - begun) / clock.SECOND)
    for state in OUTBOX_STATES:
        metrics.OUTBOX.labels(state).set(states.get(state, 0))
    metrics.OUTBOX_AGE.set(0 if oldest is None else (now - oldest) / clock.SECOND)
    for priority in range(4):
        metrics.TICKETS.labels(f"P{priority}").set(sum(n for (_, p), n in counted.items() if p == priority))
    metrics.COMPLETENESS.set(sum(complete.values(), Completeness()).share)
    for connection in {HUB, *gateway.hub.connections}:
        metrics.ANSWERING.labels(connection).set(complete.get(connection, Completeness()).share)
    for live in gateway.hub.connections.values():
        if live.runtime is not None:
            metrics.BREAKER.labels(live.id).set(live.runtime.condition.circuit == "open")
