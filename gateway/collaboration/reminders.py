"""What is late among people: approvals nobody answered, work a department promised and has not done. Once each, with
several workers too: rows are claimed with SKIP LOCKED and moved on in the same transaction."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, update

import core_tickets
from core_tickets import Note, collaboration
from core_tickets.collaboration import tables
from core_tickets.workflow import OPEN
from gateway import clock
from gateway.collaboration.noticing import people_of
from gateway.config.hub import Hub
from gateway.notify import Notice, queue
from gateway.service import Gateway

_A, _H = tables.approval.c, tables.handoff.c
BATCH = 200


def tick(gateway: Gateway, hub: Hub, now: int) -> int:
    """Tell all that is due; answers how much that was."""
    return gateway.transact(lambda conn: remind_approvers(conn, hub, now) + tell_overdue(conn, hub, now))


def remind_approvers(conn: Connection, hub: Hub, now: int) -> int:
    """Everybody who was asked and has not answered, once each interval. What nobody waits for any more ends."""
    due = select(tables.approval).where(_A.state == "open", _A.remind_at <= now).order_by(_A.remind_at).limit(BATCH)
    rows = list(conn.execute(due.with_for_update(skip_locked=True)))
    if not rows:
        return 0
    ids = sorted({row.ticket_id for row in rows})
    tickets, asked = core_tickets.get_many(conn, ids), collaboration.approvals(conn, ids)
    notices = []
    for row in rows:
        ticket, mine = tickets[row.ticket_id], (_A.ticket_id == row.ticket_id) & (_A.number == row.number)
        if ticket.blocked_reason != "waiting_for_approval":
            conn.execute(update(tables.approval).where(mine).values(state="withdrawn", settled_at=now, remind_at=None))
            continue
        nth, every = row.reminders + 1, row.remind_every
        again = row.remind_at + (now - row.remind_at) // every * every + every  # a worker that was away tells it once
        conn.execute(update(tables.approval).where(mine).values(reminders=nth, remind_at=again))
        standing = next(a for a in asked[row.ticket_id] if a.number == row.number)
        people, groups = people_of(collaboration.awaited(standing), hub.roster)
        title = f"会签提醒（第 {nth} 次） Reminder {nth}: your approval is awaited"
        notices.append(
            Notice(row.ticket_id, "approval", f"{row.number}:{nth}", ticket.priority, people, groups, title, row.text)
        )
    queue(conn, notices, now)
    return len(rows)


def tell_overdue(conn: Connection, hub: Hub, now: int) -> int:
    """Nodes between departments that are late: the receiving group and its lead, once each."""
    late = select(tables.handoff).where(_H.state.in_(("sent", "accepted")), _H.due <= now, _H.overdue_told_at.is_(None))
    rows = list(conn.execute(late.order_by(_H.due).limit(BATCH).with_for_update(skip_locked=True)))
    if not rows:
        return 0
    tickets = core_tickets.get_many(conn, {row.ticket_id for row in rows})
    notices, notes = [], []
    for row in rows:
        mine = (_H.ticket_id == row.ticket_id) & (_H.number == row.number)
        conn.execute(update(tables.handoff).where(mine).values(overdue_told_at=now))
        ticket = tickets[row.ticket_id]
        if ticket.status not in OPEN:
            continue
        notices.append(_overdue(hub, row, ticket))
        told = {"handoff": row.number, "group": row.group, "due": clock.rfc3339(row.due), "state": row.state}
        notes.append(Note(row.ticket_id, "handoff_overdue", told, "hub", now))
    queue(conn, notices, now)
    if notes:
        core_tickets.note(conn, notes)
    return len(rows)


def _overdue(hub: Hub, row: Any, ticket: core_tickets.Ticket) -> Notice:
    lead = hub.roster.lead(row.group)
    title = f"{row.group} 超过承诺时间 is late with what it was handed"
    people = (lead,) if lead else ()
    return Notice(
        row.ticket_id, "handoff_overdue", str(row.number), ticket.priority, people, (row.group,), title, row.text
    )
