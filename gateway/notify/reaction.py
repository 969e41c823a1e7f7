"""What happens to tickets, as notices: queued in the same transaction, for those whom the policy names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, or_, select

from core_tickets import Ticket
from core_tickets import tables as core
from core_tickets.batch import among
from gateway.bridge.happened import Happened, standing
from gateway.config.hub import Hub
from gateway.notify.notices import Notice, queue
from gateway.policies.notification import KIND

EVENTS: Mapping[str, str] = {
    "ticket.opened": "opened", "ticket.assigned": "assigned", "ticket.started": "started", "ticket.blocked": "blocked",
    "ticket.unblocked": "unblocked", "ticket.resolved": "resolved", "ticket.reopened": "reopened",
    "ticket.closed": "closed", "ticket.priority_changed": "raised", "ticket.handed_over": "assigned",
    "ticket.claimed": "claimed", "ticket.returned": "returned",
}  # fmt: skip
"""A ticket's event → the reason of its notice."""
_T = core.ticket.c
TELLING = ("resolved", "closed", "blocked")
"""States of which somebody may want to know, whoever holds the ticket."""


def notify(conn: Connection, hub: Hub, happened: Sequence[Happened], now: int) -> None:
    """One notice for each event that the policy wants told. Who holds the ticket now is kept with it;
    who leads, watches or made it is found out when it is told."""
    wanted = KIND.of(hub.policies).events
    heard = [(EVENTS[h.event], h) for h in happened if wanted.get(EVENTS.get(h.event, ""))]
    if not heard:
        return
    # tickets that belong to nobody have nobody to tell: the common case under load costs one look by key
    owned = or_(_T.group.is_not(None), _T.assignee.is_not(None), _T.status.in_(TELLING))
    known = standing(happened)
    found: dict[int, Any] = {number: ticket for number, ticket in known.items() if _owned(ticket)}
    ids = sorted({h.ticket_id for _, h in heard} - known.keys())
    if ids:
        rows = select(_T.id, _T.priority, _T.group, _T.assignee).where(among(conn, _T.id, ids), owned)
        found |= {row.id: row for row in conn.execute(rows)}
    notices = []
    for reason, h in heard:
        if (row := found.get(h.ticket_id)) is not None:
            people = (row.assignee,) if row.assignee and "assignee" in wanted[reason] else ()
            groups = (row.group,) if row.group and _group_is_meant(wanted[reason], row.assignee) else ()
            notices.append(Notice(h.ticket_id, reason, f"v{h.version}", row.priority, people, groups))
    queue(conn, notices, now)


def _owned(ticket: Ticket) -> bool:
    return ticket.group is not None or ticket.assignee is not None or ticket.status in TELLING


def _group_is_meant(words: Sequence[str], assignee: str | None) -> bool:
    return "group" in words or ("pool" in words and assignee is None)
