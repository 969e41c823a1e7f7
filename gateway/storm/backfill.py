"""What was put off during a storm, and its end afterwards: each alert that was folded in, each piece of lower work.

An alert that ended is done with. One that still fires when the storm is over gets a ticket of its own, by its own rule, as
if it had never been folded. Lower work is told to its holder again, unless it was finished meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

import core_tickets
from core_tickets import Note
from core_tickets.batch import among
from core_tickets.tables import ticket as ticket_table
from core_tickets.workflow import OPEN
from gateway import tables
from gateway.collaboration.opening import open_by_hub
from gateway.config.hub import Hub
from gateway.ingest.inbox import Incoming
from gateway.ingest.item import prepare
from gateway.ingest.recall import live_of, split
from gateway.ingest.stored import restore
from gateway.ingest.unit import Unit
from gateway.notify import Notice, queue
from gateway.service import Gateway
from gateway.storm.tables import storm_event, storm_postponed
from id_registry import format_id

_P, _M, _S, _T = storm_postponed.c, tables.storm_member.c, tables.signal.c, ticket_table.c
MOST = 200
BATCH = 25
"""So many alerts get their own tickets in one transaction."""


def collect(conn: Connection, hub: Hub, ticket: core_tickets.Ticket, least: int | None, now: int) -> None:
    """Note what is put off: the members there are, and the open work of the same people of priority `least` or lower."""
    members = select(_M.signal_key, _M.title, _M.at).where(_M.ticket_id == ticket.id)
    rows = [
        _row(ticket.id, "alert", m.signal_key, m.title, m.at, "并入风暴 folded into the storm")
        for m in conn.execute(members)
    ]
    held = [c for c, value in ((_T.assignee, ticket.assignee), (_T.group, ticket.group)) if value]
    if least is not None and held:
        mine = or_(*(c == (ticket.assignee if c is _T.assignee else ticket.group) for c in held))
        lower = select(_T.id, _T.title).where(
            mine, _T.status.in_(OPEN), _T.priority >= max(least, ticket.priority + 1), _T.id != ticket.id, _T.opened_at < now,
            _T.storm_id.is_(None),
        )  # fmt: skip
        why = f"让路于 gives way to {format_id(ticket.id)}"
        rows += [
            _row(ticket.id, "ticket", str(t.id), t.title, now, why)
            for t in conn.execute(lower.order_by(_T.id).limit(MOST))
        ]
    put_off(conn, rows)


def _row(ticket_id: int, what: str, key: str, title: str, at: int, why: str) -> dict[str, Any]:
    return {"ticket_id": ticket_id, "what": what, "key": key, "title": title, "at": at, "why": why}


def put_off(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Add what is not there yet; a thing put off again after it had its end is put off anew."""
    if not rows:
        return
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    again = {"end": None, "end_ticket": None, "ended_at": None}
    statement = insert(storm_postponed)
    newer = and_(_P.ended_at.is_not(None), _P.ended_at < statement.excluded.at)
    conn.execute(
        statement.on_conflict_do_update(index_elements=["ticket_id", "what", "key"], set_=again, where=newer), rows
    )


def postpone(conn: Connection, ticket_id: int, other: core_tickets.Ticket, why: str, now: int) -> None:
    """A person puts something off by name."""
    put_off(conn, [_row(ticket_id, "ticket", str(other.id), other.title, now, why)])


def fill(conn: Connection, gateway: Gateway, hub: Hub, ticket: core_tickets.Ticket, now: int) -> int:
    """Give what was put off its end, a batch at a time; answers how much. The event is over once nothing is left."""
    left = select(storm_postponed).where(_P.ticket_id == ticket.id, _P.end.is_(None))
    rows = list(conn.execute(left.order_by(_P.what, _P.at, _P.key).limit(BATCH)))
    if not rows:
        conn.execute(update(storm_event).where(storm_event.c.ticket_id == ticket.id).values(filled_at=now))
        ends = select(_P.end, func.count()).where(_P.ticket_id == ticket.id).group_by(_P.end)
        told = {str(end): n for end, n in conn.execute(ends)}
        core_tickets.note(conn, [Note(ticket.id, "storm_filled", told, "hub", now)])
        return 0
    _alerts(conn, gateway, hub, ticket, [r for r in rows if r.what == "alert"], now)
    _work(conn, ticket, [r for r in rows if r.what == "ticket"], now)
    return len(rows)


def _ended(conn: Connection, row: Any, end: str, now: int, end_ticket: int | None = None) -> None:
    mine = (_P.ticket_id == row.ticket_id) & (_P.what == row.what) & (_P.key == row.key)
    conn.execute(update(storm_postponed).where(mine).values(end=end, end_ticket=end_ticket, ended_at=now))


