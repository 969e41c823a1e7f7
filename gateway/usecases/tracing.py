"""Lineage as people ask for it: of a ticket's field, of its snapshot, of the schema."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

import core_tickets
import id_registry
import lineage
from connectors.exact import load_json
from gateway import tables
from gateway.automation.rules import CompiledBridge
from gateway.automation.specs import STANDING
from gateway.bridge import computing
from gateway.config.hub import Hub
from gateway.database import patient
from gateway.errors import NotFound
from gateway.figures import tracked
from gateway.policies.figures import KIND
from gateway.sync import store
from gateway.sync.values import loaded
from lineage import FieldGraph

TICKET = "Ticket"
_HUB = ("origin", "connection", "record")
_latest: list[tuple[Hub, FieldGraph]] = []


def graph_of(hub: Hub) -> FieldGraph:
    """The field graph of a configuration: sources → canonical records → tickets → what bridges write and contexts ask."""
    for known, graph in _latest:
        if known is hub:
            return graph
    made = _build(hub)
    _latest[:] = [(hub, made)]
    return made


def _build(hub: Hub) -> FieldGraph:
    graph = FieldGraph()
    for live in hub.connections.values():
        for stream, mapping in live.mappings.items():
            graph.add(mapping, live.dataset(stream), mapping.target)
    for kind, rules in hub.rules.by_kind.items():
        for rule in rules:
            if rule.template is not None:
                roots = {"ids": "registry", "limit": f"rule {rule.spec.id}", "connection": "hub", "origin": "hub"}
                if kind in STANDING:
                    roots |= {
                        "previous": kind,
                        "total": kind,
                        "held": "hub",
                        **dict.fromkeys(("record", "stream", "key"), "hub"),
                    }
                graph.add(rule.template, kind, TICKET, roots=roots)
    for bridge in hub.bridges:
        target = f"{bridge.origin or bridge.spec.connection or 'bridge'}/{bridge.spec.op}"
        roots = {"ticket": TICKET, "alert": "Alert", "local": "registry", **dict.fromkeys(("event", *_HUB), "hub")}
        _add_formula(graph, hub, bridge, roots)
        values = {f"key.{k}": e for k, e in bridge.key.items()} | {f"body.{k}": e for k, e in bridge.body.items()}
        graph.add_rule(bridge.spec.id, target, values, roots=roots, when=[bridge.when] if bridge.when else [])
    for question in hub.questions:
        target = f"{question.connection}/{question.spec.question}"
        roots = {"ticket": TICKET, "alert": "Alert", "local": "registry", **dict.fromkeys(_HUB, "hub")}
        when = [question.when] if question.when else []
        graph.add_rule(f"context {question.section}", target, dict(question.inputs), roots=roots, when=when)
    tracked.add_figures(graph, KIND.of(hub.policies).terms)
    return graph


def _add_formula(graph: FieldGraph, hub: Hub, bridge: CompiledBridge, roots: dict[str, str]) -> None:
    """From the answers to a bridge's questions, at every connection that it asks, to its `result`."""
    spec, formula = bridge.spec, bridge.formula
    if formula is None:
        return
    roots["result"] = f"bridge {spec.id}"
    for live in hub.connections.values():
        connector = spec.connector or bridge.origin
        if spec.connection not in (None, live.id) or connector not in (None, live.origin):
            continue
        answers = {name: live.dataset(question.question) for name, question in spec.ask.items()}
        source = next(iter(answers.values()), "hub")
        named = {"ticket": TICKET, **dict(list(answers.items())[1:])}
        graph.add(formula.on(live.mappings), source, roots["result"], roots=named)
        for name, inputs in bridge.ask.items():
            graph.add_rule(f"{spec.id} asks {name}", answers[name], dict(inputs), roots=roots)


