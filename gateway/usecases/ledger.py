"""The conservation ledger: everything received has come to exactly one end, and whoever doubts it is shown the row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection, and_, delete, func, insert, or_, select

import core_tickets
import id_registry
from gateway import clock, tables
from gateway.database import patient
from gateway.escalation import auditing
from gateway.ingest.item import End
from gateway.service import Gateway
from gateway.sync import store
from gateway.sync.tables import sync_run

log = structlog.get_logger(__name__)

SHOWN = 50
ROUNDS_KEPT = 90 * clock.DAY


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not add up: which promise, and the rows."""

    what: str
    count: int
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """`received` = the sum of `ends` when `findings` is empty."""

    received: int
    ends: dict[str, int]
    by_connection: dict[str, dict[str, int]]
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not self.findings


_M, _D, _L = tables.message.c, tables.delivery.c, tables.dead_letter.c


def audit(conn: Connection) -> Audit:
    """Count every message by its end, and look for what must not be."""
    patient(conn)
    counted = select(_M.connection_id, _M.end, func.count()).group_by(_M.connection_id, _M.end)
    by_connection: dict[str, dict[str, int]] = {}
    for connection, end, n in conn.execute(counted):
        by_connection.setdefault(connection, {})[end] = n
    ends = {end.value: sum(c.get(end.value, 0) for c in by_connection.values()) for end in End}
    received = conn.execute(select(func.coalesce(func.sum(_D.events), 0))).scalar() or 0
    report = Audit(int(received), ends, by_connection)
    for what, query in _questions().items():
        rows = [str(row[0]) for row in conn.execute(query.limit(SHOWN))]
        if rows:
            total = conn.execute(select(func.count()).select_from(query.order_by(None).subquery())).scalar() or 0
            report.findings.append(Finding(what, total, tuple(rows)))
    report.findings.extend(_replicas(conn))
    report.findings.extend(_escalations(conn))
    if int(received) != sum(ends.values()) and not report.findings:
        report.findings.append(
            Finding("received is not the sum of the ends", abs(int(received) - sum(ends.values())), ())
        )
    return report


def audit_and_remember(gateway: Gateway, now: int) -> Audit:
    """Audit as one moment of the database, and keep what came of it for the metrics. Raises Unavailable."""
    with gateway.reading() as conn:
        report = audit(conn)
    told = orjson.dumps([[f.what, f.count, f.rows] for f in report.findings]).decode()
    with gateway.transaction() as conn:
        conn.execute(delete(tables.audit_round).where(tables.audit_round.c.at < now - ROUNDS_KEPT))
        conn.execute(insert(tables.audit_round).values(at=now, received=report.received, findings=told))
    if not report.clean:
        log.error("audit.not_clean", findings={f.what: f.count for f in report.findings})
    return report


def last_round(conn: Connection) -> tuple[int, int] | None:
    """When the ledger was last audited, and how many rows were found wrong; None: never."""
    row = conn.execute(select(tables.audit_round).order_by(tables.audit_round.c.at.desc()).limit(1)).first()
    return None if row is None else (row.at, sum(count for _, count, _ in orjson.loads(row.findings)))


def _replicas(conn: Connection) -> list[Finding]:
    """Every record a sync read has come to one of its counts, and what is held is what they left."""
    c = sync_run.c
    ends = c.added + c.changed + c.unchanged + c.deleted + c.skipped + c.bad
    lost = [str(n) for n in conn.execute(select(c.id).where(c.read != ends).limit(SHOWN)).scalars()]
    held = store.count_rows(conn)
    wrong = [
        f"{connection}/{stream}: {held.get(shelf.id, 0)} held, {shelf.live} counted"
        for (connection, stream), shelf in sorted(store.shelves(conn).items())
        if held.get(shelf.id, 0) != shelf.live
    ]
    found = {
        "sync runs whose counts are not the sum of what they read": lost,
        "replicas that are not what was counted": wrong,
    }
    return [Finding(what, len(rows), tuple(rows)) for what, rows in found.items() if rows]


def _escalations(conn: Connection) -> list[Finding]:
    """Every step of a ladder that was due, worked out again from the timelines alone, has run."""
    missing = auditing.prove(conn, clock.now()).missing
    rows = tuple(f"{id_registry.format_id(n)} {step} {clock.rfc3339(at)}" for n, step, at in missing[:SHOWN])
    return [Finding("escalations that were due and did not run", len(missing), rows)] if missing else []


def _questions() -> dict[str, Any]:
    """What must have no rows: text of the finding → query whose first column names the row."""
    told = select(_M.delivery_id, func.count().label("n")).group_by(_M.delivery_id).subquery()
    ticket = core_tickets.metadata.tables["ticket"].c
    open_dead = select(_L.message_id).where(_L.message_id == _M.id, _L.settled_at.is_(None)).exists()
    has_ticket = select(ticket.id).where(ticket.id == _M.ticket_id).exists()
    first = tables.message.alias("first")
    has_first = select(first.c.id).where(first.c.id == _M.repeat_of).exists()
    has_delivery = select(_D.id).where(_D.id == _M.delivery_id).exists()
    another = tables.message.alias("another")
    return {
        "deliveries that told more events than the ledger has messages": (
            select(_D.id)
            .outerjoin_from(tables.delivery, told, told.c.delivery_id == _D.id)
            .where(func.coalesce(told.c.n, 0) != _D.events)
        ),
        "messages without a known end": select(_M.id).where(_M.end.not_in([e.value for e in End])),
        "messages of no delivery": select(_M.id).where(~has_delivery),
        "dead messages that the dead letters do not know": select(_M.id).where(_M.end == "dead", ~open_dead),
        "dead letters whose message has another end": (
            select(_L.message_id)
            .join_from(tables.dead_letter, tables.message, _M.id == _L.message_id)
            .where(_L.settled_at.is_(None), _M.end != "dead")
        ),
        "ticketed messages without their ticket": select(_M.id).where(
            _M.end == "ticketed", or_(_M.ticket_id.is_(None), ~has_ticket)
        ),
        "merged messages that belong to a ticket which is not there": select(_M.id).where(
            _M.end == "merged", _M.ticket_id.is_not(None), ~has_ticket
        ),
        "repeats of a message that is not there": select(_M.id).where(_M.repeat_of.is_not(None), ~has_first),
        "messages that were stored twice": (
            select(_M.id).join_from(
                tables.message,
                another,
                and_(another.c.delivery_id == _M.delivery_id, another.c.position == _M.position, another.c.id < _M.id),
            )
        ),
    }