def _alerts(
    conn: Connection, gateway: Gateway, hub: Hub, ticket: core_tickets.Ticket, rows: Sequence[Any], now: int
) -> None:
    if not rows:
        return
    keys = [r.key for r in rows]
    found = conn.execute(select(tables.signal).where(among(conn, _S.key, keys)).order_by(_S.key).with_for_update())
    signals = {s.key: s for s in found}
    members = {
        m.signal_key: m
        for m in conn.execute(
            select(tables.storm_member).where(_M.ticket_id == ticket.id, among(conn, _M.signal_key, keys))
        )
    }
    # the count begins anew: what is left would else be folded at once into the storm that is over
    conn.execute(
        update(tables.storm).where(tables.storm.c.ticket_id == ticket.id).values(minutes="[]", ticket_id=None, folded=0)
    )
    for row in rows:
        signal, member = signals.get(row.key), members.get(row.key)
        if signal is None or member is None or signal.status != "firing":
            _ended(conn, row, "recovered", now)
        elif signal.ticket_id != ticket.id:
            _ended(conn, row, "ticketed", now, signal.ticket_id)
        else:
            _ended(conn, row, "ticketed", now, _own_ticket(conn, gateway, hub, ticket, member, now))


def _own_ticket(
    conn: Connection, gateway: Gateway, hub: Hub, ticket: core_tickets.Ticket, member: Any, now: int
) -> int:
    """By the rule that takes its message, else, where no rule makes one of it any more, of what the member's row tells."""
    mine = tables.signal.c.key == member.signal_key
    conn.execute(update(tables.signal).where(mine).values(ticket_id=None, folded=False))
    _again(conn, gateway, hub, member.message_id, now)
    made = conn.execute(select(_S.ticket_id).where(mine)).scalar()
    if made is None or made == ticket.id:
        opened = open_by_hub(
            conn, gateway, hub, now, kind=ticket.kind, priority=max(ticket.priority, 1), title=member.title,
            description=f"风暴 {format_id(ticket.id)} 结束后仍在告警 Still firing after the storm", actor="hub",
            why="still firing after the storm", fingerprint=member.signal_key[:480], device=member.device_id,
        )  # fmt: skip
        conn.execute(update(tables.signal).where(mine).values(ticket_id=opened.ticket_id, folded=False))
        made = opened.ticket_id
    told = {"storm": format_id(ticket.id)}
    core_tickets.note(conn, [Note(made, "after_storm", told, "hub", now)])
    return int(made)


def _again(conn: Connection, gateway: Gateway, hub: Hub, message_id: int, now: int) -> None:
    """The member's message through today's mapping and rules; its row in the ledger gets the end it now comes to."""
    m, d = tables.message.c, tables.delivery
    found = select(m.position, m.connection_id, d).join_from(tables.message, d, d.c.id == m.delivery_id)
    row = conn.execute(found.where(m.id == message_id)).first()
    live = None if row is None else live_of(hub, row.connection_id)
    if row is None or live is None or row.pruned_at is not None:
        return
    delivery = restore(row)
    events, bad = split(live, delivery)
    incoming = Incoming(row.id, live, delivery, events, row.received_at, lambda _: None, bad)
    everything = prepare(incoming)
    part = list(everything[row.position : row.position + 1])
    if bad is not None or not part or part[0].record is None:
        return
    unit = Unit(conn, hub, gateway.serial, now, [(incoming, part)], replaying=True)
    unit.run()
    item = unit.items[0]
    if item.fault is None and item.ticket_id is not None and item.end is not None:
        told = {"end": item.end.value, "rule": item.rule, "ticket_id": item.ticket_id, "trace": item.traced()}
        conn.execute(update(tables.message).where(m.id == message_id).values(told))


def _work(conn: Connection, ticket: core_tickets.Ticket, rows: Sequence[Any], now: int) -> None:
    if not rows:
        return
    others = core_tickets.get_many(conn, {int(r.key) for r in rows})
    notes: list[Note] = []
    notices: list[Notice] = []
    for row in rows:
        other = others.get(int(row.key))
        if other is None or other.status not in OPEN:
            _ended(conn, row, "finished", now, int(row.key))
            continue
        _ended(conn, row, "resumed", now, other.id)
        notes.append(Note(other.id, "resumed_after_storm", {"storm": format_id(ticket.id)}, "hub", now))
        people = (other.assignee,) if other.assignee else ()
        groups = (other.group,) if other.group and not people else ()
        if people or groups:
            title = f"风暴已结束，请继续 The storm is over, go on：{other.title}"
            notices.append(Notice(other.id, "resumed", str(ticket.id), other.priority, people, groups, title))
    if notes:
        core_tickets.note(conn, notes)
    queue(conn, notices, now)
