"""Tickets find somebody else when they come back: reopened, given back, handed to a group.

Whoever gave a ticket back last does not get it at once again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import orjson
from sqlalchemy import Connection, select

import core_tickets
import lineage
from core_tickets import Command, Ticket, tables
from core_tickets.batch import among
from core_tickets.routing import Avoid, Decision
from gateway.bridge.happened import Happened, of
from gateway.config.hub import Hub
from gateway.policies import routing as policy
from gateway.routing.desk import Desk

EVENTS = frozenset({"ticket.reopened", "ticket.returned", "ticket.handed_over"})
_E = tables.entry.c


def route_again(conn: Connection, hub: Hub, happened: Sequence[Happened], now: int) -> list[Happened]:
    """Give what was reopened, given back or handed to a group to somebody; answers what happened by that."""
    routing = policy.KIND.of(hub.policies).routing
    if not routing.active:
        return []
    heard = {h.ticket_id: h.event for h in happened if h.event in EVENTS}
    if not heard:
        return []
    tickets = [t for t in core_tickets.get_many(conn, heard).values() if _homeless(hub, t, heard[t.id])]
    given = {t.id: t.group if heard[t.id] != "ticket.returned" and t.group else None for t in tickets}
    return give(conn, hub, tickets, given, now, even_nobody=True)


def _homeless(hub: Hub, ticket: Ticket, event: str) -> bool:
    """Handed to a person it is theirs; reopened, it is still its holder's if they are here to have it."""
    if ticket.assignee is None:
        return True
    holder = hub.roster.people.get(ticket.assignee)
    return event == "ticket.reopened" and holder is not None and not holder.active


def give(
    conn: Connection, hub: Hub, tickets: Sequence[Ticket], given: dict[int, str | None], now: int, *, even_nobody: bool
) -> list[Happened]:
    """Route these and write it down. `even_nobody`: also where it only changes the group."""
    if not tickets:
        return []
    desk = Desk(conn, hub, now)
    seen = desk.see(tickets)
    avoided = _avoided(conn, [t.id for t in tickets])
    asked = [desk.ask(each, given[ticket.id]) for ticket, each in zip(tickets, seen, strict=True)]
    desk.know(asked)
    commands = []
    for ticket, each, steps in zip(tickets, seen, asked, strict=True):
        decision = desk.route(each, steps, avoided.get(ticket.id, Avoid()))
        left = hub.roster.people.get(ticket.assignee or "")
        better = even_nobody or decision.assignee is not None or (left is not None and not left.active)
        if better and (decision.group, decision.assignee) != (ticket.group, ticket.assignee):
            commands.append(_command(ticket, decision))
    done = [a for a in core_tickets.apply(conn, commands, now, policy=hub.promises) if a.error is None and a.changes]
    writes = [
        lineage.Write(a.ticket_id, None, [c.field for c in a.changes], [],
                      {c.field: lineage.Fact(c.after, "policy") for c in a.changes}, "hub", now)
        for a in done
    ]  # fmt: skip
    if writes:
        lineage.record(conn, writes)
    return of(done)


def _command(ticket: Ticket, decision: Decision) -> Command:
    return Command(
        ticket.id, "assign",
        {"group": decision.group, "assignee": decision.assignee, "decision": decision.as_data()},
        actor="hub", actor_kind="system", why="routed again", expected_version=ticket.version,
    )  # fmt: skip


def _avoided(conn: Connection, ids: Collection[int]) -> dict[int, Avoid]:
    """Who gave each of these back last."""
    query = select(_E.ticket_id, _E.data).where(among(conn, _E.ticket_id, ids), _E.name == "return").order_by(_E.id)
    found: dict[int, Avoid] = {}
    for ticket_id, text in conn.execute(query):
        data = orjson.loads(text)
        found[ticket_id] = Avoid(data.get("from"), data.get("group"))
    return found
