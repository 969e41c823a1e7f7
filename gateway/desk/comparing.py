"""Then and now: the snapshot a ticket was opened with, against the same questions asked again. Nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
from connectors.contract import Answer, Ask
from connectors.errors import ConnectorError
from gateway import clock, tables
from gateway.config.hub import HUB
from gateway.context import own, trends
from gateway.rights import Eyes
from gateway.service import Gateway

DEADLINE_S = 5.0
AT_ONCE = 8
TWIN = "device_twin"
_S = tables.context_section.c


def sections_of(conn: Connection, number: int) -> list[Any]:
    """The stored sections of a snapshot, by name."""
    return list(conn.execute(select(tables.context_section).where(_S.ticket_id == number).order_by(_S.name)))


def asked_again(gateway: Gateway, number: int, eyes_of: Callable[[Connection], Eyes]) -> list[dict[str, Any]]:
    """Each section that the asker may see, asked again now, all at once, each within its deadline. Sources that do not
    answer say why. No transaction is open meanwhile. Raises core_tickets.UnknownTicket."""
    with gateway.reading() as conn:
        seen = eyes_of(conn).seen(number)
        wanted = [row for row in sections_of(conn, number) if seen.sight.field(f"context.{row.name}")]
        twin = twin_of(conn, seen.ticket)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="then-and-now") as pool:
        return list(pool.map(lambda row: _ask(gateway, row, twin), wanted))


def _ask(gateway: Gateway, row: Any, twin: Mapping[str, Any]) -> dict[str, Any]:
    begun, hub = monotonic(), gateway.hub
    told: dict[str, Any] = {"name": row.name, "connection": row.connection_id, "question": row.question, "status": "empty",
                            "reason": "", "values": None, "as_of": None, "link": ""}  # fmt: skip
    inputs = orjson.loads(row.inputs)
    live = hub.connections.get(row.connection_id)
    answer: Answer | None = None
    try:
        if row.name in (TWIN, trends.SECTION):
            now, values = clock.rfc3339(clock.now()), dict(twin) if row.name == TWIN else trends.of(twin)
            return told | ({"status": "ok", "values": values, "as_of": now} if values else {}) | {"latency_ms": 0}
        if row.connection_id == HUB:
            made = own.answer(gateway, row.question, inputs, last=True)
            answer = made.answer if made is not None else None
        elif not inputs and row.status == "empty":
            return told | {"reason": row.reason, "latency_ms": 0}  # it could not be asked then, nor now
        elif live is None or live.runtime is None or "answers" not in live.can:
            return told | {"status": "failed", "reason": "the connection is not there", "latency_ms": 0}
        else:
            answer = live.runtime.lookup(Ask(row.question, inputs, DEADLINE_S))
    except ConnectorError as error:
        told |= {"status": "failed", "reason": str(error)}
    if answer is not None:
        values = orjson.loads(orjson.dumps(answer.values, default=str))
        told |= {"status": "ok", "values": values, "link": answer.link,
                 "as_of": clock.rfc3339(clock.from_datetime(answer.as_of))}  # fmt: skip
    return told | {"latency_ms": round((monotonic() - begun) * 1000)}


def twin_of(conn: Connection, ticket: core_tickets.Ticket) -> dict[str, dict[str, Any]]:
    """What the ticket's device reports now, by metric; empty for a ticket about no device."""
    if ticket.device is None:
        return {}
    t = tables.twin.c
    return {
        r.metric: {"value": r.value, "text": r.text, "unit": r.unit, "quality": r.quality, "at": clock.rfc3339(r.at),
                   "recent": [[clock.rfc3339(at), v] for at, v in orjson.loads(r.recent)]}
        for r in conn.execute(select(tables.twin).where(t.device_id == ticket.device).order_by(t.metric))
    }  # fmt: skip


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is another value now, by path; rolling windows and marks of time are left out, they always differ."""
    before, after = dict(_flat(then)), dict(_flat(now))
    paths = sorted(before.keys() | after.keys())
    return [
        {"field": p, "before": before.get(p), "after": after.get(p)} for p in paths if before.get(p) != after.get(p)
    ]


_ROLLING = frozenset({"recent", "at", "message", "as_of", "score", "rank"})


def _flat(values: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            if name not in _ROLLING:
                yield from _flat(value, f"{place}.{name}" if place else str(name))
    elif isinstance(values, Sequence) and not isinstance(values, str):
        for n, value in enumerate(values):
            yield from _flat(value, f"{place}[{n}]")
    else:
        yield place, values
