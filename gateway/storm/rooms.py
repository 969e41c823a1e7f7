"""Where those who work on a storm, or on what was escalated to a room, talk, and who they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select

import core_tickets
from core_tickets import collaboration
from gateway.bridge.planning import queue_command, ticket_link
from gateway.clock import Serial
from gateway.collaboration.noticing import people_of
from gateway.config.hub import Hub, Live
from gateway.policies.storms import KIND
from gateway.storm.tables import storm_event
from id_registry import format_id

CHAT = ("wecom", "dingtalk", "feishu", "apprise")
STORM = "storm"
People = Mapping[str, Sequence[str]]


def participants(conn: Connection, hub: Hub, ticket: core_tickets.Ticket) -> People:
    """Who takes part: its holder, its group and who leads it, those who watch it, and whom the policy names."""
    people, groups = people_of(KIND.of(hub.policies).participants, hub.roster)
    roster = hub.roster
    named = [
        ticket.assignee,
        roster.lead(ticket.group),
        *collaboration.watchers(conn, [ticket.id]).get(ticket.id, ()),
        *people,
    ]
    teams = [ticket.group, *groups]
    return {"people": list(dict.fromkeys(p for p in named if p)), "groups": list(dict.fromkeys(g for g in teams if g))}


def find_room(hub: Hub) -> tuple[Live, str, bool] | None:
    """The connection to talk over, its operation, and whether that makes a group; None: there is none."""
    policy = KIND.of(hub.policies).room
    named = [policy.connection] if policy.connection else sorted(hub.connections)
    usable = [
        live
        for name in named
        if (live := hub.connections.get(name)) is not None and live.spec.enabled and live.runtime is not None
        and "writes" in live.can and (policy.connection is not None or live.origin in CHAT)
    ]  # fmt: skip
    for wanted, makes in ((policy.create, True), (policy.post, False)):
        for live in usable:
            assert live.runtime is not None
            offered = {operation.name for operation in live.runtime.operations()}
            if (found := next((op for op in wanted if op in offered), None)) is not None:
                return live, found, makes
    return None


def room_of(conn: Connection, ticket_id: int) -> tuple[str, str] | None:
    """The room that a storm's event has already: connection and the operation that posts there."""
    found = select(storm_event.c.connection_id, storm_event.c.operation).where(storm_event.c.ticket_id == ticket_id)
    row = conn.execute(found).first()
    return None if row is None or row[0] is None or row[1] is None else (row[0], row[1])


def open_room(
    conn: Connection, hub: Hub, serial: Serial, ticket: core_tickets.Ticket, taking_part: People, now: int, *,
    by: str = STORM,
) -> tuple[str, str] | None:  # fmt: skip
    """Make the ticket's group, where a connection can, else there is only a board to post to; answers connection and the
    operation that posts there. None: the list of participants on the ticket is the room. `by`: on whose account; each makes
    one group of a ticket."""
    found = find_room(hub)
    if found is None:
        return None
    live, operation, makes = found
    if not makes:
        return live.id, operation
    members = _addresses(hub, live, taking_part)
    body = {"title": f"{format_id(ticket.id)} {ticket.title}"[:60], "text": ticket.description[:500]}
    cause = f"{ticket.id}:{by}:room"
    queue_command(
        conn, next(iter(serial.take())), ticket.id, live.id, by, cause, operation, {"users": members}, body, now
    )
    assert live.runtime is not None
    offered = {each.name for each in live.runtime.operations()}
    post = next((op for op in KIND.of(hub.policies).room.post if op in offered), None)
    return None if post is None else (live.id, post)


def post(
    conn: Connection, hub: Hub, serial: Serial, ticket: core_tickets.Ticket, room: tuple[str, str], step: str, title: str,
    text: str, now: int, *, by: str = STORM,
) -> None:  # fmt: skip
    """Say something in the room. The same step is said once."""
    connection, operation = room
    live = hub.connections.get(connection)
    if live is None or live.runtime is None or not live.spec.enabled:
        return  # it went away: the timeline and the notices still have it
    body: Mapping[str, Any] = {
        "title": title, "text": text, "link": ticket_link(hub, ticket), "priority": f"P{ticket.priority}",
        "thread": format_id(ticket.id),
    }  # fmt: skip
    number = next(iter(serial.take()))
    cause = f"{ticket.id}:{by}:{step}"
    queue_command(conn, number, ticket.id, connection, by, cause, operation, {"to": "default"}, body, now)


def _addresses(hub: Hub, live: Live, taking_part: People) -> Sequence[str]:
    people = dict.fromkeys([*taking_part["people"], *(m for g in taking_part["groups"] for m in hub.roster.members(g))])
    known = (hub.roster.people.get(p) for p in people)
    return [address for p in known if p is not None and (address := p.channels.get(live.origin))]
