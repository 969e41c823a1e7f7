"""A storm's event over HTTP: room, briefs, announcement, what was put off and what became of it."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Response
from pydantic import Field
from sqlalchemy import Connection, func, select

import core_tickets
from gateway import clock, tables
from gateway.api.access import REFUSALS, Actor, GatewayDep, Reader
from gateway.api.once import IdempotencyKey, once
from gateway.api.shapes import Line, Long, Request, TicketId, answer
from gateway.errors import NotFound
from gateway.storm import announcements, backfill, briefs, events
from gateway.storm.tables import storm_brief
from gateway.usecases import tickets
from id_registry import format_id

router = APIRouter(prefix="/v1/tickets", tags=["storms"], responses=REFUSALS)
AnnouncementNumber = Annotated[int, Field(ge=1, lt=1 << 31)]


class NewAnnouncement(Request):
    zh: Annotated[Long, Field(min_length=1)]
    en: Long = ""


class Postponing(Request):
    ticket: TicketId
    why: Annotated[Line, Field(min_length=1)]


@router.get("/{ticket}/storm")
def read_storm(gateway: GatewayDep, _: Reader, ticket: TicketId) -> Response:
    """The event: who takes part and where, every brief, announcements, what was put off with its end. 404: no event."""
    number = tickets.ticket_id(ticket)
    with gateway.reading() as conn:
        return answer(_shape(conn, number))


@router.post("/{ticket}/announcement", status_code=201)
def draft(
    gateway: GatewayDep, who: Actor, ticket: TicketId, new: NewAnnouncement, idempotency_key: IdempotencyKey = None
) -> Response:
    """Draft what shall be said outside. It leaves the hub only when somebody else has released it."""
    number = tickets.ticket_id(ticket)

    def do(conn: Connection) -> tuple[int, Any]:
        announcements.draft(conn, number, new.zh, new.en, who.actor, clock.now())
        return 201, _shape(conn, number)

    return once(gateway, who, idempotency_key, f"announcement {ticket} {new.model_dump_json()}", do)


@router.post("/{ticket}/announcement/{number}/approve")
def release(gateway: GatewayDep, who: Actor, ticket: TicketId, number: AnnouncementNumber) -> Response:
    """Release a draft that somebody else wrote: it goes out as a public comment, to the participants, and to bridges."""
    mine = tickets.ticket_id(ticket)

    def do(conn: Connection) -> dict[str, Any]:
        announcements.release(conn, gateway, mine, number, who.actor)
        return _shape(conn, mine)

    shown = gateway.transact(do)
    gateway.wake_worker.set()
    return answer(shown)


@router.post("/{ticket}/announcement/{number}/withdraw")
def withdraw(gateway: GatewayDep, who: Actor, ticket: TicketId, number: AnnouncementNumber) -> Response:
    mine = tickets.ticket_id(ticket)

    def do(conn: Connection) -> dict[str, Any]:
        announcements.withdraw(conn, mine, number, who.actor, clock.now())
        return _shape(conn, mine)

    return answer(gateway.transact(do))


@router.post("/{ticket}/postpone")
def postpone(gateway: GatewayDep, _: Actor, ticket: TicketId, body: Postponing) -> Response:
    """Put lower work off until the storm is over: it is on the list, and its holder is told when it is time to go on."""
    mine, other = tickets.ticket_id(ticket), tickets.ticket_id(body.ticket)

    def do(conn: Connection) -> dict[str, Any]:
        _event(conn, mine)
        backfill.postpone(conn, mine, core_tickets.get(conn, other), body.why, clock.now())
        return _shape(conn, mine)

    return answer(gateway.transact(do))


def _event(conn: Connection, number: int) -> Any:
    core_tickets.get(conn, number)
    found = events.event_of(conn, number)
    if found is None:
        raise NotFound("This ticket is no storm's event.")
    return found


def _shape(conn: Connection, number: int) -> dict[str, Any]:
    event, m, b = _event(conn, number), tables.storm_member.c, storm_brief.c
    members = select(func.count(), func.count(m.resolved_at)).where(m.ticket_id == number)
    total, recovered = conn.execute(members).one()
    written = conn.execute(select(storm_brief).where(b.ticket_id == number).order_by(b.number))
    return {
        "ticket": format_id(number), "began_at": clock.rfc3339(event.began_at), "ended_at": clock.rfc3339(event.ended_at),
        "filled_at": clock.rfc3339(event.filled_at), "members": {"total": total, "recovered": recovered},
        "room": {"connection": event.connection_id, **orjson.loads(event.participants)},
        "next_brief_at": None if event.ended_at is not None else clock.rfc3339(event.next_brief_at),
        "briefs": [briefs.parts(row) for row in written],
        "announcements": [
            {"number": a.number, "state": a.state, "zh": a.zh, "en": a.en, "drafted_by": a.drafted_by,
             "at": clock.rfc3339(a.at), "settled_by": a.settled_by, "settled_at": clock.rfc3339(a.settled_at)}
            for a in announcements.announcements_of(conn, number)
        ],
        "postponed": [
            {"what": p.what, "key": format_id(int(p.key)) if p.what == "ticket" else p.key, "title": p.title,
             "why": p.why, "at": clock.rfc3339(p.at), "end": p.end, "ended_at": clock.rfc3339(p.ended_at),
             "ticket": None if p.end_ticket is None else format_id(p.end_ticket)}
            for p in events.postponed_of(conn, number)
        ],
    }  # fmt: skip
