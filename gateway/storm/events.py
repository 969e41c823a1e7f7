"""The life of a storm's event, carried on by a worker: it begins, briefs are written, it ends, what was put off is filled
in. Each step is one transaction that claims the event's row, so several workers do it once."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
from core_tickets import Note
from core_tickets.tables import ticket as ticket_table
from core_tickets.workflow import OPEN
from gateway import tables
from gateway.config.hub import Hub
from gateway.notify import Notice, queue
from gateway.policies.storms import KIND
from gateway.service import Gateway
from gateway.storm import backfill, briefs, rooms
from gateway.storm.tables import storm_announcement, storm_brief, storm_event, storm_postponed

_EV, _S, _T = storm_event.c, tables.storm.c, ticket_table.c
BATCH = 20


def tick(gateway: Gateway, hub: Hub, now: int) -> int:
    """Do all that is due; answers how much that was."""
    begun = gateway.transact(lambda conn: _begin(conn, gateway, hub, now))
    with gateway.reading() as conn:
        running = list(
            conn.execute(select(_EV.ticket_id).where(_EV.filled_at.is_(None)).order_by(_EV.ticket_id)).scalars()
        )
    return begun + sum(gateway.transact(lambda conn, t=each: _carry_on(conn, gateway, hub, t, now)) for each in running)  # type: ignore[misc]


def _begin(conn: Connection, gateway: Gateway, hub: Hub, now: int) -> int:
    """Storms that have no event yet, or whose ticket was opened again after its event was over."""
    policy = KIND.of(hub.policies)
    query = (
        select(_T.id, _EV.ticket_id.label("known"), _EV.ended_at)
        .join_from(tables.storm, ticket_table, _T.id == _S.ticket_id)
        .outerjoin(storm_event, _EV.ticket_id == _T.id)
        .where(_T.status.in_(OPEN), _T.priority <= policy.up_to, _EV.ticket_id.is_(None) | _EV.ended_at.is_not(None))
    )
    found = list(conn.execute(query.order_by(_T.id).limit(BATCH)))
    for row in found:
        if row.known is None:
            _open(conn, gateway, hub, core_tickets.get(conn, row.id), now)
        else:
            again = {"ended_at": None, "filled_at": None, "next_brief_at": now}
            conn.execute(update(storm_event).where(_EV.ticket_id == row.id, _EV.ended_at == row.ended_at).values(again))
    return len(found)


def _open(conn: Connection, gateway: Gateway, hub: Hub, ticket: core_tickets.Ticket, now: int) -> None:
    taking_part = rooms.participants(conn, hub, ticket)
    dialect = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    row = {"ticket_id": ticket.id, "began_at": ticket.opened_at, "participants": orjson.dumps(taking_part).decode(), "briefs": 0,
           "next_brief_at": now}  # fmt: skip
    first = dialect(storm_event).values(row).on_conflict_do_nothing().returning(_EV.ticket_id)
    if conn.execute(first).first() is None:
        return  # another worker was faster
    room = rooms.open_room(conn, hub, gateway.serial, ticket, taking_part, now)
    if room is not None:
        values = {"connection_id": room[0], "operation": room[1]}
        conn.execute(update(storm_event).where(_EV.ticket_id == ticket.id).values(values))
    told = {"participants": taking_part, "connection": room[0] if room else None}
    core_tickets.note(conn, [Note(ticket.id, "storm_room", told, "hub", now)])
    zh, en = briefs.first_announcement(ticket)
    draft = {"ticket_id": ticket.id, "number": 1, "state": "draft", "zh": zh, "en": en, "drafted_by": "hub", "at": now}
    conn.execute(insert(storm_announcement).values(draft))


def _carry_on(conn: Connection, gateway: Gateway, hub: Hub, ticket_id: int, now: int) -> int:
    """What is due of one event. 0 when another worker has it."""
    mine = select(storm_event).where(_EV.ticket_id == ticket_id, _EV.filled_at.is_(None))
    event = conn.execute(mine.with_for_update(skip_locked=True)).first()
    if event is None:
        return 0
    ticket = core_tickets.get(conn, ticket_id)
    over = ticket.status not in OPEN
    if event.ended_at is None and (over or event.next_brief_at <= now):
        backfill.collect(conn, hub, ticket, KIND.of(hub.policies).postpone_from, now)
        _brief(conn, gateway, hub, ticket, event, now)
    if over and event.ended_at is None:
        conn.execute(update(storm_event).where(_EV.ticket_id == ticket_id).values(ended_at=ticket.resolved_at or now))
    if over:
        return 1 + backfill.fill(conn, gateway, hub, ticket, now)
    return int(event.next_brief_at <= now)


def _brief(conn: Connection, gateway: Gateway, hub: Hub, ticket: core_tickets.Ticket, event: Any, now: int) -> None:
    """Write the next brief, tell it, and note when the one after it is due; those missed meanwhile are not made up."""
    number, every = event.briefs + 1, KIND.of(hub.policies).brief_every
    b = storm_brief.c
    since = conn.execute(select(b.at).where(b.ticket_id == ticket.id).order_by(b.number.desc()).limit(1)).scalar()
    facts = briefs.gather(conn, ticket, number, event.began_at, event.began_at if since is None else since, now)
    zh, en = briefs.compose(facts)
    row = {"ticket_id": ticket.id, "number": number, "at": now, "zh": zh, "en": en, "facts": briefs.as_json(facts)}
    conn.execute(insert(storm_brief).values(row))
    taking_part = rooms.participants(conn, hub, ticket)
    due = event.next_brief_at + ((now - event.next_brief_at) // every + 1) * every
    values = {"briefs": number, "next_brief_at": due, "participants": orjson.dumps(taking_part).decode()}
    conn.execute(update(storm_event).where(_EV.ticket_id == ticket.id).values(values))
    core_tickets.note(conn, [Note(ticket.id, "storm_brief", {"number": number, "zh": zh, "en": en}, "hub", now)])
    title, text = f"第 {number} 次简报 Brief {number}：{ticket.title}", f"{zh}\n\n{en}"
    people, groups = tuple(taking_part["people"]), tuple(taking_part["groups"])
    if people or groups:
        queue(conn, [Notice(ticket.id, "brief", str(number), ticket.priority, people, groups, title, text)], now)
    if event.connection_id is not None and event.operation is not None:
        room = (event.connection_id, event.operation)
        rooms.post(conn, hub, gateway.serial, ticket, room, f"brief:{number}", title, text, now)


def event_of(conn: Connection, ticket_id: int) -> Any:
    """The row of an event, or None."""
    return conn.execute(select(storm_event).where(_EV.ticket_id == ticket_id)).first()


def postponed_of(conn: Connection, ticket_id: int) -> list[Any]:
    p = storm_postponed.c
    query = select(storm_postponed).where(p.ticket_id == ticket_id).order_by(p.at, p.what, p.key)
    return list(conn.execute(query.limit(1000)))
