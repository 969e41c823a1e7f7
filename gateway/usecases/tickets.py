"""Working on tickets: actions, tickets made by hand, commands to the systems a ticket came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
import id_registry
import lineage
from connectors.contract import Operation
from gateway import clock, tables
from gateway.aftermath import follow
from gateway.automation.rules import CompiledBridge
from gateway.bridge.happened import Happened, of
from gateway.bridge.planning import bridge_records, for_bridge, queue_command
from gateway.collaboration import requirements
from gateway.config.hub import Hub
from gateway.errors import Conflict, NotFound, Problem, Refused
from gateway.routing.desk import decide, facts_of
from gateway.routing.hands import check, completed
from gateway.service import Gateway
from mappings import EvaluationError

TRACKED = ("kind", "priority", "title", "description", "device", "customer", "labels", "url", "group", "assignee", "status",
           "blocked_reason", "resolution", "cause", "approval")  # fmt: skip
"""The fields of a ticket whose every value has an origin."""


def ticket_id(text: str) -> int:
    """`TKT-2026-000001` → its number. Raises NotFound."""
    try:
        gid = id_registry.parse_id(text)
        if id_registry.kind_of(gid) == "ticket":
            return gid
    except id_registry.RegistryError:
        pass
    raise NotFound(f"{text!r} is no ticket id; one reads TKT-2026-000001.")


def act(
    conn: Connection, gateway: Gateway, number: int, action: str, args: Mapping[str, Any], *, actor: str, why: str = "",
    expected_version: int | None = None, actor_kind: str = "person",
) -> core_tickets.Applied:  # fmt: skip
    """One action on one ticket, with its lineage and all that follows. Raises core_tickets' typed errors."""
    given = [(action, args, why)]
    return acts(conn, gateway, number, given, actor=actor, expected_version=expected_version, actor_kind=actor_kind)[-1]


def acts(
    conn: Connection, gateway: Gateway, number: int, given: Sequence[tuple[str, Mapping[str, Any], str]], *, actor: str,
    expected_version: int | None = None, actor_kind: str = "person",
) -> list[core_tickets.Applied]:  # fmt: skip
    """Actions on one ticket, one after the other: each with its arguments and why. What follows is what follows from all of
    them, so that nobody is chased for how the ticket stood between two. Raises core_tickets' typed errors."""
    now, done, happened = clock.now(), list[core_tickets.Applied](), list[Happened]()
    for place, (action, args, why) in enumerate(given):
        command = core_tickets.Command(
            number, action, dict(args), actor, actor_kind, why, None if place else expected_version
        )
        applied = _apply(conn, gateway, command, now)
        done.append(applied)
        happened += of([applied], message=str(args.get("text") or ""))
    follow(conn, gateway.hub, happened, gateway.serial, now)
    return done


def _apply(conn: Connection, gateway: Gateway, given: core_tickets.Command, now: int) -> core_tickets.Applied:
    number, actor = given.ticket_id, given.actor
    args = completed(conn, gateway.hub, number, given.action, given.args, actor)
    requirements.check(conn, gateway.hub, number, given.action, args)
    applied = core_tickets.apply(conn, [replace(given, args=dict(args))], now, policy=gateway.hub.promises)[0]
    if applied.error is not None:
        raise applied.error
    assert applied.ticket is not None
    remember_by_hand(conn, applied.ticket, [c.field for c in applied.changes], actor, now)
    return applied


def create(
    conn: Connection, gateway: Gateway, *, kind: str, priority: int, title: str, description: str, actor: str,
    labels: Mapping[str, str], device: int | None, customer: int | None, assignee: str | None, group: str | None,
) -> core_tickets.Ticket:  # fmt: skip
    """A ticket by hand. Raises core_tickets.InvalidInput, and Refused: whom it is for could not have it."""
    check(gateway.hub, assignee, group)
    now = clock.now()
    number = id_registry.mint(conn, "ticket", 1, now)[0]
    draft = core_tickets.Draft(
        id=number, kind=kind, priority=priority, title=title, description=description, labels=dict(labels), device=device,
        customer=customer, assignee=assignee, group=group, actor=actor, actor_kind="person", why="made by hand",
    )  # fmt: skip
    made_of = decide(conn, gateway.hub, [draft], now)[0]
    opened = core_tickets.open_or_merge(conn, [made_of], now, policy=gateway.hub.promises)[0]
    ticket = core_tickets.get(conn, opened.ticket_id)
    chosen = {f: lineage.Fact(v, "policy") for f, v in facts_of(draft, made_of).items() if v is not None}
    if chosen:
        lineage.record(conn, [lineage.Write(ticket.id, None, list(chosen), [], chosen, "hub", now)])
    given = [f for f in TRACKED if getattr(ticket, f) not in (None, "", {}) and f not in chosen]
    remember_by_hand(conn, ticket, given, actor, now)
    follow(
        conn,
        gateway.hub,
        [Happened("ticket.opened", ticket.id, ticket.version, "", ticket=ticket)],
        gateway.serial,
        now,
    )
    return ticket


