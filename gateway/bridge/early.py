"""Echoes that came before their receipt: a fast system tells us of our write while we still wait for its answer."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from connectors.contract import Echo, Event
from gateway import tables
from gateway.bridge.echoes import at_path
from gateway.config.hub import Hub
from gateway.ingest.recall import records

_M = tables.message.c
LOOKED_AT = 200


def told_already(
    conn: Connection, hub: Hub, connection_id: str, ticket_id: int, echoes: Sequence[Echo], since: int
) -> dict[int, int]:
    """Place of an echo → the message that was it, among the messages of this ticket and connection from `since` on."""
    if not echoes:
        return {}
    mine = (_M.ticket_id == ticket_id, _M.connection_id == connection_id, _M.at >= since, _M.repeat_of.is_(None))
    ids = list(conn.execute(select(_M.id).where(*mine).order_by(_M.id).limit(LOOKED_AT)).scalars())
    found: dict[int, int] = {}
    for message_id, _, event, _ in records(conn, hub, ids):
        for place, echo in enumerate(echoes):
            if place not in found and message_id not in found.values() and _is(echo, event):
                found[place] = message_id
    return found


def _is(echo: Echo, event: Event) -> bool:
    same = (echo.stream, echo.key) == (event.stream, event.key)
    return same and all(at_path(event.record, path) == value for path, value in echo.match.items())
