"""What is said to those outside about a storm: drafted, released by another person, and only then sent."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, insert, select, update

import core_tickets
from core_tickets import Note
from gateway import clock
from gateway.aftermath import follow
from gateway.bridge.happened import Happened
from gateway.errors import Conflict, Forbidden, NotFound
from gateway.notify import Notice, queue
from gateway.policies.storms import KIND
from gateway.service import Gateway
from gateway.storm import rooms
from gateway.storm.tables import storm_announcement, storm_event
from gateway.usecases import tickets

_A = storm_announcement.c


def draft(conn: Connection, ticket_id: int, zh: str, en: str, actor: str, now: int) -> int:
    """A new draft; answers its number. Raises NotFound for a ticket that is no storm's event."""
    _event(conn, ticket_id)
    number = (conn.execute(select(func.max(_A.number)).where(_A.ticket_id == ticket_id)).scalar() or 0) + 1
    row = {
        "ticket_id": ticket_id,
        "number": number,
        "state": "draft",
        "zh": zh,
        "en": en,
        "drafted_by": actor,
        "at": now,
    }
    conn.execute(insert(storm_announcement).values(row))
    told = {"number": number, "zh": zh, "en": en}
    core_tickets.note(conn, [Note(ticket_id, "announcement_drafted", told, actor, now, "person")])
    return number


def release(conn: Connection, gateway: Gateway, ticket_id: int, number: int, actor: str) -> None:
    """Send a draft: a public comment, a notice to the participants, and `ticket.announced` for bridges. Raises Forbidden
    for its author and for whom the policy does not name, Conflict when it is no draft any more."""
    hub, now = gateway.hub, clock.now()
    row = _draft(conn, ticket_id, number)
    if row.drafted_by == actor:
        raise Forbidden("Whoever wrote an announcement cannot release it; ask somebody else.")
    if not _may_release(gateway, actor):
        allowed = ", ".join(KIND.of(hub.policies).approvers)
        raise Forbidden(f"The policy storms lets these release announcements: {allowed}.")
    _settle(conn, ticket_id, number, "sent", actor, now)
    text = "\n\n".join(part for part in (row.zh, row.en) if part)
    said = tickets.act(
        conn, gateway, ticket_id, "comment", {"text": text, "public": True}, actor=actor, why="公告 announcement"
    )
    assert said.ticket is not None
    sent = {"number": number, "drafted_by": row.drafted_by}
    core_tickets.note(conn, [Note(ticket_id, "announcement_sent", sent, actor, now, "person")])
    happened = Happened("ticket.announced", ticket_id, said.ticket.version, "", None, text)
    follow(conn, hub, [happened], gateway.serial, now)
    taking_part = rooms.participants(conn, hub, said.ticket)
    people, groups = tuple(taking_part["people"]), tuple(taking_part["groups"])
    title = f"公告 Announcement：{said.ticket.title}"
    if people or groups:
        queue(
            conn,
            [Notice(ticket_id, "announcement", str(number), said.ticket.priority, people, groups, title, text)],
            now,
        )
    event = _event(conn, ticket_id)
    if event.connection_id is not None and event.operation is not None:
        room = (event.connection_id, event.operation)
        rooms.post(conn, hub, gateway.serial, said.ticket, room, f"announcement:{number}", title, text, now)


def withdraw(conn: Connection, ticket_id: int, number: int, actor: str, now: int) -> None:
    """A draft that shall not be sent. Raises NotFound, Conflict."""
    _draft(conn, ticket_id, number)
    _settle(conn, ticket_id, number, "withdrawn", actor, now)
    core_tickets.note(conn, [Note(ticket_id, "announcement_withdrawn", {"number": number}, actor, now, "person")])


def announcements_of(conn: Connection, ticket_id: int) -> list[Any]:
    return list(conn.execute(select(storm_announcement).where(_A.ticket_id == ticket_id).order_by(_A.number)))


def _event(conn: Connection, ticket_id: int) -> Any:
    """The event, locked. Raises UnknownTicket, NotFound."""
    core_tickets.get(conn, ticket_id)
    locked = select(storm_event).where(storm_event.c.ticket_id == ticket_id).with_for_update()
    row = conn.execute(locked).first()
    if row is None:
        raise NotFound("This ticket is no storm's event; GET /v1/tickets/ID/storm tells.")
    return row


def _draft(conn: Connection, ticket_id: int, number: int) -> Any:
    _event(conn, ticket_id)
    row = conn.execute(select(storm_announcement).where(_A.ticket_id == ticket_id, _A.number == number)).first()
    if row is None:
        raise NotFound(f"There is no announcement {number} of this storm.")
    if row.state != "draft":
        raise Conflict(f"Announcement {number} is {row.state} already.")
    return row


def _settle(conn: Connection, ticket_id: int, number: int, state: str, actor: str, now: int) -> None:
    mine = (_A.ticket_id == ticket_id) & (_A.number == number)
    conn.execute(update(storm_announcement).where(mine).values(state=state, settled_by=actor, settled_at=now))


def _may_release(gateway: Gateway, actor: str) -> bool:
    named, roster = KIND.of(gateway.hub.policies).approvers, gateway.hub.roster
    person = roster.people.get(actor)
    own = {actor} | ({f"role:{r}" for r in person.roles} | {f"group:{g}" for g in person.groups} if person else set())
    return not named or bool(own & set(named))
