"""From what happened to a ticket to the commands that bridges ask for: outbox rows, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
import id_registry
import lineage
from gateway import tables, traces
from gateway.automation.rules import CompiledBridge
from gateway.bridge.happened import Happened, standing
from gateway.clock import Serial
from gateway.config.hub import Hub
from gateway.context.things import Things
from gateway.ingest.recall import opening_messages, records
from gateway.rights import outgoing
from mappings import EvaluationError, Expression

log = structlog.get_logger(__name__)


def plan_commands(conn: Connection, hub: Hub, happened: Sequence[Happened], serial: Serial, now: int) -> None:
    """Queue what the bridges say. A cause that was planned before is not planned again."""
    names = {b.spec.on for b in hub.bridges}
    heard = [h for h in happened if h.event in names]
    if not heard:
        return
    tickets = standing(happened)
    if unknown := {h.ticket_id for h in heard} - tickets.keys():
        tickets |= core_tickets.get_many(conn, unknown)
    for place, h in enumerate(heard):
        ticket = tickets[h.ticket_id]
        source = hub.connections.get(ticket.source or "")
        origin = source.origin if source else ""
        fitting = [
            (b, target)
            for b in hub.bridges
            if b.spec.on == h.event
            for target in _targets(hub, b, ticket.source or "", origin)
            if target not in ("", h.cause)
        ]
        if fitting:
            for n, record in enumerate(bridge_records(conn, hub, ticket, h, origin)):
                for bridge, target in fitting:
                    if n and bridge.spec.once:
                        continue
                    cause = f"{ticket.id}:{h.version}:{bridge.spec.id}:{n}"
                    if h.event == "ticket.commented":  # which changes no field, so the version tells none apart
                        cause += f":{now}.{place}"
                    if bridge.spec.connector is not None:
                        cause += f":{target}"
                    told = for_bridge(conn, hub, ticket, record, bridge, target)
                    with traces.carrying(traces.carried() if h.item is None else h.item.incoming.trace):
                        _plan(conn, bridge, target, ticket, told, cause, serial, now)


def _targets(hub: Hub, bridge: CompiledBridge, source: str, origin: str) -> list[str]:
    """The connections that a bridge writes to for a ticket of this source."""
    if bridge.spec.connector is not None:
        return [c.id for c in hub.connections.values() if c.origin == bridge.spec.connector and c.spec.enabled]
    if bridge.origin not in (None, origin):
        return []
    return [bridge.spec.connection or source]


def bridge_records(
    conn: Connection, hub: Hub, ticket: core_tickets.Ticket, h: Happened, origin: str
) -> list[dict[str, Any]]:
    """What a bridge's expressions read: `ticket`, `alert` (the record it came from), `record` (that record's type),
    `origin`, `connection`, `event`. A storm's ticket has one for each member."""
    base = {
        "ticket": ticket_record(ticket) | {"link": ticket_link(hub, ticket)}, "origin": origin,
        "connection": ticket.source or "",
        "event": {"name": h.event, "cause": h.cause, "message": h.message},
    }  # fmt: skip
    if (
        h.item is not None
        and h.item.prepared.record is not None
        and not (ticket.fingerprint or "").startswith("storm/")
    ):
        return [base | {"alert": h.item.record, "record": h.item.kind}]
    found = records(conn, hub, opening_messages(conn, ticket.id))
    told = [base | {"alert": record, "record": live.mappings[event.stream].target} for _, live, event, record in found]
    return told or [base | {"alert": {}, "record": ""}]


def for_bridge(
    conn: Connection, hub: Hub, ticket: core_tickets.Ticket, record: dict[str, Any], bridge: CompiledBridge, target: str
) -> dict[str, Any]:
    """The same with `target`, `local` (what that system calls the ticket's things), and `names` (what people call them)."""
    record = record | {"target": target}
    if bridge.asks_local:
        things = Things(conn, hub, ticket, record["connection"], record["record"], record["alert"])
        record["local"] = things.local(target)
    if bridge.asks_names:
        record["names"] = {kind: _name(conn, ticket, record["alert"], kind) for kind in ("device", "customer")}
    role = role_of(hub, bridge, target)
    return record if role is None else outgoing(conn, hub, record, role, ticket.id)


