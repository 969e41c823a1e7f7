"""What people do together on a ticket, as the API shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

import core_tickets
from core_tickets import Entry, Missing, collaboration
from gateway import clock
from gateway.collaboration.requirements import still_required
from gateway.config.hub import Hub
from id_registry import format_id


def together(
    conn: Connection, hub: Hub, ticket: core_tickets.Ticket, entries: Sequence[Entry], now: int
) -> dict[str, Any]:
    """What may be done now and what it still requires, watchers, attachments, parent and children, links, joint
    approvals, handoffs, stays by department."""
    one = [ticket.id]
    parent = collaboration.parents(conn, one).get(ticket.id)
    below = collaboration.children(conn, one).get(ticket.id, [])
    linked = core_tickets.links(conn, one).get(ticket.id, [])
    handed = collaboration.handoffs(conn, one).get(ticket.id, [])
    files = collaboration.attachments(conn, one).get(ticket.id, [])
    others = core_tickets.get_many(
        conn, {c.child for c in below} | set(linked) | ({parent.parent} if parent else set())
    )
    idle = _idle(handed, detach=not files, remove_child=not below, unlink=not linked)
    return {
        "allowed": [a for a in core_tickets.allowed(ticket) if a not in idle],
        "watchers": collaboration.watchers(conn, one).get(ticket.id, []),
        "attachments": [attachment_shape(a) for a in files],
        "parent": _brief(others[parent.parent]) | {"required": parent.required} if parent else None,
        "children": [_brief(others[c.child]) | {"required": c.required} for c in below],
        "linked": [_brief(others[i]) for i in linked if i in others],
        "approvals": [approval_shape(a) for a in collaboration.approvals(conn, one).get(ticket.id, [])],
        "handoffs": [handoff_shape(h, now) for h in handed],
        "stays": stays_shape(ticket, entries, now),
        "required": {a: [missing_shape(m) for m in lacking] for a, lacking in still_required(conn, hub, ticket).items()},
    }  # fmt: skip


def _idle(handed: Sequence[collaboration.Handoff], **nothing_there: bool) -> set[str]:
    """Actions that the state allows but that have nothing to act on."""
    standing = next((h.state for h in reversed(handed) if h.open), "")
    answers = {"sent": {"accept_handoff", "return_handoff"}, "accepted": {"return_handoff", "finish_handoff"}}
    idle = {"accept_handoff", "return_handoff", "finish_handoff"} - answers.get(standing, set())
    return idle | {action for action, is_so in nothing_there.items() if is_so}


def _brief(ticket: core_tickets.Ticket) -> dict[str, Any]:
    return {"id": format_id(ticket.id), "title": ticket.title, "status": ticket.status, "kind": ticket.kind}


def attachment_shape(a: collaboration.Attachment) -> dict[str, Any]:
    return {
        "number": a.number, "name": a.name, "media_type": a.media_type, "size": a.size, "sha256": a.sha256,
        "label": a.label, "by": a.actor, "at": clock.rfc3339(a.at),
        "href": f"/v1/tickets/{format_id(a.ticket_id)}/attachments/{a.number}",
    }  # fmt: skip


def approval_shape(a: collaboration.Approval) -> dict[str, Any]:
    return {
        "number": a.number, "state": a.state, "text": a.text, "asked_by": a.asked_by, "asked_at": clock.rfc3339(a.asked_at),
        "settled_at": clock.rfc3339(a.settled_at), "awaited": list(collaboration.awaited(a)), "reminders": a.reminders,
        "approvers": [asdict(v) | {"at": clock.rfc3339(v.at)} for v in a.approvers],
    }  # fmt: skip


def handoff_shape(h: collaboration.Handoff, now: int) -> dict[str, Any]:
    return {
        "number": h.number, "state": h.state, "from_group": h.from_group, "group": h.group, "text": h.text, "by": h.actor,
        "at": clock.rfc3339(h.at), "due": clock.rfc3339(h.due), "overdue": h.overdue(now),
        "accepted_by": h.accepted_by, "accepted_at": clock.rfc3339(h.accepted_at), "ended_by": h.ended_by,
        "ended_at": clock.rfc3339(h.ended_at), "ended_text": h.ended_text,
    }  # fmt: skip


def stays_shape(ticket: core_tickets.Ticket, entries: Sequence[Entry], now: int) -> list[dict[str, Any]]:
    """How long each department had it, in order; the last stay of a resolved ticket ends with its resolving."""
    return [
        {"group": s.group, "since": clock.rfc3339(s.since), "until": clock.rfc3339(s.until),
         "seconds": s.length(now) // clock.SECOND}
        for s in collaboration.stays(entries, ticket.opened_at, ticket.resolved_at)
    ]  # fmt: skip


def missing_shape(m: Missing) -> dict[str, Any]:
    return {"need": m.need, "message": m.en, "message_zh": m.zh, "how": m.how, "how_zh": m.how_zh,
            "tickets": [format_id(t) for t in m.tickets]}  # fmt: skip