def remember_by_hand(conn: Connection, ticket: core_tickets.Ticket, fields: list[str], actor: str, now: int) -> None:
    """A value a person gave has that person as its origin."""
    values = core_tickets.values_of(ticket)
    facts = {f: values.get(f) for f in fields if f in TRACKED}
    if facts:
        lineage.record(conn, [lineage.Write(ticket.id, None, list(facts), [], facts, actor, now)])


@dataclass(frozen=True, slots=True)
class RemoteOption:
    """An operation of the system a ticket came from. `why_not` empty: it is possible now. `prepared`: key and body that a
    bridge would use."""

    connection_id: str
    operation: Operation
    why_not: str
    key: Mapping[str, Any]


def remote_options(gateway: Gateway, number: int) -> list[RemoteOption]:
    """What can be done in the source system, asked there before it is offered. Raises UnknownTicket."""
    hub = gateway.hub
    with gateway.reading() as conn:
        ticket = core_tickets.get(conn, number)
        live = hub.connections.get(ticket.source or "")
        if live is None or live.runtime is None or "writes" not in live.can:
            return []
        key = remote_key(conn, hub, ticket)
    operations = live.runtime.operations()
    possible = live.runtime.probe(key, 5.0)
    return [RemoteOption(live.id, o, possible.get(o.name, ""), key) for o in operations]


def remote_key(conn: Connection, hub: Hub, ticket: core_tickets.Ticket) -> dict[str, Any]:
    """The remote object's key, as the connector's own bridges compute it."""
    source = hub.connections.get(ticket.source or "")
    if source is None:
        return {}
    happened = Happened("", ticket.id, ticket.version, "")
    record = bridge_records(conn, hub, ticket, happened, source.origin)[0]
    key: dict[str, Any] = {}
    for bridge in hub.bridges:
        if bridge.origin == source.origin:
            key |= _computed(bridge, for_bridge(conn, hub, ticket, record, bridge, source.id))
    return key


def _computed(bridge: CompiledBridge, record: Mapping[str, Any]) -> dict[str, Any]:
    values = {}
    for name, expression in bridge.key.items():
        try:
            values[name] = expression.evaluate(record)
        except EvaluationError:
            continue  # this bridge does not fit this ticket; another may
    return {name: value for name, value in values.items() if value is not None}


def send_remote(
    conn: Connection,
    gateway: Gateway,
    number: int,
    op: str,
    key: Mapping[str, Any] | None,
    body: Mapping[str, Any],
    actor: str,
) -> int:
    """Queue a command to the ticket's source system; answers the command's number. Raises NotFound, Refused."""
    hub, now = gateway.hub, clock.now()
    ticket = core_tickets.get(conn, number)
    live = hub.connections.get(ticket.source or "")
    if live is None or live.runtime is None or "writes" not in live.can:
        raise Conflict("This ticket came from no system that can be written to.")
    names = [o.name for o in live.runtime.operations()]
    if op not in names:
        problem = Problem("op", f"connection {live.id!r} has no operation {op!r}", "there are: " + ", ".join(names))
        raise Refused("There is no such operation.", [problem])
    used = dict(key) if key else remote_key(conn, hub, ticket)
    told = {"ticket": id_registry.format_id(ticket.id), "comment": f"Weft: {actor}"} | dict(body)
    schema = next(o.body_schema for o in live.runtime.operations() if o.name == op)
    if schema.get("additionalProperties") is False:
        known = schema.get("properties", {})
        unknown = sorted(set(body) - set(known))
        if unknown:
            raise Refused(
                "The body does not fit.", [Problem(f"body.{u}", "unknown field", ", ".join(known)) for u in unknown]
            )
        told = {k: v for k, v in told.items() if k in known}
    number_ = next(iter(gateway.serial.take()))
    queue_command(
        conn, number_, ticket.id, live.id, f"by:{actor}"[:128], f"{ticket.id}:by-hand:{number_}", op, used, told, now
    )
    core_tickets.note(conn, [core_tickets.Note(ticket.id, "command_queued", {"command": str(number_), "op": op}, actor, now,
                                               "person")])  # fmt: skip
    return number_


def commands_of(conn: Connection, number: int) -> list[dict[str, Any]]:
    """The commands of a ticket, newest first: what was asked, how often it was tried, what the system answered, was it echoed."""
    c = tables.outbox.c
    return [
        {
            "id": str(r.id), "connection": r.connection_id, "bridge": r.bridge, "op": r.op, "state": r.state,
            "attempts": r.attempts, "reason": r.reason, "created_at": clock.rfc3339(r.created_at),
            "done_at": clock.rfc3339(r.done_at), "echoed_at": clock.rfc3339(r.echoed_at),
            "receipt": None if r.receipt is None else orjson.loads(r.receipt),
        }
        for r in conn.execute(select(tables.outbox).where(c.ticket_id == number).order_by(c.id.desc()).limit(100))
    ]  # fmt: skip
