"""The objects in other systems that a ticket is linked with: what the hub wants each to be, and what it was last seen as."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
from gateway import clock, tables

MOST = 200
_O, _E, _G = tables.outbox.c, tables.echo.c, tables.signal.c


def objects(conn: Connection, ticket: core_tickets.Ticket) -> list[dict[str, Any]]:
    """By connection and key, the source first. `desired`: the newest command and its state; `observed`: what that system
    itself said last: its alert, its receipt, its echo of our write. `in_step`: both say the same; None: nothing is wanted.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for signal in conn.execute(select(tables.signal).where(_G.ticket_id == ticket.id).order_by(_G.seen_at.desc())):
        known = found.setdefault((signal.connection_id, ""), _blank(signal.connection_id, {}, source=True))
        known["url"], known["key"] = ticket.url, {"key": ticket.source_key} if ticket.source_key else {}
        known["observed"].append(
            {
                "what": "signal",
                "state": signal.status,
                "at": clock.rfc3339(signal.seen_at),
                "values": {"rule": signal.rule},
            }
        )
    commands = list(conn.execute(
        select(tables.outbox).where(_O.ticket_id == ticket.id).order_by(_O.id.desc()).limit(MOST)
    ))  # fmt: skip
    echoes = {
        row.outbox_id: row for row in conn.execute(select(tables.echo).where(_E.ticket_id == ticket.id).order_by(_E.id))
    }
    for row in commands:
        of_source = (row.connection_id, "") in found
        place = (row.connection_id, "" if of_source else row.key)
        known = found.setdefault(place, _blank(row.connection_id, orjson.loads(row.key), source=False))
        if of_source:
            known["key"] = orjson.loads(row.key) or known["key"]
        if known["desired"] is None:
            known["desired"] = {
                "op": row.op, "body": orjson.loads(row.body), "by": row.bridge, "at": clock.rfc3339(row.created_at),
                "state": row.state, "attempts": row.attempts, "reason": row.reason, "command": str(row.id),
            }  # fmt: skip
            known["in_step"] = _in_step(row, echoes.get(row.id))
        if row.receipt is not None:
            receipt = orjson.loads(row.receipt)
            known["observed"].append(
                {"what": "receipt", "state": receipt["outcome"], "at": clock.rfc3339(row.done_at),
                 "values": receipt["values"] | ({"id": receipt["external_id"]} if receipt["external_id"] else {})}
            )  # fmt: skip
        if row.echoed_at is not None:
            match = orjson.loads(echoes[row.id].match) if row.id in echoes else {}
            known["observed"].append(
                {"what": "echo", "state": "seen", "at": clock.rfc3339(row.echoed_at), "values": match}
            )
    for known in found.values():
        known["observed"].sort(key=lambda seen: str(seen["at"]), reverse=True)
    return sorted(found.values(), key=lambda known: not known["source"])


def _blank(connection: str, key: dict[str, Any], *, source: bool) -> dict[str, Any]:
    return {"connection": connection, "key": key, "source": source, "url": None, "desired": None, "observed": [],
            "in_step": None}  # fmt: skip


def _in_step(command: Any, echo: Any) -> bool:
    """The write is done, and where the system is expected to tell it back, it has."""
    return command.state == "done" and (echo is None or command.echoed_at is not None)
