"""A ticket that the hub opens of itself, with the origin of its every value."""

from __future__ import annotations

from sqlalchemy import Connection

import core_tickets
import id_registry
import lineage
from gateway.aftermath import follow
from gateway.bridge.happened import Happened
from gateway.config.hub import Hub
from gateway.service import Gateway


def open_by_hub(
    conn: Connection, gateway: Gateway, hub: Hub, now: int, *, kind: str, priority: int, title: str, description: str,
    actor: str, why: str, fingerprint: str | None = None, device: int | None = None, group: str | None = None,
    assignee: str | None = None,
) -> core_tickets.Opened:  # fmt: skip
    """Open it, or count it as one more occurrence of the ticket with its fingerprint."""
    number = id_registry.mint(conn, "ticket", 1, now)[0]
    draft = core_tickets.Draft(
        id=number, kind=kind, priority=priority, title=title[:500], description=description, fingerprint=fingerprint,
        device=device, group=group, assignee=assignee, actor=actor, actor_kind="system", why=why,
    )  # fmt: skip
    opened = core_tickets.open_or_merge(conn, [draft], now, policy=hub.promises)[0]
    if opened.outcome == "opened":
        ticket = core_tickets.get(conn, opened.ticket_id)
        values = core_tickets.values_of(ticket)
        named = (
            "kind",
            "priority",
            "title",
            "description",
            "device",
            "group",
            "assignee",
            "labels",
            "status",
            "fingerprint",
        )
        facts = {f: values.get(f) for f in named if getattr(ticket, f) not in (None, "", {})}
        lineage.record(conn, [lineage.Write(ticket.id, None, list(facts), [], facts, actor, now)])
    follow(conn, hub, [Happened(e, opened.ticket_id, opened.version, "") for e in opened.events], gateway.serial, now)
    return opened
