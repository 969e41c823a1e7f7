"""Our own writes coming back: recognised, taken as the receipt, and kept from causing anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, update

from connectors.contract import Event
from core_tickets import Note
from gateway import tables
from gateway.automation.work import TicketWork
from gateway.ingest.item import End, Item


def absorb_echoes(conn: Connection, items: Sequence[Item], now: int, work: TicketWork) -> None:
    """Mark the items that are awaited echoes, give them their end, and note the receipt on the ticket."""
    writers: dict[str, list[Item]] = {}
    for item in items:
        if "writes" in item.live.can and item.event.key:
            writers.setdefault(item.live.id, []).append(item)
    for connection_id, found in writers.items():
        awaited = _awaited(conn, connection_id, sorted({i.event.key for i in found}), now)
        for item in found if awaited else ():
            echo = next((e for e in awaited if _is(e, item.event)), None)
            if echo is not None:
                awaited.remove(echo)
                _take(conn, echo, item, now, work)


def _awaited(conn: Connection, connection_id: str, keys: list[str], now: int) -> list[Any]:
    if conn.dialect.name == "postgresql":
        return list(conn.exec_driver_sql(_AWAITED, (connection_id, keys, now)))
    return list(conn.exec_driver_sql(_AWAITED_SQLITE, (connection_id, orjson.dumps(keys).decode(), now)))


_AWAITED = """
SELECT * FROM echo WHERE connection_id = %s AND key = ANY(%b::text[]) AND seen_at IS NULL AND expires_at > %s
ORDER BY id FOR UPDATE
"""
_AWAITED_SQLITE = """
SELECT * FROM echo WHERE connection_id = ? AND key IN (SELECT value FROM json_each(?)) AND seen_at IS NULL
AND expires_at > ? ORDER BY id
"""


def _is(echo: Any, event: Event) -> bool:
    if (echo.key, echo.stream) != (event.key, event.stream):
        return False
    return all(at_path(event.record, path) == value for path, value in orjson.loads(echo.match).items())


def at_path(record: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; None: there is none."""
    value: Any = record
    for step in path.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _take(conn: Connection, echo: Any, item: Item, now: int, work: TicketWork) -> None:
    c = tables.echo.c
    conn.execute(update(tables.echo).where(c.id == echo.id).values(seen_at=now, message_id=item.id))
    conn.execute(update(tables.outbox).where(tables.outbox.c.id == echo.outbox_id).values(echoed_at=now))
    item.echo = True
    item.settle(End.merged, "echo", echo.ticket_id)
    told = {"command": str(echo.outbox_id), "connection": item.live.id, "message": str(item.id)}
    work.notes.append(Note(echo.ticket_id, "echo", told, f"connection:{item.live.id}", now, "connector"))
