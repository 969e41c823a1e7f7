"""The inbox within the hub: every notice of a person, whatever became of it elsewhere."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

import core_tickets
import id_registry
from gateway import clock
from gateway.config.hub import Hub
from gateway.errors import NotFound
from gateway.notify import composing
from gateway.notify.addressing import INBOX
from gateway.notify.tables import notice_delivery
from gateway.tables import notice

_D, _N = notice_delivery.c, notice.c


class InboxPage(NamedTuple):
    """Newest first; `next_cursor` None is the end."""

    items: list[dict[str, Any]]
    next_cursor: int | None
    unread: int


def listed(
    conn: Connection, hub: Hub, person: str, *, unread: bool = False, before: int | None = None, limit: int = 50
) -> InboxPage:
    """A person's notices, as far as this person may see what they say."""
    mine = (_D.person == person, _D.channel == INBOX)
    query = select(notice_delivery, _N.reason.label("about"), _N.tier, _N.title, _N.text).join_from(
        notice_delivery, notice, _N.id == _D.notice_id
    )
    conditions = [*mine]
    if unread:
        conditions.append(_D.read_at.is_(None))
    if before is not None:
        conditions.append(_D.id < before)
    rows = conn.execute(query.where(*conditions).order_by(_D.id.desc()).limit(limit + 1)).all()
    tickets = core_tickets.get_many(conn, {r.ticket_id for r in rows[:limit]})
    items = [_item(conn, hub, r, tickets.get(r.ticket_id), person) for r in rows[:limit]]
    waiting = conn.execute(select(_D.id).where(*mine, _D.read_at.is_(None)).limit(1000)).all()
    return InboxPage(items, rows[limit - 1].id if len(rows) > limit else None, len(waiting))


def _item(conn: Connection, hub: Hub, row: Any, ticket: core_tickets.Ticket | None, person: str) -> dict[str, Any]:
    number = id_registry.format_id(row.ticket_id)
    own = {"told.title": row.title, "told.text": row.text, "title": ticket.title if ticket is not None else ""}
    values = {name: text for name, text in own.items() if text}
    seen = composing.seen_by(conn, hub, values, [person], row.ticket_id)
    return {
        "id": str(row.id), "ticket": number, "reason": row.about, "priority": f"P{row.tier}",
        "title": composing.title_of(row.about, seen), "text": seen.get("told.text", ""), "at": clock.rfc3339(row.at),
        "read_at": clock.rfc3339(row.read_at), "answer": row.answer, "answered_at": clock.rfc3339(row.answered_at),
    }  # fmt: skip


def read(conn: Connection, delivery_id: int, person: str | None, now: int) -> None:
    """Mark one as read. `person`: only if it is this one's. Raises NotFound."""
    mine = [_D.id == delivery_id, _D.channel == INBOX]
    if person is not None:
        mine.append(_D.person == person)
    if conn.execute(select(_D.id).where(*mine)).first() is None:
        raise NotFound(f"There is no notice {delivery_id}.")
    conn.execute(update(notice_delivery).where(*mine, _D.read_at.is_(None)).values(read_at=now))