def role_of(hub: Hub, bridge: CompiledBridge, target: str) -> str | None:
    """The role that what goes out is cut down to; None: all of it goes."""
    live = hub.connections.get(target)
    return bridge.spec.as_role or (live.spec.as_role if live is not None else None)


def _name(conn: Connection, ticket: core_tickets.Ticket, alert: Mapping[str, Any], kind: str) -> str | None:
    """The name in the golden record; where there is none, what the source calls it."""
    gid = getattr(ticket, kind)
    known = id_registry.golden(conn, gid).fields.get("name") if gid is not None else None
    told = known.value if known is not None else alert.get(f"{kind}_name") or alert.get(kind)
    return str(told) if told else None


def ticket_link(hub: Hub, ticket: core_tickets.Ticket) -> str | None:
    """Where people look at a ticket; None: nobody has said how the hub is reached (`public_url`)."""
    return f"{hub.public_url}/tickets/{id_registry.format_id(ticket.id)}" if hub.public_url else None


def ticket_record(ticket: core_tickets.Ticket) -> dict[str, Any]:
    """A ticket as expressions read it: human ids, priority as P0 to P3."""
    told = {k: v for k, v in asdict(ticket).items() if isinstance(v, str | int | dict) and not isinstance(v, bool)}
    told["id"] = id_registry.format_id(ticket.id)
    told["priority"] = f"P{ticket.priority}"
    for name in ("device", "customer", "storm_id"):
        value = getattr(ticket, name)
        if value is not None:
            told[name] = id_registry.format_id(value)
    return told


def _plan(
    conn: Connection, bridge: CompiledBridge, target: str, ticket: core_tickets.Ticket, record: Mapping[str, Any],
    cause: str, serial: Serial, now: int,
) -> None:  # fmt: skip
    try:
        if bridge.when is not None and bridge.when.evaluate(record) is not True:
            return
        draft = draft_of(bridge, record) if bridge.formula is not None else None
        key, body = ({}, {}) if draft is not None else (values_of(bridge.key, record), values_of(bridge.body, record))
    except EvaluationError as error:
        log.warning("bridge.expression_failed", bridge=bridge.spec.id, ticket=record["ticket"]["id"], error=str(error))
        core_tickets.note(conn, [core_tickets.Note(ticket.id, "bridge_failed", {"bridge": bridge.spec.id, "why": str(error)},
                                                   f"bridge:{bridge.spec.id}", now)])  # fmt: skip
        return
    queue_command(conn, next(iter(serial.take())), ticket.id, target, bridge.spec.id, cause, bridge.spec.op, key, body,
                  now, draft)  # fmt: skip


def draft_of(bridge: CompiledBridge, record: Mapping[str, Any]) -> str:
    """What the command is computed of when it goes out: the record as it is now, as far as the bridge reads it."""
    return lineage.encode({name: record[name] for name in bridge.roots | {"ticket"} if name in record}).decode()


def values_of(expressions: Mapping[str, Expression], record: Mapping[str, Any]) -> dict[str, Any]:
    """Raises EvaluationError."""
    return {name: e.evaluate(record) for name, e in expressions.items()}


def queue_command(
    conn: Connection, number: int, ticket_id: int, connection_id: str, bridge: str, cause: str, op: str,
    key: Mapping[str, Any], body: Mapping[str, Any], now: int, draft: str | None = None,
) -> bool:  # fmt: skip
    """One outbox row, unless the same cause was queued before (then False). `draft`: key and body are made of it later."""
    values = {
        "id": number, "ticket_id": ticket_id, "connection_id": connection_id, "bridge": bridge, "cause": cause, "op": op,
        "key": as_text(key), "body": as_text(body), "draft": draft,
        "state": "waiting", "next_at": now, "created_at": now, "trace": traces.carried(),
    }  # fmt: skip
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    statement = insert(tables.outbox).values(values).on_conflict_do_nothing(index_elements=["cause"])
    return conn.execute(statement.returning(tables.outbox.c.id)).first() is not None


def as_text(values: Mapping[str, Any]) -> str:
    """A key or body as the outbox keeps it."""
    return orjson.dumps(values, default=str).decode()
