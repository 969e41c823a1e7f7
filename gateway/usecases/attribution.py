"""The attribution sheet: who held a ticket how long, what was said to whom and what came back, who was late where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
import id_registry
from core_tickets.attribution import Sheet, attribute
from core_tickets.countdown import PROMISES
from core_tickets.timeline import changes
from gateway import clock, tables
from gateway.clock import SECOND, rfc3339
from gateway.config.hub import Hub
from gateway.escalation.words import promises_shape, steps_shape, tell_move
from gateway.notify.tables import notice_delivery
from gateway.usecases.tickets import commands_of

SHOWN = 500


def attribution(conn: Connection, hub: Hub, number: int, now: int) -> dict[str, Any]:
    """Everything a breach is judged by, as data; times in working seconds of the ticket's calendar. Raises
    core_tickets.UnknownTicket."""
    ticket = core_tickets.get(conn, number)
    sheet = attribute(ticket, changes(conn, [number])[number], now, hub.promises)
    return {
        "ticket": id_registry.format_id(number), "title": ticket.title, "priority": f"P{ticket.priority}",
        "status": ticket.status, "calendar": sheet.calendar, "at": rfc3339(now),
        "promises": promises_shape(ticket, now, hub.promises),
        "late": _late(sheet),
        "held": [
            {"from": rfc3339(h.since), "to": rfc3339(h.until), "holder": h.holder, "status": h.status,
             "blocked_reason": h.blocked_reason, "working_s": h.working // SECOND}
            for h in sheet.holds
        ],
        "held_s": _seconds(sheet.totals),
        "paused_s": sheet.paused // SECOND,
        "moves": [
            {"at": rfc3339(m.at), "field": m.field, "before": rfc3339(m.before), "after": rfc3339(m.after),
             "who": m.actor, "why": m.why, "because": dict(m.because), "told": tell_move(m.because) if m.because else []}
            for m in sheet.moves
        ],
        "steps": steps_shape(conn, hub, number),
        "messages": _messages(conn, number),
        "commands": commands_of(conn, number),
        "timeline": [
            {"at": rfc3339(e.at), "who": e.actor, "what": e.name, "why": e.why}
            for e in core_tickets.timeline(conn, number, limit=SHOWN)
        ],
    }  # fmt: skip


def _late(sheet: Sheet) -> list[dict[str, Any]]:
    return [
        {
            "promise": x.name, "title": PROMISES[x.name].en, "title_zh": PROMISES[x.name].zh, "due": rfc3339(x.due),
            "met_at": rfc3339(x.met_at), "late_s": x.late // SECOND, "holder": x.holder,
            "held_before_s": _seconds(x.before), "held_after_s": _seconds(x.after),
        }
        for x in sheet.late
    ]  # fmt: skip


def _seconds(shares: Mapping[str, int]) -> dict[str, int]:
    return {holder: part // SECOND for holder, part in shares.items()}


def _messages(conn: Connection, number: int) -> list[dict[str, Any]]:
    """Each notice with how it reached whom, when it was read, and what was answered how soon."""
    n, d = tables.notice.c, notice_delivery.c
    sent: dict[int, list[dict[str, Any]]] = {}
    for row in conn.execute(select(notice_delivery).where(d.ticket_id == number).order_by(d.id).limit(SHOWN)):
        sent.setdefault(row.notice_id, []).append(
            {"person": row.person, "channel": row.channel, "state": row.state, "reason": row.reason,
             "sent_at": rfc3339(row.sent_at), "read_at": rfc3339(row.read_at), "answer": row.answer,
             "answered_at": rfc3339(row.answered_at), "answered_after_s": _after(row)}
        )  # fmt: skip
    found = conn.execute(select(tables.notice).where(n.ticket_id == number).order_by(n.at, n.id).limit(SHOWN))
    return [
        {"at": rfc3339(row.at), "reason": row.reason, "step": row.step, "tier": f"P{row.tier}", "state": row.state,
         "people": orjson.loads(row.people), "groups": orjson.loads(row.groups), "deliveries": sent.get(row.id, [])}
        for row in found
    ]  # fmt: skip


def _after(row: Any) -> int | None:
    if row.answered_at is None or row.sent_at is None:
        return None
    return int(row.answered_at - row.sent_at) // clock.SECOND
