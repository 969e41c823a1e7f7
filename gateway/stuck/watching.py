"""When each open ticket is looked at: noted as things happen to it, so that nothing has to be searched for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from gateway import rows
from gateway.bridge.happened import Happened, standing
from gateway.config.hub import Hub
from gateway.policies.stuck import KIND
from gateway.stuck.tables import stuck_watch

AT_ONCE = frozenset(
    {"ticket.priority_changed", "ticket.blocked", "ticket.unblocked", "ticket.reopened", "ticket.updated"}
)
"""After these another rule may hold, by which the ticket is stuck already."""
OVER = frozenset({"ticket.resolved", "ticket.closed", "ticket.refused"})


def watch(conn: Connection, hub: Hub, happened: Sequence[Happened], now: int) -> None:
    """A reaction: one statement. A ticket that is looked at too soon is only looked at again; one that waits and that
    nobody holds has nobody to ask, and whoever takes it makes something happen."""
    soonest = KIND.of(hub.policies).soonest
    if soonest is None:
        return
    due: dict[int, int] = {}
    unheld = {t.id for t in standing(happened).values() if t.assignee is None and t.status == "pending"}
    for h in happened:
        if h.event not in OVER and h.ticket_id not in unheld:
            at = now if h.event in AT_ONCE else now + soonest
            due[h.ticket_id] = min(at, due.get(h.ticket_id, at))
    if not due:
        return
    sooner = "excluded.next_at < stuck_watch.next_at"
    rows.upsert(conn, stuck_watch, ("ticket_id", "next_at"), sorted(due.items()), only_if=sooner)
