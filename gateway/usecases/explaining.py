"""`weft explain TICKET`: why it exists, why this priority, what else was considered, who was told and what they answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
import id_registry
import lineage
from gateway import clock, tables
from gateway.automation.records import base_names
from gateway.automation.rules import RuleSet, compile_rules
from gateway.automation.specs import STANDING, Rule
from gateway.collaboration.telling import tell as tell_together
from gateway.config.hub import Hub
from gateway.escalation.words import promises_shape, steps_shape, tell_move, tell_promises
from gateway.ingest.recall import opening_messages, records
from gateway.notify.words import channels_shape, notices_shape
from gateway.routing.doubts import doubts
from gateway.routing.words import tell_grading, tell_routing
from gateway.usecases.tickets import commands_of

_M = tables.message.c
MESSAGES = 50


def explain(conn: Connection, hub: Hub, number: int) -> dict[str, Any]:
    """Everything that made a ticket what it is, as data. Raises core_tickets.UnknownTicket."""
    ticket = core_tickets.get(conn, number)
    messages = [_message(r) for r in conn.execute(
        select(tables.message).where(_M.ticket_id == number).order_by(_M.id).limit(MESSAGES)
    )]  # fmt: skip
    timeline, now = core_tickets.timeline(conn, number, limit=500), clock.now()
    return {
        "ticket": {
            "id": id_registry.format_id(ticket.id), "title": ticket.title, "status": ticket.status,
            "priority": f"P{ticket.priority}", "kind": ticket.kind, "group": ticket.group, "assignee": ticket.assignee,
            "source": ticket.source, "occurrences": ticket.occurrences, "opened_at": clock.rfc3339(ticket.opened_at),
        },
        "messages": messages,
        "decisions": _decisions(conn, hub, number),
        "changes": [
            {"at": clock.rfc3339(e.at), "who": e.actor, "what": e.name, "why": e.why,
             "changes": [{"field": c.field, "before": _readable(c.field, c.before), "after": _readable(c.field, c.after)}
                         for c in e.changes]}
            for e in timeline if e.type == "change"
        ],
        "grading": _told(timeline, "grading", tell_grading),
        "routing": _told(timeline, "routing", tell_routing),
        "doubts": doubts(hub, ticket),
        "promises": promises_shape(ticket, now, hub.promises),
        "promises_told": tell_promises(ticket, now, hub.promises),
        "promises_moved": [
            {"at": clock.rfc3339(e.at), "who": e.actor, "told": tell_move(e.data["promise"])}
            for e in timeline if e.type == "change" and e.data.get("promise")
        ],
        "escalation": steps_shape(conn, hub, number),
        "notices": notices_shape(conn, number),
        "channels": channels_shape(conn, hub, ticket),
        "together": tell_together(conn, hub, ticket, timeline),
        "commands": commands_of(conn, number),
        "notes": [{"at": clock.rfc3339(e.at), "who": e.actor, "what": e.name, "data": dict(e.data)}
                  for e in timeline if e.type == "note"],
    }  # fmt: skip


def _told(
    timeline: Sequence[core_tickets.Entry], name: str, tell: Callable[[Mapping[str, Any]], list[str]]
) -> list[dict[str, Any]]:
    """Each decision of a policy on it, as data and in words."""
    return [
        {"at": clock.rfc3339(e.at), "told": tell(e.data[name]), **e.data[name]} for e in timeline if e.data.get(name)
    ]


def _readable(field: str, value: Any) -> Any:
    """A stored value as people read it."""
    if value is None or isinstance(value, bool):
        return value
    if field == "priority":
        return f"P{value}"
    if field in ("device", "customer", "storm_id", "superseded_by"):
        return id_registry.format_id(value)
    if isinstance(value, int) and field.endswith(("_at", "_due", "_since", "_seen")):
        return clock.rfc3339(value)
    return value


def _message(row: Any) -> dict[str, Any]:
    trace = orjson.loads(row.trace) if row.trace else {}
    return {"id": str(row.id), "at": clock.rfc3339(row.at), "connection": row.connection_id, "end": row.end,
            "rule": row.rule, "trace": trace}  # fmt: skip


def _decisions(conn: Connection, hub: Hub, number: int) -> list[dict[str, Any]]:
    """For the message the ticket stands for: each rule, did it match, and which part of its condition said so."""
    told = []
    for message_id, live, event, record in records(conn, hub, opening_messages(conn, number)[:3]):
        kind = live.mappings[event.stream].target
        seen = record | {"connection": live.id, "origin": live.origin, "ids": {}}
        mapping = live.mappings[event.stream]
        trace = conn.execute(select(_M.trace).where(_M.id == message_id)).scalar()
        if kind in STANDING:
            seen |= base_names(live, event.stream, kind) | {"key": event.key} | _seen_then(trace)
        rules = _rules_then(conn, hub, trace)
        told.append(
            {
                "message": str(message_id), "record": kind, "mapping": mapping.name, "mapping_version": mapping.version[:12],
                "rules_version": rules.version[:12], "values": {k: v for k, v in record.items() if v is not None},
                "rules": rules.explain(kind, seen),
            }
        )  # fmt: skip
    return told


def _seen_then(trace: str | None) -> dict[str, Any]:
    """What a rule on a record of business saw beside it: the record before, totals, since when."""
    text = orjson.loads(trace).get("seen") if trace else None
    return {name: value or {} for name, value in lineage.decode(text).items()} if text else {}


def _rules_then(conn: Connection, hub: Hub, trace: str | None) -> RuleSet:
    """The rules that decided a message, which may not be those of today."""
    version = str(orjson.loads(trace).get("rules", "")) if trace else ""
    if hub.rules.version.startswith(version):
        return hub.rules
    then = select(tables.ruleset.c.body).where(tables.ruleset.c.version.startswith(version, autoescape=True))
    body = conn.execute(then).scalar()
    return hub.rules if body is None else compile_rules([Rule.model_validate(r) for r in orjson.loads(body)])


def message_status(conn: Connection, delivery_id: int) -> dict[str, Any] | None:
    """A delivery and the ends its messages came to."""
    row = conn.execute(select(tables.delivery).where(tables.delivery.c.id == delivery_id)).first()
    if row is None:
        return None
    found = conn.execute(select(tables.message).where(_M.delivery_id == delivery_id).order_by(_M.position))
    events = [
        {"id": str(m.id), "stream": m.stream, "end": m.end, "rule": m.rule,
         "ticket": id_registry.format_id(m.ticket_id) if m.ticket_id else None,
         "repeat_of": str(m.repeat_of) if m.repeat_of else None}
        for m in found
    ]  # fmt: skip
    return {"message_id": str(row.id), "connection": row.connection_id, "received_at": clock.rfc3339(row.received_at),
            "pruned_at": clock.rfc3339(row.pruned_at), "events": events}  # fmt: skip
