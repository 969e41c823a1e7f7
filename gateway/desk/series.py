"""Numbers of a ticket's context as charts show them: series over time, and gauges with the limits of its rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from sqlalchemy import Connection, select

import core_tickets
from gateway import clock, tables
from gateway.config.hub import Hub
from gateway.desk.comparing import TWIN, sections_of, twin_of
from gateway.ingest.recall import opening_messages, records
from gateway.rights import Eyes

DEEP = 4
"""So far down an answer series are looked for."""


def charts(conn: Connection, hub: Hub, eyes: Eyes, number: int) -> dict[str, Any]:
    """`series`: `{name, section, unit, points: [[at, number as text]], opened_at}`; `gauges`: the last value of each
    number with its limits, `percents`: shares as the snapshot has them. Only of sections the asker may see.
    Raises core_tickets.UnknownTicket."""
    seen = eyes.seen(number)
    ticket = seen.ticket
    series: list[dict[str, Any]] = []
    percents: list[dict[str, Any]] = []
    gauges: list[dict[str, Any]] = []
    if seen.sight.field(f"context.{TWIN}"):
        limits = _limits(conn, hub, ticket)
        for metric, told in twin_of(conn, ticket).items():
            shown = {"name": metric, "section": TWIN, "unit": told["unit"]}
            if (value := _number(told["value"])) is not None:
                held = {"value": str(value), "at": told["at"], "quality": told["quality"]}
                gauges.append({**shown, **held, "limits": limits.get(metric)})
            points = [[at, str(v)] for at, text in told["recent"] if (v := _number(text)) is not None]
            if len(points) > 1:
                series.append({**shown, "points": points, "limits": limits.get(metric)})
    for row in sections_of(conn, number):
        if row.name == TWIN or row.values is None or not seen.sight.field(f"context.{row.name}"):
            continue
        values = orjson.loads(row.values)
        as_of = clock.rfc3339(row.as_of)
        if not isinstance(values, Mapping):
            continue
        unit = str(values.get("unit") or "")
        share = _number(values.get("percent", values.get(row.question)))
        if unit == "%" and share is not None:
            percents.append({"name": row.question, "section": row.name, "value": str(share), "unit": unit, "at": as_of})
        for path, points in _within(values, "", 0):
            name = row.question if path == "recent" else f"{row.question} {path}"
            series.append({"name": name, "section": row.name, "unit": unit, "points": points, "limits": None})
    return {"series": series, "gauges": gauges, "percents": percents, "opened_at": clock.rfc3339(ticket.opened_at)}


def _within(values: Any, place: str, depth: int) -> Iterator[tuple[str, list[list[str]]]]:
    """Lists of (time, number), wherever an answer has them."""
    if isinstance(values, Mapping) and depth < DEEP:
        for name, value in values.items():
            yield from _within(value, f"{place}.{name}" if place else str(name), depth + 1)
    elif isinstance(values, list) and len(values) > 1:
        points = [point for each in values if (point := _point(each)) is not None]
        if len(points) == len(values):
            yield place, points


def _point(value: Any) -> list[str] | None:
    if isinstance(value, Mapping) and "at" in value and "value" in value:
        value = [value["at"], value["value"]]
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], str):
        return None
    try:
        at = datetime.fromisoformat(value[0])
    except ValueError:
        return None
    number = _number(value[1])
    return None if number is None or at.tzinfo is None else [value[0], str(number)]


def _number(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool | list | dict):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _limits(conn: Connection, hub: Hub, ticket: core_tickets.Ticket) -> dict[str, dict[str, Any]]:
    """The limit that the reading crossed which opened the ticket, by metric."""
    found: dict[str, dict[str, Any]] = {}
    messages = opening_messages(conn, ticket.id)[:1]
    if not messages:
        return found
    rule_id = conn.execute(select(tables.message.c.rule).where(tables.message.c.id == messages[0])).scalar()
    rule = hub.rules.named(str(rule_id))
    if rule is None or rule.spec.threshold is None:
        return found
    limit = rule.spec.threshold
    for _, _, _, record in records(conn, hub, messages):
        found[str(record.get("metric"))] = {
            "rule": rule.spec.id, "above": _text(limit.above), "below": _text(limit.below), "clear": _text(limit.clear),
            "told": limit.describe(),
        }  # fmt: skip
    return found


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
