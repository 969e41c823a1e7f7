"""Reading streams on demand, and trying a record without consequences."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, select

from connectors.contract import Delivery, Event
from gateway import clock, tables
from gateway.config.hub import Live
from gateway.errors import Conflict, NotFound
from gateway.ingest.inbox import Incoming
from gateway.ingest.item import prepare
from gateway.reconcile import reconcile, stream_of
from gateway.service import Gateway


def run(gateway: Gateway, live: Live, stream_name: str, *, full: bool = False) -> dict[str, Any]:
    """One run over a stream. Raises NotFound for an unknown stream, Conflict for one that has no mapping to alerts."""
    stream = stream_of(live, stream_name)
    mapping = live.mappings.get(stream.name)
    if mapping is None or mapping.target != "Alert":
        raise Conflict(f"Stream {stream_name!r} has no mapping to Alert, so there is nothing to reconcile it with.")
    return asdict(reconcile(gateway, gateway.hub, live, stream, full=full))


def status(conn: Connection) -> list[dict[str, Any]]:
    """Every stream that was read: when, how much, what went wrong."""
    c = tables.sync_state.c
    return [
        {"connection": r.connection_id, "stream": r.stream, "started_at": clock.rfc3339(r.started_at),
         "finished_at": clock.rfc3339(r.finished_at), "records": r.records, "bad": r.bad, "error": r.error}
        for r in conn.execute(select(tables.sync_state).order_by(c.connection_id, c.stream))
    ]  # fmt: skip


def preview(gateway: Gateway, live: Live, stream: str, record: dict[str, Any]) -> dict[str, Any]:
    """One raw record through mapping and rules. Raises NotFound when the stream has no mapping."""
    if stream not in live.mappings:
        raise NotFound(f"There is no mapping for stream {stream!r}; there are: " + (", ".join(live.mappings) or "none"))
    event = Event(id="preview", stream=stream, record=record)
    made = prepare(Incoming(0, live, Delivery(b""), [event], 0, lambda _: None))[0]
    mapping = live.mappings[stream]
    told: dict[str, Any] = {
        "mapping": mapping.name,
        "version": mapping.version,
        "record": mapping.target,
        "values": made.record,
    }
    if made.fault is not None:
        return told | {
            "end": "dead",
            "fault": {"path": made.fault.path, "reason": made.fault.reason, "hint": made.fault.hint},
        }
    if made.record is None:
        return told | {"end": "suppressed", "rule": made.reason}
    seen = made.record | {"connection": live.id, "origin": live.origin, "ids": {"device": "DEV-0000-000000"}}
    rules = gateway.hub.rules
    told["rules"] = rules.explain(mapping.target, seen)
    rule = rules.first(mapping.target, seen) if mapping.target == "Alert" else None
    if rule is None or rule.template is None:
        return told | {"end": "suppressed", "rule": rule.spec.id if rule else "no-rule"}
    return told | {"end": "ticketed", "rule": rule.spec.id, "ticket": rule.template.run(seen).values}
