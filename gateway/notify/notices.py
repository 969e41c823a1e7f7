"""What somebody shall be told, queued in the transaction that makes it true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from gateway import rows, tables


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
    queued = [
        (n.ticket_id, n.reason, n.step, n.tier, n.title, n.text, _listed(n.people), _listed(n.groups), now, "waiting")
        for n in notices
    ]
    rows.insert(conn, tables.notice, _COLUMNS, queued, skip_known=True)


_COLUMNS = ("ticket_id", "reason", "step", "tier", "title", "text", "people", "groups", "at", "state")


def _listed(ids: Sequence[str]) -> str:
    return orjson.dumps(ids).decode()
