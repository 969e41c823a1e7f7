"""What somebody shall be told, queued in the transaction that makes it true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from gateway import tables


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. Queued twice with the same (ticket, reason, step) it is told once.

    `reason`: opened, assigned, escalated, warned, mentioned, question, brief, approval ... `step` tells apart what may
    happen more than once, such as `30m` or a version. `people` and `groups` by id; a group is everybody in it who is
    there now, else its lead.
    """

    ticket_id: int
    reason: str
    step: str
    tier: int
    """The priority it is told with, 0 to 3: the tier of channels."""
    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    title: str = ""
    text: str = ""
    """Markdown, in the language of the hub's users (Chinese first); link and snapshot are added when it is sent."""


def queue(conn: Connection, notices: Sequence[Notice], now: int) -> None:
    """One statement; a worker sends them."""
    if not notices:
        return
    insert = postgresql.insert if conn.dialect.name == "postgresql" else sqlite.insert
    rows = [
        {
            "ticket_id": n.ticket_id, "reason": n.reason, "step": n.step, "tier": n.tier, "title": n.title,
            "text": n.text, "people": orjson.dumps(n.people).decode(), "groups": orjson.dumps(n.groups).decode(),
            "at": now, "state": "waiting",
        }
        for n in notices
    ]  # fmt: skip
    conn.execute(insert(tables.notice).on_conflict_do_nothing(), rows)