def read_values(conn: Connection, ids: Any) -> dict[int, dict[str, Any]]:
    """What tickets hold now, as their templates give it: priorities as P0 to P3, things by their human ids."""
    found = core_tickets.read_values(conn, ids)
    for values in found.values():
        for name in ("device", "customer"):
            if isinstance(values.get(name), int):
                values[name] = id_registry.format_id(values[name])
        for name in ("description", "labels"):
            values[name] = values.get(name) or None  # a ticket holds neither null texts nor null labels
    for ticket, results in computing.results(conn, found).items():
        found[ticket] |= results
    return found


class Held(dict[str, Any]):
    """What a ticket and the answered sections of its context hold: what a section does not have is null there, so that
    a value that was taken away is missed. (A section is answered once.)"""

    answered: tuple[str, ...] = ()

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or str(name).startswith(self.answered)

    def __missing__(self, name: str) -> None:
        return None


def read_all_values(conn: Connection, ids: Any) -> dict[int, dict[str, Any]]:
    """What tickets and the sections of their context hold now, in a constant number of statements."""
    tickets, contexts = read_values(conn, ids), _sections(conn, ids)
    found: dict[int, dict[str, Any]] = {}
    for ticket in tickets.keys() | contexts.keys():
        sections = contexts.get(ticket, {})
        held = Held(tickets.get(ticket, {}))
        for values in sections.values():
            held.update(values)
        held.answered = tuple(f"context.{name}." for name in sections)
        found[ticket] = held
    return found


def drill(conn: Connection, number: int, field: str, *, allowed: bool = False) -> lineage.Origin:
    """Where a field of a ticket or its snapshot came from, compared with what is held now. Raises lineage.NoOrigin."""
    core_tickets.get(conn, number)
    now = snapshot_values(conn, number) if field.startswith("context.") else read_values(conn, [number]).get(number, {})
    if field in now:
        return lineage.drill(conn, number, field, stored=now[field], allowed=allowed)
    return lineage.drill(conn, number, field, allowed=allowed)


def snapshot_values(conn: Connection, number: int) -> dict[str, Any]:
    """What the sections of a ticket's context hold, by field."""
    sections = _sections(conn, [number]).get(number, {})
    return {field: value for values in sections.values() for field, value in values.items()}


def _sections(conn: Connection, ids: Any) -> dict[int, dict[str, dict[str, Any]]]:
    """By ticket and section the fields with their values."""
    c = tables.context_section.c
    query = select(c.ticket_id, c.name, c["values"]).where(c.ticket_id.in_(sorted(ids)), c["values"].is_not(None))
    found: dict[int, dict[str, dict[str, Any]]] = {}
    for ticket, name, text in conn.execute(query):
        fields = {f"context.{name}.{field}": value for field, value in load_json(text).items()}
        found.setdefault(ticket, {})[name] = fields
    return found


def impact(conn: Connection, hub: Hub, number: int, field: str) -> lineage.Impact:
    """What depends on a ticket's field: predicted by the configuration, and done."""
    core_tickets.get(conn, number)
    return lineage.impact(conn, number, field, graph=graph_of(hub), dataset=TICKET)


def verify(conn: Connection, since: int, sample: float = 1.0) -> lineage.Report:
    """Recompute what was written since then, tickets, snapshots and replicas alike, and report every difference."""
    patient(conn)
    held = (
        lineage.Standing(number, landing, loaded(record, text))
        for record, number, landing, text in store.standing(conn, since)
    )
    return lineage.verify(conn, since, read_all_values, sample, standing=held)


def drill_replica(conn: Connection, connection_id: str, stream: str, key: str, field: str) -> lineage.Origin:
    """Where a field of a record that the hub holds came from. Raises NotFound, lineage.NoOrigin."""
    found = store.by_key(conn, connection_id, stream, key)
    if found is None:
        raise NotFound(f"The hub holds no {key!r} of {connection_id}/{stream}.")
    record, landing, values = found
    return lineage.drill_row(conn, landing, field, stored=loaded(record, values).get(field))
