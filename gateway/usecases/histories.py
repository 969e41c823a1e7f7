"""The history of a device: every ticket there was about it, under whichever of its ids."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

import core_tickets
import id_registry
from core_tickets import tables
from gateway import clock
from gateway.errors import NotFound

_T = tables.ticket.c
PAGE = 100


def of_device(conn: Connection, number: int, *, before: int | None = None, limit: int = PAGE) -> dict[str, Any]:
    """The other tickets of a ticket's device, the latest first: `{device, items, next_cursor}`. `before`: only tickets
    with a smaller number. Raises core_tickets.UnknownTicket, NotFound for a ticket about no device."""
    ticket = core_tickets.get(conn, number)
    if ticket.device is None:
        raise NotFound(f"{id_registry.format_id(number)} is about no device.")
    ids = {ticket.device, *(x.birth for x in id_registry.crosswalk(conn, ticket.device))}
    query = select(_T.id).where(_T.device.in_(sorted(ids)), _T.id != number).order_by(_T.id.desc()).limit(limit + 1)
    found = list(conn.execute(query if before is None else query.where(_T.id < before)).scalars())
    tickets = core_tickets.get_many(conn, found[:limit])
    return {
        "device": id_registry.format_id(ticket.device),
        "items": [_line(tickets[each]) for each in found[:limit]],
        "next_cursor": id_registry.format_id(found[limit - 1]) if len(found) > limit else None,
    }


def _line(ticket: core_tickets.Ticket) -> dict[str, Any]:
    return {
        "ticket": id_registry.format_id(ticket.id), "kind": ticket.kind, "state": ticket.status,
        "priority": f"P{ticket.priority}", "title": ticket.title, "opened_at": clock.rfc3339(ticket.opened_at),
        "resolved_at": clock.rfc3339(ticket.resolved_at), "resolution": ticket.resolution, "cause": ticket.cause,
        "occurrences": ticket.occurrences,
    }  # fmt: skip
