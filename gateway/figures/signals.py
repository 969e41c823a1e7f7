"""Events of tickets that the hub keeps besides their timelines: repeats of alerts, questions to other systems."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, func, select

from core_tickets.batch import among
from core_tickets.figures import Signal
from gateway import tables
from gateway.clock import Serial

_S, _M = tables.context_section.c, tables.message.c


def of_day(conn: Connection, begin: int, end: int) -> dict[int, list[Signal]]:
    """The repeats that came in a span of time, as one signal per ticket at the latest of them, and the questions that
    were asked in it with their answers, whenever those came."""
    found: dict[int, list[Signal]] = {}
    mine = (_M.id >= Serial.first_at(begin), _M.id < Serial.first_at(end), _M.at >= begin, _M.at < end)
    merged = select(_M.ticket_id, func.max(_M.at), func.count()).where(*mine, _M.end == "merged")
    for ticket, at, n in conn.execute(merged.where(_M.ticket_id.is_not(None)).group_by(_M.ticket_id)):
        found.setdefault(ticket, []).append(Signal(ticket, at, "repeat", n))
    asked = select(_S.ticket_id, _S.name, _S.asked_at, _S.answered_at, _S.status).where(_S.asked_at >= begin)
    for row in conn.execute(asked.where(_S.asked_at < end)):
        found.setdefault(row.ticket_id, []).extend(_question(row))
    return found


def answers(conn: Connection, ids: Collection[int]) -> dict[int, list[Signal]]:
    """What other systems answered about these tickets."""
    columns = select(_S.ticket_id, _S.name, _S.asked_at, _S.answered_at, _S.status)
    found: dict[int, list[Signal]] = {}
    for row in conn.execute(columns.where(among(conn, _S.ticket_id, ids))):
        found.setdefault(row.ticket_id, []).extend(s for s in _question(row) if s.name == "answered")
    return found


def _question(row: Any) -> list[Signal]:
    ticket, name, asked_at, answered_at, status = row
    told = [Signal(ticket, asked_at, "asked", 1, name)]
    if status in ("ok", "empty") and answered_at is not None:
        told.append(Signal(ticket, answered_at, "answered", 1, name))
    return told
